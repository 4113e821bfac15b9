"""torch on CPU, 16-bit input, float32 parameters: the sums of the backward pass are rounded to 16 bits where x is not
contiguous (here rank 3 with the channels in memory last), and in float32 where it is."""

import numpy as np
import torch
from torch.nn.functional import batch_norm

rng = np.random.default_rng(0)
x64, g64 = rng.integers(-8, 9, (4, 3, 5)) / 4 + 0.125, np.full((4, 3, 5), 100.25)
g64 += rng.integers(-8, 9, g64.shape) / 4
for dtype in (torch.float16, torch.bfloat16):
    for layout in ("contiguous", "channels in memory last"):
        x, g = torch.tensor(x64).to(dtype), torch.tensor(g64).to(dtype)
        if layout != "contiguous":  # the same values, the same shape (N, C, L), other strides
            x, g = (t.movedim(1, -1).contiguous().movedim(-1, 1) for t in (x, g))
        x.requires_grad_()
        gamma, beta = torch.ones(3, requires_grad=True), torch.zeros(3, requires_grad=True)
        y = batch_norm(x, torch.zeros(3), torch.ones(3), gamma, beta, True, 0.1, 1e-5)
        dx, dgamma, dbeta = torch.autograd.grad(y, (x, gamma, beta), g)
        X, G = x.detach().double().numpy(), g.double().numpy()
        d = X - X.mean((0, 2), keepdims=True)
        r = 1 / np.sqrt((d * d).mean((0, 2), keepdims=True) + 1e-5)
        P = G - G.mean((0, 2), keepdims=True) - d * r * (G * d * r).mean((0, 2), keepdims=True)
        print(
            f"{dtype!s:15} {layout:24} dbeta[0] = {dbeta[0].item():.7g} (exact {G.sum((0, 2))[0]:.7g}, type "
            f"{dbeta.dtype}); worst |dx - exact| = {np.abs(dx.double().numpy() - r * P).max():.2g}, "
            f"largest |dx| = {np.abs(r * P).max():.2g}; worst rel. error of dgamma "
            f"{np.abs(dgamma.double().detach().numpy() / (G * d * r).sum((0, 2)) - 1).max():.1g}"
        )
shown = abs(dbeta[0].item() / G.sum((0, 2))[0] - 1) > 1e-4  # of bfloat16, not contiguous

# The same path is taken where x is channels-last and the cotangent is not, or the reverse (rank 4).
x = torch.randn(4, 3, 5, 2, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
g = (100 + torch.randn(4, 3, 5, 2, generator=torch.Generator().manual_seed(1))).to(torch.bfloat16)
for forward in (torch.contiguous_format, torch.channels_last):
    for backward in (torch.contiguous_format, torch.channels_last):
        a = x.contiguous(memory_format=forward).requires_grad_()
        beta = torch.zeros(3, requires_grad=True)
        y = batch_norm(a, torch.zeros(3), torch.ones(3), torch.ones(3), beta, True, 0.1, 1e-5)
        (dbeta,) = torch.autograd.grad(y, beta, g.contiguous(memory_format=backward))
        print(forward, backward, "dbeta", dbeta.tolist(), "exact", g.double().sum((0, 2, 3)).tolist())
print(torch.__version__)
raise SystemExit(int(shown))
