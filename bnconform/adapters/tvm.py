"""Apache TVM: `tvm.relax.op.nn.batch_norm` compiled for LLVM, with gradients by `tvm.relax.transform.Gradient`.

Rules: epsilon, momentum and axis are attributes of the operator, so that each value of theirs and each shape, type and
absent array compiles anew, in 0.2 s, for gradients in 0.6 s. To compile less, y and the gradients come from an operator
that is given no momentum, the running statistics from one without epsilon and always with gamma and beta, as none of
the three enters them. An absent gamma or beta is `scale` or `center` being false. TVM documents that momentum weighs
the old statistics; its default of 0.1 and each of its passes say the new ones, like torch's, their declared model
(https://github.com/apache/tvm/pull/14190), so that it is passed on as it is. y is that of the operator as tvm.compile
legalizes it; Gradient is of the sum of y times dy and takes the operator decomposed, as TVM's own trainer does. Arrays
are read where they lie, but those of a foreign byte order are copied, as TVM refuses them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import tvm
from tvm import relax

from bnconform.adapters._arrays import DEFAULTS, given, parameters
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed

PARAMS = ("gamma", "beta", "moving_mean", "moving_var")


@dataclass(frozen=True)
class Operator:
    """All that an operator depends on, by TVM's names; None: it is left out."""

    shape: tuple[int, ...]
    dtype: str
    axis: int
    training: bool
    epsilon: float | None = None
    momentum: float | None = None
    scale: bool = True
    center: bool = True

    def variables(self) -> list[Any]:
        """Returns the variables for x, PARAMS and dy."""
        shapes = {"x": self.shape, **dict.fromkeys(PARAMS, (self.shape[self.axis],)), "dy": self.shape}
        return [relax.Var(name, relax.TensorType(shape, self.dtype)) for name, shape in shapes.items()]

    def of(self, variables: list[Any]) -> Any:
        """Returns the operator on x and PARAMS."""
        settings = {n: getattr(self, n) for n in ("axis", "epsilon", "momentum", "scale", "center", "training")}
        return relax.op.nn.batch_norm(*variables[:5], **{n: one for n, one in settings.items() if one is not None})


def _module(variables: list[Any], emit: Callable[[Any], Any]) -> Any:
    """Returns a module: its `main` takes these variables and returns the expression that `emit` emits into a
    builder."""
    builder = relax.BlockBuilder()
    with builder.function("main", variables):
        with builder.dataflow():
            output = builder.emit_output(emit(builder))
        builder.emit_func_output(output)
    return builder.get()


def _compiled(module: Any, name: str = "main") -> Callable[..., Any]:
    function: Callable[..., Any] = relax.VirtualMachine(tvm.compile(module, target="llvm"), tvm.cpu())[name]
    return function


@lru_cache(maxsize=192)  # each holds two megabytes of machine code
def _forward(operator: Operator) -> Callable[..., Any]:
    """Returns the function (x, PARAMS) -> (y, running mean, running variance)."""
    variables = operator.variables()[:5]
    return _compiled(_module(variables, lambda builder: builder.emit(operator.of(variables))))


@lru_cache(maxsize=48)  # each holds six megabytes
def _backward(operator: Operator) -> Callable[..., Any]:
    """Returns the function (x, PARAMS, dy) -> (sum of y times dy, (dx, dgamma, dbeta))."""
    *inputs, dy = variables = operator.variables()

    def emit(builder: Any) -> Any:
        y = builder.emit(builder.emit(operator.of(inputs))[0])
        return builder.emit(relax.op.sum(relax.op.multiply(y, dy)))

    decompose = (relax.transform.DecomposeOpsForInference, relax.transform.DecomposeOpsForTraining)[operator.training]
    module = decompose()(_module(variables, emit))
    module = relax.transform.Gradient("main", require_grads=list(module["main"].params[:3]))(module)
    return _compiled(tvm.IRModule({"main_adjoint": module["main_adjoint"]}), "main_adjoint")


def _inputs(case: Case) -> list[Any]:
    """Returns x, PARAMS and dy if there is one; zeros stand for absent arrays, and nothing reads them."""
    nothing = np.zeros(case.channels, case.x.dtype)
    params = [nothing if array is None else array for array in parameters(case, case.x.dtype)]
    arrays = [case.x, *params, *([] if case.dy is None else [case.dy])]
    native = (one if one.dtype.isnative else one.astype(one.dtype.newbyteorder("=")) for one in arrays)
    return [tvm.runtime.tensor(array) for array in native]


def run(case: Case) -> Outcome:
    """Runs the operator and, for gradients, its Gradient."""
    inputs, train = _inputs(case), case.mode == "train"
    plain = Operator(case.x.shape, case.dtype, case.axis % case.x.ndim, train)
    eps = given(case, {"epsilon": case.eps})
    operator = replace(plain, scale=case.gamma is not None, center=case.beta is not None, **eps)
    found = {"y": _forward(operator)(*inputs[:5])[0]}
    if case.dy is not None:
        found |= zip(("dx", "dgamma", "dbeta"), _backward(operator)(*inputs)[1], strict=True)
    if train and case.running_mean is not None:
        _, *running = _forward(replace(plain, **given(case, {}, {"momentum": case.momentum})))(*inputs[:5])
        found |= zip(("running_mean", "running_var"), running, strict=True)
    absent = {"d" + name for name in ("gamma", "beta") if getattr(case, name) is None}
    return Outcome(**{name: array.numpy() for name, array in found.items() if name not in absent})


SOURCE = "https://github.com/apache/tvm/blob/v0.27.0/python/tvm/relax/op/nn/nn.py#L1641-L1663"

SETTINGS = Settings(
    call="relax.op.nn.batch_norm",
    eps=Argument("epsilon", "1e-05", SOURCE),
    momentum=Argument("momentum", "0.1", SOURCE),
    weighs="new",
    scale=Argument("scale", "True", SOURCE),
    shift=Argument("center", "True", SOURCE),
    axis=Argument("axis", "", SOURCE),
)

# Compiling costs four minutes a type, and the path is the same in both: float64 is judged where it is asked for. Of
# float16 it makes float32, which a Case has no place for.
IMPLEMENTATIONS = [
    Implementation(
        name=f"tvm.relax.op.nn.batch_norm{suffix}",
        run=run,
        dialect=Dialect(running_var="biased", links={"running_var": SOURCE}),
        dtypes={dtype},
        compiled=True,
        version=version("apache-tvm"),
        versions=installed("apache-tvm"),
        settings=SETTINGS,
        features={"memory"} | DEFAULTS,
        opt_in=bool(suffix),
    )
    for suffix, dtype in [("", "float32"), (":float64", "float64")]
]
