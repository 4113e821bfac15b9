"""Layers with a state of their own, correct under one declared average each, and wrong ones; all round to x's dtype."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bnconform import Case, Dialect, Implementation, Outcome
from worlds.miniatures import CORRECT, DTYPES, Mathematics
from worlds.miniatures import run as normalize


@dataclass(frozen=True)
class Layer:
    """How a layer averages: weight of step j, start, whether it is divided by 1 - (1 - ω)^j, and what is wrong."""

    kind: str = "exponential"
    how: Mathematics = CORRECT["in_order"]
    start: tuple[float, float] = (0.0, 1.0)
    first_count: int = 0
    counts_inference: bool = False
    forgets_its_state: bool = False
    infers_by_the_last_batch: bool = False

    def weight(self, count: int, momentum: float) -> float:
        if self.kind == "cumulative":
            return 1 / count
        return 1.0 if self.kind == "first copy" and count == 1 else momentum

    def reported(self, hidden: np.ndarray, count: int, momentum: float) -> np.ndarray:
        one = hidden.dtype.type
        if self.kind != "debiased" or count == 0:
            return hidden
        return hidden / (one(1) - (one(1) - one(momentum)) ** one(count))


def run(layer: Layer, case: Case) -> Outcome:
    with np.errstate(all="ignore"):
        return _run(layer, case)


def _run(layer: Layer, case: Case) -> Outcome:
    if case.state is None:
        return normalize(layer.how, case)
    start = (0.0, 0.0) if layer.kind == "debiased" else layer.start
    hidden = [np.full(case.channels, value).astype(case.x.dtype) for value in start]
    count = layer.first_count
    if case.state and not layer.forgets_its_state:
        hidden, count = [case.state["mean"], case.state["var"]], int(case.state["count"])
    plain = replace(case, state=None)
    count += layer.counts_inference or case.mode == "train"
    if case.mode == "train":
        # The mathematics of the miniatures with all weight on the new: what remains is the batch's own statistics.
        batch = normalize(
            layer.how, replace(plain, momentum=1.0, running_mean=0 * hidden[0], running_var=0 * hidden[1])
        )
        weight = layer.weight(count, case.momentum)
        new = (batch.running_mean, batch.running_var)
        hidden = [layer.how.average(*pair, weight) for pair in zip(hidden, new, strict=True)]
        y = batch.y
    mean, variance = (layer.reported(one, count, case.momentum) for one in hidden)
    if case.mode == "infer":
        by = (0 * mean, 0 * variance + 1) if layer.infers_by_the_last_batch else (mean, variance)
        y = normalize(layer.how, replace(plain, running_mean=by[0], running_var=by[1])).y
    state = {"mean": hidden[0], "var": hidden[1], "count": np.array(count, np.int32)}
    return Outcome(y=y, running_mean=mean, running_var=variance, state=state)


def layer(made: Layer, declared: str | None = None) -> Implementation:
    return Implementation(
        name="bn.layer",
        run=partial(run, made),
        dialect=Dialect(average=declared or made.kind),  # type: ignore[arg-type]
        dtypes=DTYPES,
        features={"state"},
    )


KINDS = ("exponential", "cumulative", "first copy", "debiased")
SUMS = {name: CORRECT[name] for name in ("in_order", "reversed", "welford", "chan")}
