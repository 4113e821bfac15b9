"""tinygrad.nn.BatchNorm in training: with one value per channel the correction of the running variance ends in a
ZeroDivisionError, which says nothing of the batch (untracked, the same batch gives y = bias); after a batch of no
examples the running statistics are not numbers, for good. Needs a clang, or its name in the environment variable CC."""

from importlib.metadata import version

from tinygrad import Tensor, nn
from tinygrad.helpers import Context

x = Tensor([[3.0, -5.0]])
with Context(TRAINING=1):
    print(
        "tinygrad",
        version("tinygrad"),
        "| one value, not tracked: y =",
        nn.BatchNorm(2, track_running_stats=False)(x).tolist(),
    )
    try:
        print("one value, tracked: y =", nn.BatchNorm(2)(x).tolist())
    except ZeroDivisionError as error:
        print("one value, tracked: ZeroDivisionError:", error)
    layer = nn.BatchNorm(2)
    layer(Tensor.zeros(0, 2)).realize()
    print(
        "after no examples: running mean", layer.running_mean.tolist(), "running variance", layer.running_var.tolist()
    )
raise SystemExit(int(any(value != value for value in layer.running_mean.tolist())))
