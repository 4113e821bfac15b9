"""torch.native_batch_norm: one value per channel makes the running variance NaN for good; F.batch_norm checks for it
and refuses (pytorch/pytorch#1381), the operator does not (#147287). Exit status 1: still so."""

import torch

args = [torch.tensor([[3.0]]), torch.ones(1), torch.zeros(1)]  # x, weight, bias
mean, var = torch.zeros(1), torch.ones(1)
torch.native_batch_norm(*args, mean, var, True, 0.1, 1e-5)
print("torch", torch.__version__, "| running mean", round(mean.item(), 3), "| running variance: returned", var.item())
try:
    torch.nn.functional.batch_norm(args[0], mean, var, training=True)
except ValueError as error:
    print("torch.nn.functional.batch_norm: ValueError:", error)
print("due 1, as before, or a refusal")  # 0 * m/(m - 1) with m = 1 is 0/0, no variance to be averaged
raise SystemExit(int(torch.isnan(var).item()))  # no tolerance: it is no number
