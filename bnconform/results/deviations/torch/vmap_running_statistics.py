"""Under torch.func.vmap, running statistics that are mapped over their last axis are silently not updated.

The batching rule (aten/src/ATen/functorch/BatchRulesNorm.cpp, batch_norm_batch_rule) moves the mapped axis to the front
and calls .contiguous(), which copies where that is not contiguous memory; the kernel updates the copy. y is right, and
nothing is said. The same concern, for cuDNN: https://github.com/pytorch/pytorch/issues/33867 (open), and in passing
https://github.com/pytorch/functorch/pull/958. Needs torch and NumPy.
"""

import numpy as np
import torch

x = np.random.default_rng(0).normal(3, 2, (2, 6, 4)).astype(np.float32)  # two models, six rows, four channels
exact = x.mean(1)


def step(x, mean, var):
    return torch.nn.functional.batch_norm(x, mean, var, training=True, momentum=1.0)


def running_mean(axis):
    shape = (2, 4) if axis == 0 else (4, 2)
    mean, var = torch.zeros(shape), torch.ones(shape)
    torch.func.vmap(step, in_dims=(0, axis, axis))(torch.tensor(x), mean, var)
    return np.moveaxis(mean.numpy(), axis, 0)


print("torch", torch.__version__)
print("exact:", exact.round(3).tolist())
for axis in (0, 1):
    print(f"mapped over axis {axis}:", running_mean(axis).round(3).tolist())
assert np.allclose(running_mean(0), exact, atol=1e-5)
raise SystemExit(int(not running_mean(1).any()))
