"""torch on CPU, 16-bit input, nothing float32 given beside it (no gamma, beta or running statistics): the batch's mean
and 1/sqrt(variance + eps) are stored in 16 bits. With a float32 scale of ones, or float32 buffers, they are not."""

import torch
from torch.nn.functional import batch_norm

for dtype, values in ((torch.bfloat16, [[100.0], [100.5]]), (torch.float16, [[1000.0], [1000.5]])):
    x = torch.tensor(values, dtype=dtype)
    alone = batch_norm(x, None, None, None, None, True, 0.1, 0.25)
    scaled = batch_norm(x, None, None, torch.ones(1), torch.zeros(1), True, 0.1, 0.25)
    v = ((x.double() - x.double().mean()) ** 2).mean()
    exact = (x.double() - x.double().mean()) / (v + 0.25).sqrt()
    saved = torch.native_batch_norm(x, None, None, None, None, True, 0.1, 0.25)[1:]
    print(
        dtype,
        "x =",
        x.flatten().tolist(),
        "y alone =",
        alone.flatten().tolist(),
        "y with float32 ones =",
        scaled.flatten().tolist(),
        "exact =",
        [round(t, 6) for t in exact.flatten().tolist()],
        "saved statistics:",
        saved[0].dtype,
        saved[0].item(),
        "exact mean",
        x.double().mean().item(),
    )
shown = not torch.equal(alone, scaled)
print(torch.__version__)

# https://github.com/pytorch/pytorch/issues/140112 takes the second line for CUDA's error; the CPU's is the one rounded.
x = torch.tensor([[[1.3047, 0.8789]]], dtype=torch.bfloat16)
module = torch.nn.BatchNorm1d(1, affine=False, track_running_stats=False)
print("issue 140112: CPU", module(x).flatten().tolist(), "in float64", module.double()(x.double()).flatten().tolist())
raise SystemExit(int(shown))
