"""Gradient of x in 16 bits: the same values, stored contiguously and in every second element."""

import numpy as np
import torch

rng = np.random.default_rng(0)
errors = {}
for dtype in (torch.float16, torch.bfloat16, torch.float32):
    for shape in ((13, 4), (8, 4, 3, 5)):
        x = torch.tensor(rng.standard_normal(shape) + 3).to(dtype)
        g = torch.tensor(rng.standard_normal(shape) + 1).to(dtype)

        def dx(t, c):
            t = t.detach().requires_grad_()
            y = torch.nn.functional.batch_norm(t, None, None, torch.ones(4), torch.zeros(4), True, 0.1, 1e-5)
            return torch.autograd.grad(y, t, c)[0].double()

        def strided(t):
            return torch.as_strided(
                torch.stack([t.flatten(), t.flatten()], 1).flatten(), t.shape, tuple(2 * s for s in t.stride())
            )

        def fortran(t):
            return t.permute(*range(t.ndim)[::-1]).contiguous().permute(*range(t.ndim)[::-1])

        xd, gd = x.double(), g.double()
        t = xd.requires_grad_()
        y = torch.nn.functional.batch_norm(
            t, None, None, torch.ones(4).double(), torch.zeros(4).double(), True, 0.1, 1e-5
        )
        exact = torch.autograd.grad(y, t, gd)[0]
        u = {torch.float16: 2**-11, torch.bfloat16: 2**-8, torch.float32: 2**-24}[dtype]
        for name, how in (("contiguous", lambda t: t), ("strided", strided), ("fortran", fortran)):
            e = (dx(how(x), how(g)) - exact).abs().max() / exact.abs().max() / u
            errors[dtype, shape, name] = float(e)
            print(dtype, shape, name, f"worst error {e:.2f} u of the largest")
raise SystemExit(
    int(errors[torch.bfloat16, (8, 4, 3, 5), "strided"] > 2 * errors[torch.bfloat16, (8, 4, 3, 5), "contiguous"])
)
