"""tinygrad.nn.BatchNorm: one value per channel ends in a ZeroDivisionError that says nothing of the batch; untracked,
it gives y = bias. Needs a clang, or its name in the environment variable CC. Exit status 1: still so."""

from importlib.metadata import version

from tinygrad import Tensor, nn
from tinygrad.helpers import Context

found = {}
for tracked in (True, False):
    try:
        with Context(TRAINING=1):
            found[tracked] = nn.BatchNorm(2, track_running_stats=tracked)(Tensor([[3.0, -5.0]])).tolist()
    except ZeroDivisionError as error:
        found[tracked] = f"ZeroDivisionError: {error}"
print("tinygrad", version("tinygrad"))
print("tracked:   returned", found[True])  # division by zero, in the correction m/(m - 1) of the running variance
print("untracked: returned", found[False])
print("           due      [[0.0, 0.0]] or a refusal that names the batch")  # x equals its mean: the bias remains
raise SystemExit(int(isinstance(found[True], str)))  # no tolerance: it raises
