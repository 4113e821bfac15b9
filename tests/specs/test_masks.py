"""The chapter of masks: a correct implementation conforms, and each wrong one is told by the spec that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from worlds.drawing import DTYPES
from worlds.searches import SPECS, Here, implementation

from bnconform import Case, Implementation, Outcome
from bnconform.contract.axes import from_rows, to_rows
from bnconform.contract.implementation import Described
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target
from bnconform.relations import masks

CHAPTER = [one for one in SPECS.values() if one.chapter == "masks"]
Y, MEAN = "normalizes_by_what_the_mask_shows", "averages_the_mean_of_what_the_mask_shows"
VARIANCE, DX = "averages_the_variance_of_what_the_mask_shows", "sends_gradients_through_what_the_mask_shows"
BROADCAST, NAN = "broadcasts_a_mask", "ignores_a_nan_under_the_mask"
PAST_NAN = "sends_gradients_past_a_nan_under_the_mask"
ALL, NONE = "takes_a_mask_of_everything_for_no_mask", "keeps_its_averages_when_all_is_hidden"
OF_ALL = {Y, BROADCAST, MEAN, VARIANCE, DX, NAN, PAST_NAN}


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What an implementation does to the rows it is shown, (m,) of 1 and 0 each; a right one does nothing."""

    shown: Callable[[Case, np.ndarray], np.ndarray] = lambda case, shown: shown
    leaves_out: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda x, shown: np.where(shown, x, 0.0)
    least_count: float = 1.0
    counts_all_in: str = ""
    adds_hidden_products: bool = False


def run(mistake: Mistake, case: Case) -> Outcome:
    """Computes in float64, which is more than any Dialect of float32 and below declares."""
    x, m = to_rows(case.x, case.axis).astype(np.float64), case.rows
    mask = np.ones(case.x.shape, bool) if case.mask is None else np.broadcast_to(case.mask, case.x.shape)
    shown = mistake.shown(case, to_rows(mask, case.axis)[:, :1])
    found: dict[str, np.ndarray | None] = {}
    with np.errstate(all="ignore"):
        count = float(shown.sum())
        mean_of = {n: mistake.leaves_out(x, shown).sum(0) / (m if n == mistake.counts_all_in else max(count, 1.0))
                   for n in ("y", "running_mean", "dx")}  # fmt: skip
        mean = mean_of["y"] if count else mean_of["y"] / mistake.least_count
        squares = mistake.leaves_out((x - mean) ** 2, shown).sum(0)
        variance = squares / (m if mistake.counts_all_in == "y" else max(count, 1.0))
        r = 1 / np.sqrt(variance + case.eps)
        gamma, beta, rm, rv = (
            np.full(case.channels, default) if array is None else array.astype(np.float64)
            for array, default in ((case.gamma, 1), (case.beta, 0), (case.running_mean, 0), (case.running_var, 1))
        )
        h = (x - mean) * r
        found["y"] = from_rows(gamma * h + beta, case.x.shape, case.axis)
        if case.running_mean is not None:
            new = mean_of["running_mean"] if count else mean
            found["running_mean"] = rm + case.momentum * (new - rm)
            divisor = (m if mistake.counts_all_in == "running_var" else count) - 1
            found["running_var"] = rv + case.momentum * (squares / max(divisor, 1.0) - rv)
        if case.dy is not None:
            g = to_rows(case.dy, case.axis).astype(np.float64)
            n = m if mistake.counts_all_in == "dx" else max(count, 1.0)
            products = g * (h if mistake.adds_hidden_products else np.where(shown, h, 0.0))
            found["dgamma"], found["dbeta"] = products.sum(0), g.sum(0)
            inner = np.where(shown, g.sum(0) / n + h * (g * np.where(shown, h, 0.0)).sum(0) / n, 0.0)
            found["dx"] = from_rows(gamma * r * (g - inner), case.x.shape, case.axis)
        cast = {name: value.astype(case.x.dtype) for name, value in found.items() if value is not None}
    return Outcome(**{name: np.ascontiguousarray(value) for name, value in cast.items()})


def first_value_only(case: Case, shown: np.ndarray) -> np.ndarray:
    """Shows no more than the first value of each example that a mask of one value per example shows."""
    if case.mask is None or case.mask.size == case.rows:
        return shown
    first = np.zeros(case.x.shape, bool)
    first[(slice(None), *[slice(1)] * (case.x.ndim - 1))] = True
    first[:] = first.any(axis=case.axis, keepdims=True)
    return shown & to_rows(first, case.axis)[:, :1]


def misses_the_last(case: Case, shown: np.ndarray) -> np.ndarray:
    """Takes a mask that shows everything for one that hides the last value."""
    if case.mask is None or not shown.all() or len(shown) < 3:  # of two values none is hidden
        return shown
    return shown & (np.arange(len(shown)) < len(shown) - 1)[:, None]


MISTAKES = {
    "looks_at_no_mask": (Mistake(shown=lambda _, shown: np.ones_like(shown)), OF_ALL),
    "zeroes_what_is_hidden": (Mistake(counts_all_in="y"), {Y, BROADCAST, VARIANCE, DX, NAN, PAST_NAN}),
    "counts_all_in_the_mean": (Mistake(counts_all_in="running_mean"), {MEAN, NAN}),
    "counts_all_in_the_variance": (Mistake(counts_all_in="running_var"), {VARIANCE, NAN}),
    "counts_all_in_the_gradient": (Mistake(counts_all_in="dx"), {DX, PAST_NAN}),
    "multiplies_by_the_mask": (Mistake(leaves_out=lambda x, shown: x * shown), {NAN, PAST_NAN}),
    "adds_hidden_products": (Mistake(adds_hidden_products=True), {PAST_NAN}),
    "broadcasts_nothing": (Mistake(shown=first_value_only), {BROADCAST}),
    "hides_the_last_of_all": (Mistake(shown=misses_the_last), {ALL}),
    "divides_by_no_values": (Mistake(least_count=0.0), {NONE}),
}  # fmt: skip


def judged(about: Implementation, dtype: str = "float32", examples: int = 15) -> dict[str, Tally]:
    host = Here(about)
    target = Target(implementation=Described.of(about), dtype=dtype)
    return search(CHAPTER, target, Runner(lambda: host, about.name, about.features), Effort(examples=examples))


def masking_implementation(mistake: Mistake) -> Implementation:
    made = implementation(partial(run, mistake))
    return Implementation(name=made.name, run=made.run, dtypes=made.dtypes, features={"mask"})


@pytest.mark.parametrize("dtype", [name for name in DTYPES if name != "float64"])
def test_a_correct_implementation_conforms(dtype: str) -> None:
    tallies = judged(masking_implementation(Mistake()), dtype)
    assert {name: tally.verdict for name, tally in tallies.items()} == dict.fromkeys(tallies, "conforms")


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_told_by_the_specs_that_it_breaks(name: str) -> None:
    mistake, broken = MISTAKES[name]
    assert {one for one, tally in judged(masking_implementation(mistake)).items() if tally.verdict == "fails"} == broken


def test_an_implementation_without_masks_is_not_asked() -> None:
    host = Here(implementation(partial(run, Mistake())))
    target = Target(implementation=Described.of(host.implementation), dtype="float32")
    tallies = search(CHAPTER, target, Runner(lambda: host, "bn.norm"), Effort(examples=5))
    assert {tally.verdict for tally in tallies.values()} == {"unsupported"}
    assert not host.asked


def test_what_is_kept_is_what_the_mask_shows() -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    nothing = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"))
    case = Case(mode="train", x=x, eps=1e-3, momentum=0.1, axis=1, dy=x, **nothing)  # type: ignore[arg-type]
    values, examples = masks.hiding_values(case), masks.hiding_examples(case)
    assert values.case.mask is not None
    assert values.case.mask.shape == (2, 1, 4)
    assert values.case.mask.ravel().tolist() == [True, True, False, True, True, False, True, True]
    assert values.kept.x[:, 0].tolist() == [0, 1, 3, 12, 14, 15]
    assert values.case.dy is not None
    assert np.all(values.case.dy[~values.tensor] == 0)
    assert np.array_equal(values.spread(values.kept.x), np.where(values.tensor, x, 0))
    assert examples.kept.x.tolist() == x[0].T.tolist()
    hidden = masks.with_nan_hidden(case).x
    assert np.array_equal(np.isnan(hidden), ~values.tensor)
    everything = masks.hiding_everything(case).mask
    assert everything is not None
    assert not everything.any()
