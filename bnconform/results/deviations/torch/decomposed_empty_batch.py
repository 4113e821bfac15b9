"""torch._decomp, native_batch_norm: a batch of no examples makes the running statistics NaN for good; the operator
that it stands for refuses such a batch. Exit status 1: still so."""

import torch
from torch._decomp import decomposition_table

decomposed = decomposition_table[torch.ops.aten.native_batch_norm.default]
mean, var = torch.zeros(1), torch.ones(1)
decomposed(torch.zeros(0, 1), torch.ones(1), torch.zeros(1), mean, var, True, 0.1, 1e-5)
print("torch", torch.__version__, "| running mean and variance: returned", mean.item(), var.item())  # nan nan
try:
    torch.native_batch_norm(torch.zeros(0, 1), torch.ones(1), torch.zeros(1), mean, var, True, 0.1, 1e-5)
except RuntimeError as error:
    print("operator: RuntimeError:", error)
print("due 0 and 1, as before, or a refusal")  # nothing has no mean
raise SystemExit(int(torch.isnan(mean).item()))  # no tolerance: it is no number
