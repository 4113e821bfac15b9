"""mlx.nn.BatchNorm: a batch of no examples makes the running statistics NaN for good; one value per channel is refused.
Exit status 1: still so."""

from importlib.metadata import version

import mlx.core as mx
from mlx import nn

mx.set_default_device(mx.cpu)
layer = nn.BatchNorm(1)
layer(mx.zeros((0, 1)))
mean, variance = layer.running_mean.item(), layer.running_var.item()
print("mlx", version("mlx"), "| running mean and variance: returned", mean, variance)  # nan nan
try:
    layer(mx.zeros((1, 1)))
except ValueError as error:
    print("one value per channel: ValueError:", error)
print("due 0.0 1.0, as before, or a refusal")  # nothing has no mean to be averaged
raise SystemExit(int(mean != mean or variance != variance))  # no tolerance: it is no number
