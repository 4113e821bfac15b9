"""mlx.nn.BatchNorm refuses a batch with one value per channel, but takes a batch of no examples, after which its
running statistics are not numbers, for good."""

from importlib.metadata import version

import mlx.core as mx
from mlx import nn

mx.set_default_device(mx.cpu)
layer = nn.BatchNorm(2)
layer(mx.zeros((0, 2)))
print(
    "mlx",
    version("mlx"),
    "| after an empty batch: running mean",
    layer.running_mean,
    "running variance",
    layer.running_var,
)
try:
    layer(mx.zeros((1, 2)))
except ValueError as error:
    print("one value per channel:", error)
raise SystemExit(int(bool(mx.isnan(layer.running_mean).any())))
