"""torch.nn.utils.fusion.fuse_conv_bn_weights scales a transposed convolution in groups by the channels of all groups at
once: it raises, or silently returns a weight of another shape (pytorch/pytorch#180995). Exit status 1: still so."""

import torch
from torch import nn

wrong = 0
for groups, channels in ((1, 4), (2, 4), (4, 4)):
    torch.manual_seed(0)
    layer, normalization = nn.ConvTranspose2d(4, channels, 3, groups=groups), nn.BatchNorm2d(channels)
    normalization.running_mean.normal_()
    normalization.running_var.uniform_(0.5, 2)
    x = torch.randn(1, 4, 5, 5)
    due = normalization.eval()(layer.eval()(x))
    try:
        folded = nn.utils.fusion.fuse_conv_bn_eval(layer, normalization, transpose=True)
        shape = tuple(folded.weight.shape)
        said = f"returned a weight {shape}, due {tuple(layer.weight.shape)}"
        wrong += shape != layer.weight.shape or not torch.allclose(folded(x), due, atol=1e-5)
    except RuntimeError as error:
        said, wrong = f"RuntimeError: {error}", wrong + 1
    print("torch", torch.__version__, f"| groups {groups}: {said}")
raise SystemExit(int(wrong > 0))  # 1e-5 is a hundred roundings
