"""Whole tiny implementations of mixed precision: 16-bit data beside float32 parameters. An adapter like any stranger's.

Rules: all is computed in float32 and rounded to the type of x at the end; a wrong one rounds one thing earlier, which
its name tells, and is right wherever the parameters are as narrow as the data.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from bnconform import Case, Dialect, Implementation, Outcome

Array = np.ndarray
Rounds = Callable[[Array, str], Array]
"""Rounds a quantity, told by its name, on its way in or out."""


def nothing(value: Array, name: str) -> Array:
    return value


def rounds(*names: str) -> Callable[[Case], Rounds]:
    """Returns what rounds these quantities to the type of x, and keeps them in float32."""

    def of(case: Case) -> Rounds:
        return lambda value, name: value.astype(case.x.dtype).astype(np.float32) if name in names else value

    return of


def run(rounded: Callable[[Case], Rounds], case: Case) -> Outcome:
    with np.errstate(all="ignore"):
        return _run(rounded(case), case)


def _run(rounded: Rounds, case: Case) -> Outcome:
    x = _rows(case, case.x)
    if not len(x):
        raise ValueError("a batch of no examples")
    given = {"gamma": case.gamma, "beta": case.beta, "running_mean": case.running_mean, "running_var": case.running_var}
    read = {name: rounded(array.astype(np.float32), name) for name, array in given.items() if array is not None}
    gamma, beta = read.get("gamma", np.float32(1)), read.get("beta", np.float32(0))
    eps = rounded(np.float32(case.eps), "eps")
    mean = x.mean(axis=0) if case.mode == "train" else read["running_mean"]
    variance = np.square(x - mean).mean(axis=0) if case.mode == "train" else read["running_var"]
    r = 1 / np.sqrt(variance + eps)
    h = (x - mean) * r
    found = {"y": _tensor(case, gamma * h + beta)}
    if case.mode == "train" and "running_mean" in read:
        new, factor = np.float32(case.momentum), np.float32(len(x) / max(len(x) - 1, 1))
        found["running_mean"] = rounded((1 - new) * read["running_mean"] + new * mean, "new_mean")
        found["running_var"] = rounded((1 - new) * read["running_var"] + new * (factor * variance), "new_var")
    elif case.running_mean is not None:
        found |= {"running_mean": case.running_mean, "running_var": case.running_var}
    if case.dy is not None:
        g = _rows(case, case.dy)
        dgamma, dbeta = (g * h).sum(axis=0), g.sum(axis=0)
        dx = g - dbeta / len(x) - h * (dgamma / len(x)) if case.mode == "train" else g
        found |= {"dx": _tensor(case, gamma * r * dx)}
        found |= {"dgamma": rounded(dgamma, "dgamma"), "dbeta": rounded(dbeta, "dbeta")}
    return Outcome(**found)


def _rows(case: Case, tensor: Array) -> Array:
    return np.moveaxis(tensor, case.axis, -1).reshape(-1, case.x.shape[case.axis]).astype(np.float32)


def _tensor(case: Case, rows: Array) -> Array:
    shape = np.moveaxis(case.x, case.axis, -1).shape
    return np.moveaxis(np.broadcast_to(rows, (case.rows, case.channels)).reshape(shape), -1, case.axis).astype(
        case.x.dtype
    )


WRONG = {
    "parameters_cast": rounds("gamma", "beta"),
    "averages_cast": rounds("running_mean", "running_var"),
    "new_averages_cast": rounds("new_mean", "new_var"),
    "epsilon_cast": rounds("eps"),
    "gradients_cast": rounds("dgamma", "dbeta"),
}
NARROW = {"float16", "bfloat16"}
# Nothing is declared of the type of averages and gradients: it is x's, but for parameters that are wider.
IMPLEMENTATIONS = [
    Implementation(
        name=f"mixed.{name}",
        run=partial(run, rounded),
        dialect=Dialect(stats_dtype="float32"),
        dtypes=NARROW,
        features={"wide_parameters"},
    )
    for name, rounded in {"right": lambda case: nothing, **WRONG}.items()
]
