"""Apache TVM: `tvm.relax.op.nn.batch_norm` compiled for LLVM, legalized as it comes or decomposed and differentiated.

Rules: epsilon, momentum and axis are attributes of the operator, so that each value of theirs and each shape, type and
absent array compiles anew, in 0.2 s, with gradients in 0.4 s. To compile less, y and its gradients come from an
operator with the momentum of 0.1 that is TVM's default, the running statistics from one with its default epsilon and
with gamma and beta, none of which enters them. An absent gamma or beta is `scale` or `center` being false. TVM
documents that momentum weighs the old statistics; its default of 0.1 and each of its passes say the new ones, as in
torch, which they are meant to be like (https://github.com/apache/tvm/pull/14190), so that it is passed on as it is.
Gradients are those of the sum of y times dy, by the passes that TVM's own trainer uses. Arrays are read where they lie,
but for a foreign byte order, which TVM refuses, so that this is copied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.metadata import version
from typing import Any

import numpy as np
import tvm
from tvm import relax

from bnconform.adapters._arrays import parameters
from bnconform.case import Case, Outcome
from bnconform.dialect import Dialect, Implementation

PARAMS = ("gamma", "beta", "moving_mean", "moving_var")


@dataclass(frozen=True)
class Operator:
    """All that a compiled operator depends on; `wanted` of "y", "running" and "gradients" is what it returns."""

    wanted: str
    decomposed: bool
    shape: tuple[int, ...]
    dtype: str
    axis: int
    training: bool
    epsilon: float = 1e-5
    momentum: float = 0.1
    scale: bool = True
    center: bool = True

    def module(self) -> Any:
        """Returns the module whose `main` takes x, PARAMS and, for gradients, dy."""
        shapes = {"x": self.shape, **dict.fromkeys(PARAMS, (self.shape[self.axis],)), "dy": self.shape}
        inputs = {name: relax.Var(name, relax.TensorType(shape, self.dtype)) for name, shape in shapes.items()}
        dy = inputs.pop("dy")
        pulls = self.wanted == "gradients"
        builder = relax.BlockBuilder()
        with builder.function("main", [*inputs.values(), *[dy] * pulls]):
            with builder.dataflow():
                normalized = builder.emit(relax.op.nn.batch_norm(*inputs.values(), **self.settings))
                y, *running = [builder.emit(normalized[i]) for i in range(3)]
                asked = running if self.wanted == "running" else [y]
                if pulls:
                    asked = [builder.emit(relax.op.sum(relax.op.multiply(y, dy))), y]
                outputs = [builder.emit_output(one) for one in asked]
            builder.emit_func_output(relax.Tuple(outputs))
        return builder.get()

    @property
    def settings(self) -> dict[str, Any]:
        """The attributes by TVM's names."""
        return {n: getattr(self, n) for n in ("axis", "epsilon", "momentum", "scale", "center", "training")}


@lru_cache(maxsize=384)  # each holds some megabytes of machine code
def _compiled(operator: Operator) -> Callable[..., Any]:
    """Returns the function (x, PARAMS) -> outputs; (x, PARAMS, dy) -> ((sum, y), gradients) if they are wanted."""
    module, name = operator.module(), "main"
    if operator.decomposed:
        passes = relax.transform
        module = (passes.DecomposeOpsForTraining if operator.training else passes.DecomposeOpsForInference)()(module)
    if operator.wanted == "gradients":
        name = "main_adjoint"
        module = relax.transform.Gradient("main", require_grads=list(module["main"].params[:3]))(module)
        module = tvm.IRModule({name: module[name]})
    function: Callable[..., Any] = relax.VirtualMachine(tvm.compile(module, target="llvm"), tvm.cpu())[name]
    return function


def _inputs(case: Case) -> list[Any]:
    """Returns x, PARAMS and dy; zeros stand for what is absent, and nothing reads them."""
    nothing = np.zeros(case.channels, case.x.dtype)
    params = [nothing if array is None else array for array in parameters(case, case.x.dtype)]
    arrays = [case.x, *params, *([] if case.dy is None else [case.dy])]
    native = (one if one.dtype.isnative else one.astype(one.dtype.newbyteorder("=")) for one in arrays)
    return [tvm.runtime.tensor(array) for array in native]


def run(case: Case, decomposed: bool) -> Outcome:
    """Runs the operator as tvm.compile legalizes it, or decomposed, and then with its gradient."""
    inputs, train = _inputs(case), case.mode == "train"
    plain = Operator("running", decomposed, case.x.shape, case.dtype, case.axis % case.x.ndim, train)
    scale, center = case.gamma is not None, case.beta is not None
    wanted = "gradients" if decomposed and case.dy is not None else "y"
    operator = replace(plain, wanted=wanted, epsilon=case.eps, scale=scale, center=center)
    found: dict[str, Any] = {}
    if wanted == "y":
        found["y"] = _compiled(operator)(*inputs[:5])[0]
    else:
        (_, found["y"]), grads = _compiled(operator)(*inputs)
        found |= zip(("dx", "dgamma", "dbeta"), grads, strict=True)
    if train and case.running_mean is not None:
        running = _compiled(replace(plain, momentum=case.momentum))(*inputs[:5])
        found |= zip(("running_mean", "running_var"), running, strict=True)
    absent = {"d" + name for name in ("gamma", "beta") if getattr(case, name) is None}
    return Outcome(**{name: array.numpy() for name, array in found.items() if name not in absent})


SOURCE = "https://github.com/apache/tvm/blob/v0.27.0/python/tvm/relax/op/nn/nn.py#L1641-L1663"

IMPLEMENTATIONS = [
    Implementation(
        name=name,
        run=partial(run, decomposed=decomposed),
        dialect=Dialect(running_var="biased", links={"running_var": SOURCE}),
        dtypes=dtypes,
        compiled=True,
        version=version("apache-tvm"),
        features={"memory"},
    )
    for name, decomposed, dtypes in [  # of float16 the first makes float32, which a Case has no place for
        ("tvm.relax.op.nn.batch_norm", False, {"float32", "float64"}),
        ("tvm.relax.op.nn.batch_norm:decomposed", True, {"float16", "float32", "float64"}),
    ]
]
