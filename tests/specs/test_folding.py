"""The chapter on folding finds every correct arithmetic right, and each wrong fold wrong by the spec that states it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from worlds.channel_regimes import TYPES
from worlds.drawing import DTYPES, draw

from bnconform import Case, Dialect, Outcome
from bnconform.analysis.faults import FAULTS, RIGHT, perform
from bnconform.cases import layers
from bnconform.cases.strategies import Traits, cases
from bnconform.contract.axes import along
from bnconform.engine.book import all_specs
from bnconform.engine.spec import Subject

CHAPTER = {one.id: one for one in all_specs() if one.chapter == "folding"}
LAYERS = cases(mode="infer", gradients=False, derivatives="fold")
Arrays = tuple[Any, ...]


def by_the_root(w: Any, b: Any, gamma: Any, beta: Any, mean: Any, root: Any, one: Any) -> Arrays:
    slope = gamma / root
    return w(slope), b * slope + (beta - mean * slope)


def by_the_reciprocal(w: Any, b: Any, gamma: Any, beta: Any, mean: Any, root: Any, one: Any) -> Arrays:
    r = one(1) / root
    return w(gamma * r), (b - mean) * r * gamma + beta


def one_after_the_other(w: Any, b: Any, gamma: Any, beta: Any, mean: Any, root: Any, one: Any) -> Arrays:
    return w(gamma, root), (b - mean) * gamma / root + beta


def term_by_term(w: Any, b: Any, gamma: Any, beta: Any, mean: Any, root: Any, one: Any) -> Arrays:
    r = one(1) / root
    return w(r, one(1) / gamma), beta - mean * gamma * r + gamma * b / root


def standardized(w: Any, b: Any, gamma: Any, beta: Any, mean: Any, root: Any, one: Any) -> Arrays:
    return w(gamma / root), gamma * ((b - mean) / root) + beta


FORMS = (by_the_root, by_the_reciprocal, one_after_the_other, term_by_term, standardized)


def folded(case: Case, form: Callable[..., Arrays] = by_the_root, wide: bool = False) -> Outcome:
    """Returns what the case asks for, each operation rounded to its type, or in float64 and rounded at the end."""
    one = np.float64 if wide else TYPES[case.dtype]
    own = case.x.dtype
    ones, zeros = np.ones(case.channels, own), np.zeros(case.channels, own)
    given = ((case.bias, zeros), (case.gamma, ones), (case.beta, zeros), (case.running_mean, zeros))
    b, gamma, beta, mean = ((absent if array is None else array).astype(one) for array, absent in given)

    def w(factor: Any, divisor: Any = None) -> Any:
        scaled = case.x.astype(one) * along(factor, case.x.ndim, case.axis)
        return scaled if divisor is None else scaled / along(divisor, case.x.ndim, case.axis)

    with np.errstate(all="ignore"):
        root = np.sqrt(case.running_var.astype(one) + one(case.eps))
        weight, bias = form(w, b, gamma, beta, mean, root, one)
        return Outcome(folded_weight=weight.astype(own), folded_bias=bias.astype(own))


def judged(run: Callable[[Case], Outcome], drawn: list[Case], name: str) -> list[Any]:
    """Returns the judgements of a statement on the cases of which it is asked."""
    one = CHAPTER[name]
    return [one.judge(Subject(run, Dialect()), case) for case in drawn if one.given.condition.admits(case)]


def telling(dtype: str, count: int = 40) -> list[Case]:
    """Returns two cases of each kind of layer, and some drawn ones."""
    traits = Traits(dtype)
    return [*layers.opening(traits, np.random.default_rng(1)), *draw(LAYERS.strategy(traits), count)]


@pytest.mark.parametrize("wide", [False, True], ids=["in its type", "in float64"])
@pytest.mark.parametrize("form", FORMS, ids=[form.__name__ for form in FORMS])
@pytest.mark.parametrize("dtype", DTYPES)
def test_correct_arithmetic_conforms(dtype: str, form: Any, wide: bool) -> None:
    drawn = telling(dtype)
    for name in CHAPTER:
        found = judged(lambda case: folded(case, form, wide), drawn, name)
        assert {one.verdict for one in found} == {"conforms"}, name


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_cases_claim_something_of_nearly_every_element(dtype: str) -> None:
    drawn = telling(dtype)
    found = [a for name in CHAPTER for one in judged(folded, drawn, name) for a in one.agreements]
    assert sum(one.claimed for one in found) > 0.99 * sum(one.total for one in found) > 0


WRONG = [one for one in FAULTS if one.chapter == "folding"]
TRANSPOSED = {"folds_into_a_transposed_convolution", "folds_into_a_grouped_transposed_convolution"}
ONLY = {
    "groups_forgotten_in_folding": {"folds_into_a_grouped_transposed_convolution"},
    # In groups a convolution has fewer inputs than outputs on that axis, so that its fold would raise.
    "weight_scaled_along_the_other_axis": set(CHAPTER) - {"folds_into_a_grouped_convolution"},
    "layer_bias_not_scaled": set(CHAPTER) - {"folds_into_a_layer_without_a_bias"},
    "layer_bias_lost": set(CHAPTER) - {"folds_into_a_layer_without_a_bias"},
    "scale_forgotten_in_folding": set(CHAPTER) - {"folds_a_normalization_without_scale_and_shift"},
    "shift_forgotten_in_folding": set(CHAPTER) - {"folds_a_normalization_without_scale_and_shift"},
}
"""The statements that a fault breaks, where it does not break all."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wrong", WRONG, ids=[one.name for one in WRONG])
def test_a_fault_of_folding_is_caught_by_the_statements_that_it_breaks(wrong: Any, dtype: str) -> None:
    drawn = telling(dtype, 60)
    verdicts = {
        name: {one.verdict for one in judged(lambda case: perform(wrong, case, narrow=True), drawn, name)}
        for name in CHAPTER
    }
    assert {name for name, found in verdicts.items() if "fails" in found} == ONLY.get(wrong.name, set(CHAPTER))


def transposing(case: Case) -> Outcome:
    """Normalizes rightly, and folds as if every weight had its outputs on the first axis, where that can be done."""
    right = perform(RIGHT, case, narrow=True)
    if case.layer != "transposed" or case.groups or case.x.shape[0] != case.channels:
        return right
    turned = perform(RIGHT, replace(case, x=np.ascontiguousarray(np.swapaxes(case.x, 0, case.axis))), narrow=True)
    return replace(right, folded_weight=np.swapaxes(turned.folded_weight, 0, case.axis))


def test_a_wrong_axis_is_seen_by_folding_alone() -> None:
    """Its outputs, averages and gradients are right: no other statement about inference or training finds it."""
    failed = set()
    for one in all_specs():
        plain = one.given.derivatives in ("first", "fold") and one.given.manner == "plain"
        if not plain or one.chapter not in ("folding", "inference", "normalization", "gradients", "running_statistics"):
            continue
        drawn = telling("float64") if one.chapter == "folding" else draw(one.given.strategy(Traits("float64")), 6)
        admitted = [case for case in drawn if one.given.condition.admits(case)]
        if any(one.judge(Subject(transposing, Dialect()), case).verdict == "fails" for case in admitted):
            failed.add(one.id)
    apart = {"folds_into_a_layer_without_a_bias", "folds_a_normalization_without_scale_and_shift"}
    assert failed == {"folds_into_a_transposed_convolution"} | apart


def test_a_layer_is_asked_of_no_implementation_that_folds_none() -> None:
    for name in CHAPTER:
        found = judged(lambda case: Outcome(y=case.x), telling("float32", 5), name)
        assert {one.verdict for one in found} == {"unsupported"}
