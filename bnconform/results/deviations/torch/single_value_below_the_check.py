"""Below torch.nn.functional.batch_norm's check of the batch, one value per channel makes the running variance 0/0.

torch.native_batch_norm writes NaN into the running variance (σ²·m/(m - 1) for m = 1); its decomposition, in Python,
raises ZeroDivisionError there, and with no examples at all it writes NaN into both averages, where the operator
refuses. torch.nn.functional.batch_norm checks for a single value in Python
(https://github.com/pytorch/pytorch/issues/1381), and those who call the operator are on their own
(https://github.com/pytorch/pytorch/issues/147287). Needs torch and NumPy."""

import numpy as np
import torch
from torch._decomp import decomposition_table

decomposed = decomposition_table[torch.ops.aten.native_batch_norm.default]


def averages(function, rows):
    mean, var = torch.zeros(3), torch.ones(3)
    try:
        function(torch.ones(rows, 3), torch.ones(3), torch.zeros(3), mean, var, True, 0.1, 1e-5)
    except (RuntimeError, ZeroDivisionError) as error:
        return f"{type(error).__name__}: {error}"
    return np.stack([mean.numpy(), var.numpy()])


print("torch", torch.__version__)
for name, function in (("operator", torch.native_batch_norm), ("decomposed", decomposed)):
    for rows in (1, 0):
        print(name, "rows:", rows, "mean and variance:", str(averages(function, rows)).replace("\n", ""))
shown = (
    np.isnan(averages(torch.native_batch_norm, 1)[1]).all()
    and "ZeroDivisionError" in averages(decomposed, 1)
    and np.isnan(averages(decomposed, 0)).all()
)
raise SystemExit(int(shown))
