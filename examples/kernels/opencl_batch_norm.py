"""Batch normalization as an OpenCL kernel, on whatever device OpenCL shows first, pocl's processor among them; and a
wrong twin.

A work-group has one channel. Each work-item adds every ITEMS-th row, and the group adds their sums in local memory.
`:clamps_the_row` lets an item behind the last row read the last row again, where it should add nothing.

    bnconform run --adapter examples/kernels/opencl_batch_norm.py
"""

import functools

import numpy as np
import pyopencl as cl
from around_a_kernel import train

from bnconform import Implementation

ITEMS = 8
SOURCE = """
#define ROWS(i) for (int i = get_local_id(0); i < rounded; i += ITEMS)
#define AT(p, i) p[min(i, m - 1) * channels + channel]
#define COUNTS(i) (CLAMPS || (i) < m)

float total(float own, __local float *sums) {
    int me = get_local_id(0);
    sums[me] = own;
    for (int stride = ITEMS / 2; stride > 0; stride /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (me < stride) sums[me] += sums[me + stride];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float found = sums[0];
    barrier(CLK_LOCAL_MEM_FENCE);  // everybody has read it before it is written again
    return found;
}

__kernel void forward(__global const float *x, __global const float *gamma, __global const float *beta,
                      __global float *y, __global float *mean, __global float *variance,
                      int m, int channels, float eps, __local float *sums) {
    int channel = get_group_id(0), rounded = (m + ITEMS - 1) / ITEMS * ITEMS;
    float own = 0, squares = 0;
    ROWS(i) if (COUNTS(i)) own += AT(x, i);
    float centre = total(own, sums) / m;
    ROWS(i) if (COUNTS(i)) squares += (AT(x, i) - centre) * (AT(x, i) - centre);
    float spread = total(squares, sums) / m, r = 1 / sqrt(spread + eps);
    ROWS(i) if (i < m) AT(y, i) = (AT(x, i) - centre) * r * gamma[channel] + beta[channel];
    if (get_local_id(0) == 0) { mean[channel] = centre; variance[channel] = spread; }
}

__kernel void backward(__global const float *x, __global const float *dy, __global const float *gamma,
                       __global const float *mean, __global const float *variance,
                       __global float *dx, __global float *dgamma, __global float *dbeta,
                       int m, int channels, float eps, __local float *sums) {
    int channel = get_group_id(0), rounded = (m + ITEMS - 1) / ITEMS * ITEMS;
    float centre = mean[channel], r = 1 / sqrt(variance[channel] + eps), own = 0, products = 0;
    ROWS(i) if (COUNTS(i)) { own += AT(dy, i); products += AT(dy, i) * (AT(x, i) - centre) * r; }
    float of_beta = total(own, sums), of_gamma = total(products, sums);
    ROWS(i) if (i < m) {
        float h = (AT(x, i) - centre) * r;
        AT(dx, i) = gamma[channel] * r * (AT(dy, i) - of_beta / m - h * (of_gamma / m));
    }
    if (get_local_id(0) == 0) { dgamma[channel] = of_gamma; dbeta[channel] = of_beta; }
}
"""
DEVICE = cl.get_platforms()[0].get_devices()[0]
CONTEXT = cl.Context([DEVICE])
QUEUE = cl.CommandQueue(CONTEXT)


@functools.cache
def kernel(name, clamps):
    program = cl.Program(CONTEXT, SOURCE).build([f"-DITEMS={ITEMS}", f"-DCLAMPS={int(clamps)}"])
    return cl.Kernel(program, name)


def launch(name, clamps, given, shapes, m, channels, eps):
    """Runs a kernel, one work-group for each channel, and returns its outputs, of these shapes."""
    flags = cl.mem_flags
    inputs = [cl.Buffer(CONTEXT, flags.READ_ONLY | flags.COPY_HOST_PTR, hostbuf=np.asarray(one)) for one in given]
    found = [np.empty(shape, np.float32) for shape in shapes]
    outputs = [cl.Buffer(CONTEXT, flags.WRITE_ONLY, one.nbytes) for one in found]
    settings = np.int32(m), np.int32(channels), np.float32(eps), cl.LocalMemory(4 * ITEMS)
    kernel(name, clamps)(QUEUE, (channels * ITEMS,), (ITEMS,), *inputs, *outputs, *settings)
    for array, buffer in zip(found, outputs, strict=True):
        cl.enqueue_copy(QUEUE, array, buffer)  # waits for the kernel, whose errors come here at the latest
    return tuple(found)


def forward(x, gamma, beta, eps, clamps):
    m, channels = x.shape
    return launch("forward", clamps, [x, gamma, beta], [x.shape, gamma.shape, gamma.shape], m, channels, eps)


def backward(x, dy, gamma, mean, variance, eps, clamps):
    given, shapes = [x, dy, gamma, mean, variance], [x.shape, gamma.shape, gamma.shape]
    return launch("backward", clamps, given, shapes, *x.shape, eps)


def run(case, clamps=False):
    return train(case, functools.partial(forward, clamps=clamps), functools.partial(backward, clamps=clamps))


about = {"dtypes": {"float32"}, "ranks": {2, 4}, "version": cl.VERSION_TEXT}
IMPLEMENTATIONS = [
    Implementation(name="opencl.batch_norm", run=run, **about),
    Implementation(name="opencl.batch_norm:clamps_the_row", run=functools.partial(run, clamps=True), **about),
]
