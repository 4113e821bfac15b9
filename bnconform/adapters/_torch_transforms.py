"""`torch.nn.functional.batch_norm` under the transforms of `torch.func` and their own formulas for it.

Rules: those of `_torch`. The mapped axis holds groups of channels, normalized apart from each other, and running
statistics are mapped along their first axis: along another, torch loses its writes to them, as one script shows
(results/deviations/torch/vmap_running_statistics.py) and every spec of them would repeat. The derivative of order
two is that of the gradient in the direction of the second cotangents: by the symmetry of the matrix of second
derivatives of <dy, y> it equals these cotangents pulled back, and the tangent of y in that direction is its gradient in
dy. The third derivative is that of the second in one more direction, likewise.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from bnconform.adapters._arrays import DEFAULTS, given
from bnconform.adapters._torch import FUNCTION_SETTINGS, implementation, inputs, to_array, to_tensor
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome

Named = dict[str, torch.Tensor]


def _named(case: Case) -> tuple[Named, Named, Named]:
    """Returns x, gamma and beta; the running statistics; dy: those that there are, by name, channels on axis 1."""
    x, affine, running = inputs(case)
    primals = {"x": x.movedim(case.axis, 1), "gamma": affine[0], "beta": affine[1]}
    averages = dict(zip(("running_mean", "running_var"), running, strict=True))
    dy = None if case.dy is None else to_tensor(case.dy).movedim(case.axis, 1)
    there = [{n: t.detach() for n, t in some.items() if t is not None} for some in (primals, averages, {"dy": dy})]
    return there[0], there[1], there[2]


def _pulled(case: Case, primals: Named, averages: Named, dy: Named) -> Named:
    """Returns y, and dy pulled back to the primals by torch.func.vjp."""

    def normalize(primals: Named) -> torch.Tensor:
        mean, var = averages.get("running_mean"), averages.get("running_var")
        x, gamma, beta = (primals.get(name) for name in ("x", "gamma", "beta"))
        settings = given(case, {"eps": case.eps}, {"momentum": case.momentum})
        return functional.batch_norm(x, mean, var, gamma, beta, case.mode == "train", **settings)

    y, pull = torch.func.vjp(normalize, primals)
    grads = pull(dy["dy"])[0] if dy else {}
    return {"y": y, **{f"d{name}": grad for name, grad in grads.items()}}


def _outcome(case: Case, found: Named) -> Outcome:
    tensors = {name: one.movedim(1, case.axis) if one.ndim > 1 else one for name, one in found.items()}
    return Outcome(**{name: to_array(one, case.x.dtype) for name, one in tensors.items()})


def run_mapped(case: Case) -> Outcome:
    """Runs torch.func.vmap of torch.func.vjp of torch.nn.functional.batch_norm over groups of channels."""
    primals, averages, dy = _named(case)
    groups = next((n for n in range(2, case.channels + 1) if case.channels % n == 0), 1)

    def split(tensors: Named) -> Named:
        return {name: one.unflatten(_axis(one), (groups, case.channels // groups)) for name, one in tensors.items()}

    given = (split(primals), split(averages), split(dy))
    axes = tuple({name: _axis(one) for name, one in some.items()} for some in (primals, averages, dy))

    def apart(primals: Named, averages: Named, dy: Named) -> tuple[torch.Tensor, ...]:
        return tuple(_pulled(case, primals, averages, dy).values())

    names = ["y", *(f"d{name}" for name in primals if dy)]
    out = tuple(1 if name in ("y", "dx") else 0 for name in names)
    mapped = torch.func.vmap(apart, in_dims=axes, out_dims=out)(*given)
    joined = {name: one.flatten(axis, axis + 1) for name, one, axis in zip(names, mapped, out, strict=True)}
    return _outcome(case, joined | averages)


def _axis(tensor: torch.Tensor) -> int:
    """Returns where the channels stand."""
    return 1 if tensor.ndim > 1 else 0


def run_forward_over_reverse(case: Case) -> Outcome:
    """Runs torch.func.jvp of torch.func.vjp of torch.nn.functional.batch_norm, and jvp of that: torch.func.hessian."""
    primals, averages, dy = _named(case)
    kept = {name: one.clone() for name, one in averages.items()}
    found = _pulled(case, primals, averages, dy) | averages
    if case.bar_dx is not None:
        again = {} if case.mode == "train" else kept
        dots = _directions(primals, x=_moved(case, case.bar_dx), gamma=case.bar_dgamma, beta=case.bar_dbeta)

        def along(given: Named) -> Named:
            _, tangents = torch.func.jvp(lambda inner: _pulled(case, inner, again, dy), (given,), (dots,))
            return dict(tangents)

        tangents = along(primals)
        found |= {"grad_dy": tangents["y"], "grad_x": tangents["dx"]}
        found |= {"grad_gamma": tangents["dgamma"]} if "dgamma" in tangents else {}
        if case.bar_grad_x is not None:
            further = _directions(primals, x=_moved(case, case.bar_grad_x))
            _, again_along = torch.func.jvp(along, (primals,), (further,))
            found["third_x"] = again_along["dx"]
    return _outcome(case, found)


def _moved(case: Case, array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, case.axis, 1)


def _directions(primals: Named, **dots: np.ndarray | None) -> Named:
    """Returns directions of x, gamma and beta as far as these are there; zero where none is given."""
    return {
        name: torch.zeros_like(one) if (dot := dots.get(name)) is None else to_tensor(dot)
        for name, one in primals.items()
    }


IMPLEMENTATIONS = [
    implementation(
        "torch.func.vmap:batch_norm",
        run_mapped,
        dtypes={"float32"},
        features=DEFAULTS,
        opt_in=True,
        settings=FUNCTION_SETTINGS,
    ),
    implementation(
        "torch.func.jvp:batch_norm",
        run_forward_over_reverse,
        dtypes={"float32", "float64"},
        features=DEFAULTS | {"second_order", "third_order"},
        opt_in=True,
        settings=FUNCTION_SETTINGS,
    ),
]
