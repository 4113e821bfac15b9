"""Layers that are called again between a forward pass and its backward pass: a right one, and ones that mix calls up.

Rules: without a call between each is right; what is wrong is what a layer would do that keeps on itself, or in a buffer
of its own, what belongs to a call; nothing here is imported from bnconform but the contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bnconform import Case, Outcome
from worlds.miniatures import Mathematics
from worlds.wrong_ways import correct, of

AVERAGES = ("running_mean", "running_var")
Run = Callable[[Case], Outcome]
Mixes = Callable[[Case, Case, Outcome, Outcome], dict[str, np.ndarray | None]]


def both(case: Case) -> tuple[Case, Case]:
    """Returns the two calls as cases; the second begins with the averages that the first one left."""
    first = replace(case, between=None, between_mode=None)
    left = correct(first)
    kept = {name: getattr(left, name) for name in AVERAGES} if case.running_mean is not None else {}
    mode = "train" if case.between_trains else "infer"
    return first, replace(first, x=case.between, mode=mode, **kept)


def right(case: Case) -> Outcome:
    """Has the outputs of the first call and the averages of the last."""
    if case.between is None:
        return correct(case)
    first, second = both(case)
    return replace(correct(first), **{name: getattr(correct(second), name) for name in AVERAGES})


def mixing(mixes: Mixes) -> Run:
    """Returns a layer some of whose outputs are mixed up where there is a call between."""

    def run(case: Case) -> Outcome:
        if case.between is None:
            return correct(case)
        first, second = both(case)
        return replace(right(case), **mixes(first, second, correct(first), correct(second)))

    return run


def gradients_of_the_last_call(first: Case, second: Case, one: Outcome, two: Outcome) -> dict[str, np.ndarray | None]:
    """The layer keeps the normalized values on itself."""
    return {"dx": two.dx, "dgamma": two.dgamma}


def statistics_of_the_last_call(first: Case, second: Case, one: Outcome, two: Outcome) -> dict[str, np.ndarray | None]:
    """The layer keeps the mean and the deviation on itself, and each call its own x."""
    if first.mode == second.mode == "train":
        others = tuple(axis for axis in range(first.x.ndim) if axis != first.axis % first.x.ndim)
        wide = second.x.astype(np.float64)
        found = {"running_mean": wide.mean(axis=others), "running_var": wide.var(axis=others)}
        last = {name: array.astype(first.x.dtype) for name, array in found.items()}
        return {"dgamma": correct(replace(first, mode="infer", **last)).dgamma}
    return {}


def output_in_a_buffer(first: Case, second: Case, one: Outcome, two: Outcome) -> dict[str, np.ndarray | None]:
    """The output of each call is written into one buffer of the layer."""
    return {"y": two.y}


def averages_of_the_first_call(first: Case, second: Case, one: Outcome, two: Outcome) -> dict[str, np.ndarray | None]:
    """The averages move in the backward pass, once for all calls before it."""
    return {name: getattr(one, name) for name in AVERAGES}


def averages_of_inference(first: Case, second: Case, one: Outcome, two: Outcome) -> dict[str, np.ndarray | None]:
    """The second call moves the averages in inference, too."""
    if first.mode == "infer":
        return {}
    moved = correct(replace(second, mode="train"))
    return {name: getattr(moved, name) for name in AVERAGES}


def mode_of_the_last_call(first: Case, second: Case, one: Outcome, two: Outcome) -> dict[str, np.ndarray | None]:
    """The backward pass asks the layer for its mode, which is by then that of the last call."""
    if first.mode == "train" and second.mode == "infer":
        return {"dx": of(Mathematics(stopped_gradient=True))(first).dx}
    return {}


def averages_of_afterwards(first: Case, second: Case, one: Outcome, two: Outcome) -> dict[str, np.ndarray | None]:
    """The backward pass of inference reads the averages when it runs, as torch's does."""
    if first.mode == "train":
        return {}
    late = correct(replace(first, running_mean=two.running_mean, running_var=two.running_var))
    return {"dx": late.dx, "dgamma": late.dgamma}


def refusing(case: Case) -> Outcome:
    """Refuses the backward pass of inference once the averages that it needs have changed."""
    if case.between is not None and case.mode == "infer" and case.between_trains:
        raise RuntimeError("a tensor that the backward pass needs was changed in place")
    return right(case)
