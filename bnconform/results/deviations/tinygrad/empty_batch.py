"""tinygrad.nn.BatchNorm: a batch of no examples makes the running statistics NaN for good. Needs a clang, or its name
in the environment variable CC. Exit status 1: still so."""

from importlib.metadata import version

from tinygrad import Tensor, nn
from tinygrad.helpers import Context

layer = nn.BatchNorm(1)
with Context(TRAINING=1):
    layer(Tensor.zeros(0, 1)).realize()
mean, variance = layer.running_mean.item(), layer.running_var.item()
print("tinygrad", version("tinygrad"), "| running mean and variance")
print("returned", mean, variance)  # nan nan
print("due 0.0 1.0, as before, or a refusal")  # nothing has no mean to be averaged
raise SystemExit(int(mean != mean))  # no tolerance: it is no number
