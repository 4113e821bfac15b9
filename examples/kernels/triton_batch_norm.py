"""Batch normalization as a Triton kernel, under Triton's interpreter, which needs no GPU; and a wrong twin.

A program has one channel and takes its rows a block at a time. `:spreads_over_the_mask` forgets to mask the deviations:
a lane behind the last row holds 0, and adds the square of the mean to the variance.

    bnconform run --adapter examples/kernels/triton_batch_norm.py
"""

import functools
import os

os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported; without it the same kernels run on a GPU

import torch
import triton
import triton.language as tl
from around_a_kernel import train

from bnconform import Implementation

BLOCK = 16


@triton.jit
def forward_kernel(x, gamma, beta, y, mean, variance, m, channels, eps, MASKED: tl.constexpr, BLOCK: tl.constexpr):
    channel, rows = tl.program_id(0), tl.arange(0, BLOCK)
    sums = tl.zeros([BLOCK], tl.float32)
    for start in range(0, m, BLOCK):
        there = start + rows < m
        sums += tl.load(x + (start + rows) * channels + channel, mask=there, other=0.0)
    centre = tl.sum(sums, 0) / m
    squares = tl.zeros([BLOCK], tl.float32)
    for start in range(0, m, BLOCK):
        there = start + rows < m
        apart = tl.load(x + (start + rows) * channels + channel, mask=there, other=0.0) - centre
        if MASKED:
            apart = tl.where(there, apart, 0.0)
        squares += apart * apart
    spread = tl.sum(squares, 0) / m
    r = 1 / tl.sqrt(spread + eps)
    for start in range(0, m, BLOCK):
        there = start + rows < m
        place = (start + rows) * channels + channel
        h = (tl.load(x + place, mask=there, other=0.0) - centre) * r
        tl.store(y + place, h * tl.load(gamma + channel) + tl.load(beta + channel), mask=there)
    tl.store(mean + channel, centre)
    tl.store(variance + channel, spread)


@triton.jit
def backward_kernel(x, dy, gamma, mean, variance, dx, dgamma, dbeta, m, channels, eps, BLOCK: tl.constexpr):
    channel, rows = tl.program_id(0), tl.arange(0, BLOCK)
    centre, r = tl.load(mean + channel), 1 / tl.sqrt(tl.load(variance + channel) + eps)
    sums, products = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    for start in range(0, m, BLOCK):
        there = start + rows < m
        place = (start + rows) * channels + channel
        g = tl.load(dy + place, mask=there, other=0.0)
        sums += g
        products += g * (tl.load(x + place, mask=there, other=0.0) - centre) * r
    of_beta, of_gamma = tl.sum(sums, 0), tl.sum(products, 0)
    for start in range(0, m, BLOCK):
        there = start + rows < m
        place = (start + rows) * channels + channel
        h = (tl.load(x + place, mask=there, other=0.0) - centre) * r
        g = tl.load(dy + place, mask=there, other=0.0)
        inner = of_beta / m + h * (of_gamma / m)
        tl.store(dx + place, tl.load(gamma + channel) * r * (g - inner), mask=there)
    tl.store(dgamma + channel, of_gamma)
    tl.store(dbeta + channel, of_beta)


def tensors(*arrays):
    return [torch.from_numpy(array) for array in arrays]


def forward(x, gamma, beta, eps, masked):
    given = tensors(x, gamma, beta)
    found = torch.empty_like(given[0]), torch.empty_like(given[1]), torch.empty_like(given[1])
    m, channels = x.shape
    forward_kernel[(channels,)](*given, *found, m, channels, float(eps), MASKED=masked, BLOCK=BLOCK)
    return tuple(one.numpy() for one in found)


def backward(x, dy, gamma, mean, variance, eps):
    given = tensors(x, dy, gamma, mean, variance)
    found = torch.empty_like(given[0]), torch.empty_like(given[2]), torch.empty_like(given[2])
    m, channels = x.shape
    backward_kernel[(channels,)](*given, *found, m, channels, float(eps), BLOCK=BLOCK)
    return tuple(one.numpy() for one in found)


def run(case, masked=True):
    return train(case, functools.partial(forward, masked=masked), backward)


about = {"dtypes": {"float32"}, "ranks": {2}, "version": triton.__version__}
IMPLEMENTATIONS = [
    Implementation(name="triton.batch_norm", run=run, **about),
    Implementation(name="triton.batch_norm:spreads_over_the_mask", run=functools.partial(run, masked=False), **about),
]
