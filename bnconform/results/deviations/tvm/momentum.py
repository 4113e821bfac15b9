"""Apache TVM, relax.op.nn.batch_norm is documented as moving_mean * momentum + data_mean * (1 - momentum), and computes
moving_mean * (1 - momentum) + data_mean * momentum (apache/tvm#14190). Exit status 1: still so."""

from importlib.metadata import version

import numpy as np
import tvm
from tvm import relax

shapes = {"x": (4, 1), "gamma": (1,), "beta": (1,), "mean": (1,), "var": (1,)}
inputs = [relax.Var(name, relax.TensorType(shape, "float32")) for name, shape in shapes.items()]
builder = relax.BlockBuilder()
with builder.function("main", inputs):
    with builder.dataflow():
        triple = builder.emit_output(builder.emit(relax.op.nn.batch_norm(*inputs, axis=1, momentum=0.25)))
    builder.emit_func_output(triple)
machine = relax.VirtualMachine(tvm.compile(builder.get(), target="llvm"), tvm.cpu())
x, one, zero = np.array([[7], [9], [7], [9]], "float32"), np.ones(1, "float32"), np.zeros(1, "float32")
_, mean, _ = machine["main"](*(tvm.runtime.tensor(a) for a in (x, one, zero, zero, one)))
due = 0 * 0.25 + x.mean() * (1 - 0.25)
print("apache-tvm", version("apache-tvm"), "| moving mean of 0 after a batch of mean 8, momentum 0.25")
print("returned", mean.numpy()[0], "due, as documented", due)  # 2, 6
raise SystemExit(int(abs(mean.numpy()[0] - due) > 0.01))  # off by more than 0.01; float32 is exact here
