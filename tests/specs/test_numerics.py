"""The chapter of numerics: the declared arithmetic conforms, and any poorer one is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
from worlds.searches import correct, implementation, searched, verdicts

from bnconform import Case, Dialect, Outcome
from bnconform.relations import probes

TYPE, DIGITS, FAR = (
    "accumulates_narrow_input_in_the_declared_type",
    "loses_no_more_digits_than_its_algorithm",
    "normalizes_data_far_from_zero",
)  # fmt: skip
INFERS_FAR = "infers_data_far_from_zero"
IDS = (TYPE, DIGITS, FAR)
WIDE = Dialect(stats_dtype="float32", params_dtype="float32")


def summed_in(kind: type) -> Callable[[Case], Outcome]:
    """Returns an implementation of 16-bit input that adds the rows up one by one in that type."""

    def run(case: Case) -> Outcome:
        x, total = np.moveaxis(case.x, case.axis, -1).reshape(-1, case.channels), np.zeros(case.channels, kind)
        for row in x:
            total = (total + row.astype(kind)).astype(kind)
        mean = total.astype(np.float32) / np.float32(len(x))
        assert case.running_mean is not None
        old, weight = case.running_mean.astype(np.float32), np.float32(case.momentum)
        return Outcome(running_mean=(np.float32(1) - weight) * old + weight * mean)

    return run


def one_pass(case: Case) -> Outcome:
    """Returns statistics and y by E[x²] - E[x]²."""
    x, one = np.moveaxis(case.x, case.axis, -1).reshape(-1, case.channels), case.x.dtype.type
    mean = x.mean(axis=0)
    variance = np.maximum((x * x).mean(axis=0) - mean * mean, one(0))
    found = correct(case)
    assert case.running_var is not None
    unbiased = variance * one(len(x) / (len(x) - 1))
    new = (one(1) - one(case.momentum)) * case.running_var + one(case.momentum) * unbiased
    y = None
    if case.gamma is None and case.beta is None and x.shape == case.x.shape:
        y = (x - mean) / np.sqrt(variance + one(case.eps))
    return replace(found, running_var=new, y=y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_passes_keep_the_digits_of_data_far_from_zero(dtype: str) -> None:
    assert verdicts(searched(implementation(correct), *IDS, dtype=dtype)) == {
        TYPE: "unsupported", DIGITS: "conforms", FAR: "conforms"
    }  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_pass_fails_and_deviates_where_it_is_declared(dtype: str) -> None:
    assert verdicts(searched(implementation(one_pass), DIGITS, FAR, dtype=dtype)) == {DIGITS: "fails", FAR: "fails"}
    declared = implementation(one_pass, Dialect(variance="one-pass"))
    assert verdicts(searched(declared, DIGITS, FAR, dtype=dtype)) == {DIGITS: "deviates", FAR: "deviates"}


def inference(form: Callable[..., np.ndarray]) -> Callable[[Case], Outcome]:
    """Returns an implementation that infers x of shape (m, C) by a form of the linear map, given a = γ/√(Var + ε)."""

    def run(case: Case) -> Outcome:
        if case.mode == "train" or case.x.ndim > 2:
            return correct(case)
        one, zero = case.x.dtype.type, np.zeros(case.channels, case.x.dtype)
        assert case.running_var is not None
        a = (zero + one(1) if case.gamma is None else case.gamma) / np.sqrt(case.running_var + one(case.eps))
        return Outcome(y=form(case.x, case.running_mean, a, zero if case.beta is None else case.beta))

    return run


FORMS: dict[str, Callable[..., np.ndarray]] = {
    "mean subtracted first": lambda x, mean, a, beta: (x - mean) * a + beta,
    "folded": lambda x, mean, a, beta: x * a + (beta - mean * a),
    "folded to a narrower bias": lambda x, mean, a, beta: x * a + narrowed(beta - mean * a),
}


def narrowed(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32 if array.dtype == np.float64 else np.float16).astype(array.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inference_may_fold_its_mean_but_not_round_it_further(dtype: str) -> None:
    found = {
        name: searched(implementation(inference(form)), INFERS_FAR, dtype=dtype)[INFERS_FAR].verdict
        for name, form in FORMS.items()
    }
    assert found == dict(zip(FORMS, ("conforms", "conforms", "fails"), strict=True))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sums_in_sixteen_bits_are_told_where_float32_is_declared(dtype: str) -> None:
    kind = np.float16 if dtype == "float16" else ml_dtypes.bfloat16
    assert searched(implementation(summed_in(np.float32), WIDE), TYPE, dtype=dtype)[TYPE].verdict == "conforms"
    assert searched(implementation(summed_in(kind), WIDE), TYPE, dtype=dtype)[TYPE].verdict == "fails"
    assert searched(implementation(summed_in(kind)), TYPE, dtype=dtype)[TYPE].verdict == "unsupported"


def test_probes_are_what_they_say() -> None:
    rng = np.random.default_rng(0)
    nothing = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"))
    x = rng.standard_normal((4, 3))
    case = Case(mode="train", x=x, eps=1e-3, momentum=0.1, **nothing)  # type: ignore[arg-type]
    far, near = probes.far_from_zero(case), probes.near_one(case)
    distance = np.abs(far.x.mean(axis=0)) / far.x.std(axis=0)
    assert np.all(distance[4::5] > 5e3)
    assert np.all(distance[::5] < 4)
    assert np.all(near.x.mean(axis=0) == 1 + 2.0**-8)
    assert (far.momentum, far.shuffled, near.eps) == (1.0, False, 1e-3)
    assert probes.far_from_zero(case) is far
