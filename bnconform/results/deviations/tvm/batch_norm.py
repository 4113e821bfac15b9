"""Apache TVM, relax.op.nn.batch_norm: (1) documented as moving_mean * momentum + data_mean * (1 - momentum), computed
as (1 - momentum) * moving_mean + momentum * data_mean (apache/tvm#14190 means the latter, as in torch). (2) Typed as
float16 for float16, but legalized to float32."""

from importlib.metadata import version

import numpy as np
import tvm
from tvm import relax

print("apache-tvm", version("apache-tvm"))
for dtype in ("float32", "float16"):
    builder = relax.BlockBuilder()
    names = {"x": (4, 1), "gamma": (1,), "beta": (1,), "mean": (1,), "var": (1,)}
    inputs = [relax.Var(name, relax.TensorType(shape, dtype)) for name, shape in names.items()]
    with builder.function("main", inputs):
        with builder.dataflow():
            triple = builder.emit_output(builder.emit(relax.op.nn.batch_norm(*inputs, axis=1, momentum=0.25)))
        builder.emit_func_output(triple)
    module = builder.get()
    x = np.array([[7.0], [9.0], [7.0], [9.0]], dtype)  # mean 8
    arrays = [tvm.runtime.tensor(array) for array in (x, *(np.full(1, v, dtype) for v in (1, 0, 0, 1)))]
    y, mean, _ = relax.VirtualMachine(tvm.compile(module, target="llvm"), tvm.cpu())["main"](*arrays)
    print(
        dtype,
        "| moving mean of 0 after a batch of mean 8, momentum 0.25:",
        mean.numpy(),
        "documented: 6 | y declared as",
        module["main"].ret_ty.fields[0].dtype,
        "is",
        y.numpy().dtype,
    )
raise SystemExit(int(y.numpy().dtype != dtype))
