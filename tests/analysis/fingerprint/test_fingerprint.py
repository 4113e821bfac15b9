"""The fingerprint names what an implementation does, in four dtypes, or says that outputs do not show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from worlds import layers, miniatures
from worlds.drawing import DTYPES
from worlds.fingerprints import contradictions, inferred, values

from bnconform import Case, Dialect, Implementation, Outcome, Unsupported
from bnconform.analysis.fingerprint.fingerprinting import PROBES
from bnconform.analysis.fingerprint.probes.variance import EITHER

MINIATURES = {one.name.partition(".")[2]: one for one in miniatures.IMPLEMENTATIONS}
SERIAL = {"in_order": "first to last", "reversed": "last to first", "variance_below_zero": "first to last"}
NARROW = ("float16", "bfloat16")
FORMULAS = {
    "ε in training": "inside the root",
    "ε in inference": "inside the root",
    "variance in y": "biased",
    "momentum": "weighs the new",
    "running variance": "unbiased",
    "running average": "exponential",
    "dγ in inference": "centred",
    "subnormal results": "kept",
    "subnormal inputs": "kept",
    "single value": "zero",
    "empty batch": "raises",
}


def truth(name: str, dtype: str) -> dict[str, str | None]:
    """Returns what is right to say of a correct or weak miniature."""
    narrow, one_pass = dtype in NARROW, name == "variance_below_zero"
    streamed = name in ("welford", "chan")
    return {
        **FORMULAS,
        "elementwise arithmetic": "float32" if name == "fused" and narrow else dtype,
        "statistics summed in": dtype,
        "cotangents summed in": dtype,
        # In bfloat16 updates of a mean lose parts of values, not values.
        "order of the sums": None if streamed and dtype == "bfloat16" else SERIAL.get(name, "in parts"),
        "statistics kept in": dtype if narrow else None,
        "variance algorithm": algorithm(name, dtype),
        "negative variance": "occurs" if one_pass else None,
        "inference": "folded" if name == "folded" else "subtracts first",
        "ε and momentum kept in": dtype if dtype == "float64" else None,
    }


def algorithm(name: str, dtype: str) -> str:
    """Returns the class of a miniature, or that two cannot be told: four values in 16 bits are few and short."""
    if name == "variance_below_zero":
        return "one-pass"
    if name in ("welford", "chan") and dtype not in NARROW:
        return "Welford-like"
    if dtype in NARROW:
        return "Welford-like" if (name, dtype) == ("welford", "float16") else EITHER
    return "two-pass"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*miniatures.CORRECT, *miniatures.WEAK])
def test_a_correct_one_is_told_as_it_is(name: str, dtype: str) -> None:
    assert values(MINIATURES[name], dtype) == truth(name, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", miniatures.CORRECT)
def test_a_correct_one_contradicts_nothing(name: str, dtype: str) -> None:
    assert contradictions(MINIATURES[name], dtype) == {}


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_variance_below_zero_contradicts_a_dialect_of_two_passes(dtype: str) -> None:
    found = contradictions(MINIATURES["variance_below_zero"], dtype)
    assert found == {"variance algorithm": "one-pass", "negative variance": "occurs"}


@pytest.mark.parametrize("rank", [2, 3, 5])
@pytest.mark.parametrize("axis", [1, -1])
def test_every_rank_and_axis_tells_the_same_of_one_arithmetic(rank: int, axis: int) -> None:
    found = inferred(MINIATURES["welford"], "float32", rank, axis)
    assert {name: one.value for name, one in found.items()} == truth("welford", "float32")


WRONG = {
    "unbiased_variance_in_y": {"variance in y": "unbiased"},
    "epsilon_outside_the_root": {"ε in training": "outside the root", "ε in inference": "outside the root"},
    "momentum_swapped": {"momentum": "weighs the old"},
    "gradient_stopped_at_the_statistics": {},
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_contradicts_by_what_is_wrong_alone(name: str, dtype: str) -> None:
    assert contradictions(MINIATURES[name], dtype) == WRONG[name]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", layers.KINDS)
@pytest.mark.parametrize("sums", layers.SUMS)
def test_a_layer_tells_its_kind_of_average(kind: str, sums: str, dtype: str) -> None:
    one = layers.layer(layers.Layer(kind=kind, how=layers.SUMS[sums]))
    assert values(one, dtype)["running average"] == kind
    assert contradictions(one, dtype) == {}


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_layer_that_declares_another_average_contradicts_itself(dtype: str) -> None:
    assert contradictions(layers.layer(layers.Layer("cumulative"), "exponential"), dtype) == {
        "running average": "cumulative"
    }


Run = Callable[[Case], Outcome]


def changed(prepare: Callable[[Case], Case] = replace, alter: Callable[[Outcome], Outcome] = replace) -> Implementation:
    """Returns a correct miniature whose cases and outcomes are changed."""

    def run(case: Case) -> Outcome:
        with np.errstate(all="ignore"):
            return alter(miniatures.run(miniatures.Mathematics(), prepare(case)))

    return Implementation(name="bn.changed", run=run, dtypes=miniatures.DTYPES)


@pytest.mark.parametrize("name", ["eps", "momentum"])
def test_settings_that_are_kept_in_float32_are_told(name: str) -> None:
    short = changed(lambda case: replace(case, **{name: float(np.float32(getattr(case, name)))}))
    assert contradictions(short, "float64") == {"ε and momentum kept in": "float32"}
    declared = replace(short, dialect=Dialect(attribute_dtype="float32"))
    assert contradictions(declared, "float64") == {}


def flushed(array: np.ndarray | None) -> np.ndarray | None:
    if array is None:
        return None
    smallest = float(np.ldexp(1.0, -1022 if array.dtype == np.float64 else -126))
    return np.where(np.abs(array) < smallest, array.dtype.type(0), array)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_flushing_of_inputs_is_told_from_flushing_of_results(dtype: str) -> None:
    inputs = changed(lambda case: replace(case, x=flushed(case.x)))
    results = changed(alter=lambda outcome: replace(outcome, y=flushed(outcome.y)))
    names = ("subnormal inputs", "subnormal results")
    assert [values(inputs, dtype)[name] for name in names] == ["flushed to zero", "kept"]
    assert [values(results, dtype)[name] for name in names] == ["kept", "flushed to zero"]


class Clamped(miniatures.Mathematics):
    def moments(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = super().moments(x)
        return mean, np.maximum(variance, x.dtype.type(0))


def clamped(clamps_variance: bool) -> Implementation:
    dialect = Dialect(variance="one-pass", clamps_variance=clamps_variance)
    run = partial(miniatures._quiet, Clamped(one_pass=True))
    return Implementation(name="bn.clamped", run=run, dtypes=miniatures.DTYPES, dialect=dialect)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_one_pass_that_is_clamped_is_told(dtype: str) -> None:
    found = values(clamped(True), dtype)
    assert (found["variance algorithm"], found["negative variance"]) == ("one-pass", "clamped")
    assert contradictions(clamped(True), dtype) == contradictions(clamped(False), dtype) == {}


def test_one_pass_in_bfloat16_is_undecided_where_a_clamp_hides_what_it_loses() -> None:
    found = inferred(clamped(True), "bfloat16")["variance algorithm"]
    assert (found.value, found.detail.partition(":")[0]) == (
        None,
        "one pass would lose no more than the bound of Welford-like either",
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_offers_y_alone_is_told_by_y(dtype: str) -> None:
    def run(case: Case) -> Outcome:
        return Outcome(y=miniatures._quiet(miniatures.Mathematics(total=miniatures.pairwise), case).y)

    found = inferred(Implementation(name="bn.y", run=run, dtypes=miniatures.DTYPES), dtype)
    assert found["ε in training"].value == "inside the root"
    assert found["variance in y"].value == "biased"
    assert found["statistics summed in"].value == dtype
    assert found["variance algorithm"].value in ("two-pass", EITHER)
    for name in ("momentum", "running variance", "running average", "cotangents summed in", "dγ in inference"):
        assert (found[name].value, bool(found[name].detail)) == (None, True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_takes_no_running_statistics_in_training_is_asked_without_them(dtype: str) -> None:
    def run(case: Case) -> Outcome:
        if case.mode == "train" and case.running_mean is not None:
            raise Unsupported("training tracks nothing")
        return miniatures._quiet(miniatures.Mathematics(), case)

    found = values(Implementation(name="bn.untracked", run=run, dtypes=miniatures.DTYPES), dtype)
    assert found["ε in training"] == "inside the root"
    assert found["momentum"] is None


def test_what_offers_nothing_is_undecided_with_its_reason() -> None:
    def run(case: Case) -> Outcome:
        raise Unsupported("not on a Sunday")

    found = inferred(Implementation(name="bn.nothing", run=run), "float32")
    assert {one.value for one in found.values()} == {None}
    asked = [one for one in found.values() if one.asked]
    assert all("not on a Sunday" in one.detail or "undecided" in one.detail for one in asked)
    assert contradictions(Implementation(name="bn.nothing", run=run), "float32") == {}


def test_an_error_of_the_implementation_is_a_reason_too() -> None:
    def run(case: Case) -> Outcome:
        raise RuntimeError("kernel not found")

    found = inferred(Implementation(name="bn.raises", run=run), "float32")
    assert found["ε in training"].detail == "raised RuntimeError: kernel not found"
    assert found["single value"].value == "raises"


@pytest.mark.parametrize(
    ("variance", "value"), [(np.nan, "running mean becomes 0.75; running variance NaN"), (None, "raises")]
)
def test_an_empty_batch_tells_what_becomes_of_the_averages(variance: float | None, value: str) -> None:
    def run(case: Case) -> Outcome:
        if len(case.x) or variance is None:
            return miniatures._quiet(miniatures.Mathematics(), case)
        mean = case.running_mean * case.x.dtype.type(0.75)
        return Outcome(y=case.x, running_mean=mean, running_var=np.full_like(mean, variance))

    assert values(Implementation(name="bn.empty", run=run), "float32")["empty batch"] == value


def test_an_answer_tells_how_far_the_next_candidate_is() -> None:
    found = inferred(MINIATURES["in_order"], "float32")
    for name in ("ε in training", "variance in y", "momentum", "statistics summed in", "variance algorithm"):
        one = found[name]
        assert one.ratio <= 1 < one.following_ratio
        assert one.following not in ("", one.value)


def test_every_probe_has_a_name_of_its_own_and_a_sentence() -> None:
    assert len({one.name for one in PROBES}) == len(PROBES)
    assert all(one.sentence.endswith(".") and len(one.sentence) > 30 for one in PROBES)


def test_few_shapes_are_posed() -> None:
    asked: list[tuple[str, tuple[int, ...], bool]] = []

    def run(case: Case) -> Outcome:
        asked.append((case.mode, case.x.shape, case.dy is not None))
        return miniatures._quiet(miniatures.Mathematics(), case)

    values(Implementation(name="bn.counted", run=run), "float32")
    assert len(set(asked)) <= 8
    assert len(asked) <= 30
