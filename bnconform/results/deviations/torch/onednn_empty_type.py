"""torch.nn.functional.batch_norm in oneDNN's layout, bfloat16: no examples give y of float32, some examples give y of
bfloat16, and the dense layout gives bfloat16 for both. Exit status 1: still so."""

import torch


def type_of_y(rows, layout):  # no elements: input * weight[0] + bias[0], aten/src/ATen/native/Normalization.cpp
    x = torch.ones(rows, 3, 2, 2, dtype=torch.bfloat16)
    x = x.to_mkldnn() if layout == "oneDNN" else x
    return torch.nn.functional.batch_norm(x, torch.zeros(3), torch.ones(3), torch.ones(3), torch.zeros(3)).dtype


print("torch", torch.__version__)
print("oneDNN, no examples:  returned", type_of_y(0, "oneDNN"))  # float32
print("oneDNN, two examples: returned", type_of_y(2, "oneDNN"))
print("dense, no examples:   returned", type_of_y(0, "dense"))
print("                      due     ", torch.bfloat16)  # the type of x
raise SystemExit(int(type_of_y(0, "oneDNN") is not torch.bfloat16))  # no tolerance: a type
