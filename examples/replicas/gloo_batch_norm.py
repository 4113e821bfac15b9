"""Synchronized batch normalization on processors: replicas are processes that add up their sums by gloo, where
torch.nn.SyncBatchNorm wants GPUs; and a wrong twin.

The sums go through torch.distributed.nn.functional.all_reduce, which knows its gradient. `:of_no_gradient` takes
torch.distributed.all_reduce in its place: the statistics are right, and the gradient that flows back through them
stays with the replica that it came to, so that dx alone is wrong.

    bnconform run --adapter examples/replicas/gloo_batch_norm.py --spec synchronized
"""

import functools
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from datetime import timedelta

os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all replicas are on this machine
warnings.filterwarnings("ignore", message=".*autograd kernel was not registered.*")  # which is the twin's mistake

import numpy as np
import torch
import torch.distributed as dist
import torch.distributed.nn.functional as differentiable

from bnconform import Case, Implementation, Outcome, Unsupported

REPLICAS = 4
torch.set_num_threads(1)


def join(rank, folder):
    """Enters the group of all replicas, and returns the groups of the first one, two, three and four."""
    wait = timedelta(hours=2)  # until somebody asks for something
    dist.init_process_group("gloo", init_method=f"file://{folder}/met", rank=rank, world_size=REPLICAS, timeout=wait)
    return [dist.new_group(range(count + 1)) for count in range(REPLICAS)]


def with_gradient(total, group):
    return differentiable.all_reduce(total, group=group)


def without_gradient(total, group):
    total = total.clone()
    dist.all_reduce(total, group=group)
    return total


def step(sum_of_all, x, dy, gamma, beta, eps, group):
    """Normalizes the rows of this replica by the statistics of all, and pulls dy back."""
    x, gamma, beta = (one.clone().requires_grad_() for one in (x, gamma, beta))
    m = sum_of_all(torch.tensor(float(len(x)), dtype=x.dtype), group)
    mean = sum_of_all(x.sum(0), group) / m
    variance = sum_of_all(((x - mean) ** 2).sum(0), group) / m
    y = (x - mean) * torch.rsqrt(variance + eps) * gamma + beta
    found = {"y": y.detach(), "mean": mean.detach(), "variance": variance.detach()}
    if dy is not None:
        dx, dgamma, dbeta = torch.autograd.grad(y, (x, gamma, beta), dy)
        for one in (dgamma, dbeta):  # of the sum of the losses; DistributedDataParallel takes their mean
            dist.all_reduce(one, group=group)
        found |= {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}
    return found


def take_part(rank, groups, parts=None):
    """Does one step in the part that rank 0 hands out; returns what all replicas found on rank 0, None elsewhere."""
    mine = [None]
    dist.scatter_object_list(mine, parts, src=0)
    found = None
    if mine[0] is not None:
        sum_of_all, count, *arguments = mine[0]
        found = step(globals()[sum_of_all], *arguments, groups[count - 1])
    every = [None] * REPLICAS if rank == 0 else None
    dist.gather_object(found, every, dst=0)
    return every


@functools.cache
def started():
    """Starts the other replicas, and returns the groups that rank 0 is in."""
    folder = tempfile.TemporaryDirectory()
    others = [
        subprocess.Popen([sys.executable, "-W", "ignore", __file__, str(rank), folder.name], stdin=subprocess.PIPE)
        for rank in range(1, REPLICAS)
    ]
    return join(0, folder.name), others, folder


def run(sum_of_all, case: Case) -> Outcome:
    if case.mode != "train" or case.rows < 2:
        raise Unsupported("training of two values per channel or more")
    shards = case.shards or (case.examples,)
    if len(shards) > REPLICAS:
        raise Unsupported(f"at most {REPLICAS} replicas")
    examples = 0 if case.axis % case.x.ndim else 1

    def rows(tensor):
        cut = np.split(tensor, np.cumsum(shards)[:-1], examples)
        return [torch.tensor(np.moveaxis(one, case.axis, -1).reshape(-1, case.channels)) for one in cut]

    def whole(parts):
        last = np.moveaxis(case.x, case.axis, -1).shape
        return np.moveaxis(np.concatenate([part.numpy() for part in parts]).reshape(last), -1, case.axis)

    def vector(array, absent):
        return torch.tensor(np.full(case.channels, absent, case.x.dtype) if array is None else array)

    dys = [None] * len(shards) if case.dy is None else rows(case.dy)
    alike = (vector(case.gamma, 1), vector(case.beta, 0), case.eps)
    parts = [(sum_of_all, len(shards), x, dy, *alike) for x, dy in zip(rows(case.x), dys, strict=True)]
    found = take_part(0, started()[0], [*parts, *[None] * (REPLICAS - len(parts))])[: len(parts)]
    mean, variance = (found[0][name].numpy() for name in ("mean", "variance"))
    outcome = {"y": whole([one["y"] for one in found])}
    if case.running_mean is not None:
        new, old, m = case.x.dtype.type(case.momentum), case.x.dtype.type(1 - case.momentum), case.rows
        outcome["running_mean"] = old * case.running_mean + new * mean
        outcome["running_var"] = old * case.running_var + new * (variance * case.x.dtype.type(m / (m - 1)))
    if case.dy is not None:
        outcome["dx"] = whole([one["dx"] for one in found])
        outcome |= {name: found[0][name].numpy() for name in ("dgamma", "dbeta")}
    return Outcome(**outcome)


SHARDS = {"shards", "unequal_shards", "empty_shard"}
IMPLEMENTATIONS = [
    Implementation(name=f"gloo.batch_norm{name}", run=functools.partial(run, sum_of_all), features=SHARDS)
    for name, sum_of_all in (("", "with_gradient"), (":of_no_gradient", "without_gradient"))
]


if __name__ == "__main__":
    rank, folder = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()  # with rank 0
    groups = join(rank, folder)
    while True:
        take_part(rank, groups)
