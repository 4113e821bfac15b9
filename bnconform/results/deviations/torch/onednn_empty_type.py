"""In oneDNN's layout, no examples in bfloat16 normalize to float32, where some examples normalize to bfloat16.

For no elements torch.batch_norm returns input * weight[0] + bias[0] (aten/src/ATen/native/Normalization.cpp), which
keeps bfloat16 for dense tensors but not for those of Tensor.to_mkldnn. Needs torch and NumPy.
"""

import numpy as np
import torch


def type_of_y(rows, layout):
    x = torch.tensor(np.ones((rows, 3, 2, 2), np.float32)).bfloat16()
    mean, var, weight, bias = torch.zeros(3), torch.ones(3), torch.ones(3), torch.zeros(3)
    x = x.to_mkldnn() if layout == "oneDNN" else x
    return torch.nn.functional.batch_norm(x, mean, var, weight, bias, False).dtype


print("torch", torch.__version__)
for rows in (2, 0):
    for layout in ("dense", "oneDNN"):
        print(f"{rows} examples, {layout}: y is {type_of_y(rows, layout)}")
raise SystemExit(int(type_of_y(0, "oneDNN") is not type_of_y(2, "oneDNN")))
