"""Batch normalization as a Numba CUDA kernel, in Numba's simulator, which needs no GPU; and a wrong twin.

A block has one channel. Each thread adds every THREADS-th row, and the block adds the threads' sums in a tree of shared
memory. `:halves_wrongly` begins the tree at (THREADS - 1)/2, so that some threads' sums never arrive.

    bnconform run --adapter examples/kernels/numba_batch_norm.py
"""

import functools
import math
import os

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"  # before Numba is imported; without it the same kernels run on a GPU

import numba
import numpy as np
from around_a_kernel import train
from numba import cuda, float32

from bnconform import Implementation

THREADS = 4


@cuda.jit(device=True)
def tree(sums, halves):
    """Adds sums[1], sums[2] … to sums[0]; every thread of the block comes here."""
    me, stride = cuda.threadIdx.x, halves
    cuda.syncthreads()
    while stride > 0:
        if me < stride:
            sums[me] += sums[me + stride]
        cuda.syncthreads()
        stride //= 2


@cuda.jit
def forward_kernel(x, gamma, beta, eps, halves, y, mean, variance):
    sums = cuda.shared.array(THREADS, float32)
    channel, me, m = cuda.blockIdx.x, cuda.threadIdx.x, x.shape[0]
    sums[me] = np.float32(0)
    for row in range(me, m, THREADS):
        sums[me] += x[row, channel]
    tree(sums, halves)
    centre = sums[0] / np.float32(m)
    cuda.syncthreads()  # everybody has read the sum before it is written again
    sums[me] = np.float32(0)
    for row in range(me, m, THREADS):
        sums[me] += (x[row, channel] - centre) * (x[row, channel] - centre)
    tree(sums, halves)
    spread = sums[0] / np.float32(m)
    r = np.float32(1) / np.float32(math.sqrt(spread + eps))
    for row in range(me, m, THREADS):
        y[row, channel] = (x[row, channel] - centre) * r * gamma[channel] + beta[channel]
    if me == 0:
        mean[channel] = centre
        variance[channel] = spread


@cuda.jit
def backward_kernel(x, dy, gamma, mean, variance, eps, halves, dx, dgamma, dbeta):
    sums = cuda.shared.array(THREADS, float32)
    products = cuda.shared.array(THREADS, float32)  # on a line of its own: the simulator tells arrays by their lines
    channel, me, m = cuda.blockIdx.x, cuda.threadIdx.x, x.shape[0]
    r = np.float32(1) / np.float32(math.sqrt(variance[channel] + eps))
    sums[me], products[me] = np.float32(0), np.float32(0)
    for row in range(me, m, THREADS):
        sums[me] += dy[row, channel]
        products[me] += dy[row, channel] * (x[row, channel] - mean[channel]) * r
    tree(sums, halves)
    tree(products, halves)
    for row in range(me, m, THREADS):
        h = (x[row, channel] - mean[channel]) * r
        inner = sums[0] / np.float32(m) + h * (products[0] / np.float32(m))
        dx[row, channel] = gamma[channel] * r * (dy[row, channel] - inner)
    if me == 0:
        dgamma[channel] = products[0]
        dbeta[channel] = sums[0]


def forward(x, gamma, beta, eps, halves):
    found = np.empty_like(x), np.empty_like(gamma), np.empty_like(gamma)
    forward_kernel[x.shape[1], THREADS](x, gamma, beta, eps, halves, *found)
    return found


def backward(x, dy, gamma, mean, variance, eps, halves):
    found = np.empty_like(x), np.empty_like(gamma), np.empty_like(gamma)
    backward_kernel[x.shape[1], THREADS](x, dy, gamma, mean, variance, eps, halves, *found)
    return found


def run(case, halves=THREADS // 2):
    return train(case, functools.partial(forward, halves=halves), functools.partial(backward, halves=halves))


about = {"dtypes": {"float32"}, "ranks": {2}, "version": numba.__version__}
IMPLEMENTATIONS = [
    Implementation(name="numba.batch_norm", run=run, **about),
    Implementation(
        name="numba.batch_norm:halves_wrongly", run=functools.partial(run, halves=(THREADS - 1) // 2), **about
    ),
]
