"""torch.utils.checkpoint of torch.nn.BatchNorm1d: the backward pass runs the layer again, and with it the update of the
running statistics, so that a step weighs 1 - (1 - momentum)². Exit status 1: still so."""

import torch
from torch.utils.checkpoint import checkpoint


def average(checkpointed):
    layer = torch.nn.BatchNorm1d(1, momentum=0.25)
    x = torch.tensor([[8.0], [8.0]], requires_grad=True)
    y = checkpoint(layer, x, use_reentrant=False) if checkpointed else layer(x)
    y.sum().backward()
    return layer.running_mean.item(), layer.num_batches_tracked.item()


(right, steps), (found, counted) = average(checkpointed=False), average(checkpointed=True)
print("torch", torch.__version__, "| running mean of a checkpointed step: returned", found, "in", counted, "steps")
print("due, as without a checkpoint:", right, "in", steps)
raise SystemExit(int(abs(found - right) > 0.01))  # small whole numbers: 2 is due
