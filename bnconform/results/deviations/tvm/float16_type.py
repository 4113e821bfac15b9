"""Apache TVM, relax.op.nn.batch_norm of float16 is typed as float16, and its legalization gives float32.
Exit status 1: still so."""

from importlib.metadata import version

import numpy as np
import tvm
from tvm import relax

shapes = {"x": (4, 1), "gamma": (1,), "beta": (1,), "mean": (1,), "var": (1,)}
inputs = [relax.Var(name, relax.TensorType(shape, "float16")) for name, shape in shapes.items()]
builder = relax.BlockBuilder()
with builder.function("main", inputs):
    with builder.dataflow():
        triple = builder.emit_output(builder.emit(relax.op.nn.batch_norm(*inputs, axis=1)))
    builder.emit_func_output(triple)
machine = relax.VirtualMachine(tvm.compile(builder.get(), target="llvm"), tvm.cpu())
x, one, zero = np.array([[7], [9], [7], [9]], "float16"), np.ones(1, "float16"), np.zeros(1, "float16")
y, _, _ = machine["main"](*(tvm.runtime.tensor(a) for a in (x, one, zero, zero, one)))
print("apache-tvm", version("apache-tvm"), "| type of y")
print("returned", y.numpy().dtype)  # float32
print("due     ", builder.get()["main"].ret_ty.fields[0].dtype)  # float16, as it is typed
raise SystemExit(int(y.numpy().dtype != np.float16))  # no tolerance: a type
