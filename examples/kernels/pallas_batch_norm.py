"""Batch normalization as a Pallas kernel, in interpret mode, which needs no GPU and no TPU; and a wrong twin.

A program has one channel and takes its rows a tile at a time; the last tile is masked. `:forgets_the_tail` takes whole
tiles alone once there is one.

    bnconform run --adapter examples/kernels/pallas_batch_norm.py
"""

import functools

import jax
import jax.numpy as jnp
from around_a_kernel import train
from jax.experimental import pallas as pl

from bnconform import Implementation

TILE = 8


def total(m, forgets_the_tail, of_rows, first=0.0):
    """Returns the sum over all m rows of of_rows(index of the rows, where they are rows of x)."""
    tiles = m // TILE if forgets_the_tail and m >= TILE else -(-m // TILE)

    def one_more(tile, so_far):
        index = tile * TILE + jnp.arange(TILE)
        return so_far + jnp.sum(jnp.where(index < m, of_rows(jnp.minimum(index, m - 1)), 0.0))

    return jax.lax.fori_loop(0, tiles, one_more, jnp.float32(first))


def forward_kernel(x, gamma, beta, eps, y, mean, variance, *, wrong):
    m = x.shape[0]
    centre = total(m, wrong, lambda rows: x[rows, 0]) / m
    spread = total(m, wrong, lambda rows: (x[rows, 0] - centre) ** 2) / m
    r = 1 / jnp.sqrt(spread + eps[0])
    y[:, 0] = (x[:, 0] - centre) * r * gamma[0] + beta[0]
    mean[0], variance[0] = centre, spread


def backward_kernel(x, dy, gamma, mean, variance, eps, dx, dgamma, dbeta, *, wrong):
    m, r = x.shape[0], 1 / jnp.sqrt(variance[0] + eps[0])
    dbeta[0] = total(m, wrong, lambda rows: dy[rows, 0])
    dgamma[0] = total(m, wrong, lambda rows: dy[rows, 0] * (x[rows, 0] - mean[0])) * r
    h = (x[:, 0] - mean[0]) * r
    dx[:, 0] = gamma[0] * r * (dy[:, 0] - dbeta[0] / m - h * (dgamma[0] / m))


def call(kernel, wrong, matrices, vectors, eps, kinds):
    """Runs a kernel once for each channel. kinds: the outputs, "matrix" or "vector"."""
    m, channels = matrices[0].shape
    column, value = pl.BlockSpec((m, 1), lambda c: (0, c)), pl.BlockSpec((1,), lambda c: (c,))
    blocks = {"matrix": column, "vector": value}
    shapes = {"matrix": (m, channels), "vector": (channels,)}
    return pl.pallas_call(
        functools.partial(kernel, wrong=wrong),
        grid=(channels,),
        in_specs=[column] * len(matrices) + [value] * len(vectors) + [pl.BlockSpec((1,), lambda c: (0,))],
        out_specs=[blocks[kind] for kind in kinds],
        out_shape=[jax.ShapeDtypeStruct(shapes[kind], jnp.float32) for kind in kinds],
        interpret=True,
    )(*matrices, *vectors, jnp.reshape(eps, 1))


@functools.partial(jax.jit, static_argnames="wrong")
def forward(x, gamma, beta, eps, wrong):
    return call(forward_kernel, wrong, [x], [gamma, beta], eps, ["matrix", "vector", "vector"])


@functools.partial(jax.jit, static_argnames="wrong")
def backward(x, dy, gamma, mean, variance, eps, wrong):
    return call(backward_kernel, wrong, [x, dy], [gamma, mean, variance], eps, ["matrix", "vector", "vector"])


def run(case, wrong=False):
    return train(case, functools.partial(forward, wrong=wrong), functools.partial(backward, wrong=wrong))


about = {"dtypes": {"float32"}, "ranks": {2, 4}, "compiled": True, "version": jax.__version__}
IMPLEMENTATIONS = [
    Implementation(name="pallas.batch_norm", run=run, **about),
    Implementation(name="pallas.batch_norm:forgets_the_tail", run=functools.partial(run, wrong=True), **about),
]
