"""All in 16 bits (a model after .bfloat16() or .half()), torch on a CPU is less exact where x is not contiguous.

Contiguous values are normalized in float32, others, such as those of a transposed (examples, length, channels), in 16
bits: batch_norm_cpu_transform_input_template of aten/src/ATen/native/Normalization.cpp. Needs torch and NumPy.
"""

import numpy as np
import torch

EPS = 0.25
rng = np.random.default_rng(0)


def worst_error(dtype, contiguous):
    """Returns the largest error of y in inference, in units of its own rounding: at most 1 where none is added."""
    x = torch.tensor(rng.normal(0.3, 1.0, (50, 5, 3))).to(dtype).movedim(-1, 1)
    mean, var, weight, bias = (torch.tensor(rng.uniform(0.5, 2, 3)).to(dtype) for _ in range(4))
    y = torch.nn.functional.batch_norm(x.contiguous() if contiguous else x, mean, var, weight, bias, False, 0.1, EPS)
    exact = torch.nn.functional.batch_norm(*(t.double() for t in (x, mean, var, weight, bias)), False, 0.1, EPS).numpy()
    unit = np.exp2(np.floor(np.log2(np.abs(exact)))) * torch.finfo(dtype).eps / 2
    return (np.abs(y.double().numpy() - exact) / unit).max()


print("torch", torch.__version__)
shown = []
for dtype in (torch.bfloat16, torch.float16):
    found = [worst_error(dtype, contiguous) for contiguous in (True, False)]
    print(dtype, f"error of y in units of its own rounding: contiguous {found[0]:.2f}, strided {found[1]:.1f}")
    shown.append(found[0] < 1.1 < found[1])
raise SystemExit(int(all(shown)))
