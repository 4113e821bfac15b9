"""torch.nn.utils.fusion.fuse_linear_bn_eval raises for a BatchNorm1d without scale and shift, which fuse_conv_bn_eval
folds (pytorch/pytorch#122183). Exit status 1: still so."""

import torch
from torch import nn

normalization = nn.BatchNorm1d(3, affine=False).eval()
normalization.running_mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
folded = nn.utils.fusion.fuse_conv_bn_eval(nn.Conv1d(2, 3, 1).eval(), normalization)
print("torch", torch.__version__, "| a convolution: returned the bias", folded.bias.tolist())
linear, error = nn.Linear(2, 3).eval(), None
try:
    folded = nn.utils.fusion.fuse_linear_bn_eval(linear, normalization)
    print("a linear layer: returned the bias", folded.bias.tolist())
except TypeError as raised:
    error = raised
    print("a linear layer: TypeError:", error)
x = torch.ones(1, 2)
print("due for x of ones:", normalization(linear(x)).tolist())
raise SystemExit(int(error is not None))  # no tolerance: it raises
