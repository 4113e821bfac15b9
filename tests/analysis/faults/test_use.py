"""Faults of use: right in plain cases, shown and told apart by cases of use, and each statement of use catches its own.

Rules: what a power gate asks of the faults of plain cases is asked of these by the cases that the statements make.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from worlds.drawing import DTYPES
from worlds.used import answered, apart, power, used

from bnconform.analysis.faults import FAULTS, RIGHT, perform, values
from bnconform.analysis.faults.fault import Fault, both
from bnconform.analysis.selftest.power import NEEDED, drawn_of
from bnconform.analysis.selftest.trial import targets, try_variant
from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.book import all_specs
from bnconform.engine.tally import Effort

OF_USE = [one for one in FAULTS if one.chapter == "use"]
NAMED = {one.name: one for one in OF_USE}
STATEMENTS = [one for one in all_specs() if one.chapter == "use"]
X = np.array([[1.0, 4.0], [3.0, 0.0], [2.0, 2.0]])
DY = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
FEW = 12


def case(**changed: object) -> Case:
    vectors = {"gamma": [2.0, -1.0], "beta": [1.0, 0.5], "running_mean": [0.0, 1.0], "running_var": [1.0, 2.0]}
    fields = {name: np.array(vector) for name, vector in vectors.items()}
    plain = {"mode": "train", "x": X, "dy": DY, "eps": 0.5, "momentum": 0.25}
    return Case(**{**fields, **plain, **changed})  # type: ignore[arg-type]


@cache
def drawn(dtype: str) -> list[Case]:
    found = [one for family in (cases(mode="train"), cases(mode="infer")) for one in drawn_of(family, dtype, FEW)]
    return sorted(found, key=lambda one: one.x.size)


@pytest.mark.parametrize("one", OF_USE, ids=lambda one: one.name)
def test_a_fault_of_use_is_right_in_plain_cases(one: Fault) -> None:
    for plain in drawn("float32"):
        mine, right = values(one, plain), values(RIGHT, plain)
        assert mine.keys() == right.keys()
        assert all(np.array_equal(mine[name], right[name], equal_nan=True) for name in right)


@pytest.mark.parametrize("dtype", DTYPES)
def test_for_every_fault_of_use_some_case_has_power(dtype: str) -> None:
    low = {one.name for one in OF_USE if not any(
        power(one, asked, plain) >= NEEDED for plain in drawn(dtype) for asked in used(plain))}  # fmt: skip
    assert low == set()


def test_any_two_faults_of_use_are_told_apart_by_a_case() -> None:
    alike = {(one, other) for one in NAMED for other in NAMED if one < other}
    for plain in drawn("float32"):
        for asked in used(plain):
            found = {name: answered(NAMED[name], asked) for name in {name for pair in alike for name in pair}}
            alike = {(one, other) for one, other in alike if apart(found[one], found[other], plain) < NEEDED}
    assert alike == set()


@cache
def caught() -> dict[str, set[str]]:
    """Returns the statements of use that catch each fault."""
    tried = targets([f"faults.{name}" for name in NAMED], ["float32"])
    found = {one.implementation.name: try_variant(one, STATEMENTS, Effort(examples=8)).caught for one in tried}
    return {name.removeprefix("faults."): set(statements) for name, statements in found.items()}


@pytest.mark.parametrize("statement", [one.id for one in STATEMENTS])
def test_each_statement_catches_a_fault_that_no_other_catches(statement: str) -> None:
    assert {statement} in caught().values()


def test_every_fault_of_use_is_caught() -> None:
    assert all(caught().values())


def test_what_is_right_refuses_every_malformed_call() -> None:
    for asked in used(case()):
        if asked.malformed:
            with pytest.raises(ValueError, match=r"got a call in which .*; expected arrays that fit x"):
                perform(RIGHT, asked)


@pytest.mark.parametrize(
    ("name", "malformed", "array", "as_if"),
    [
        ("longer_parameters_cut", "gamma_longer", [2.0, -1.0, 7.0], {"gamma": [2.0, -1.0]}),
        ("single_parameter_spread", "beta_single", [3.0], {"beta": [3.0, 3.0]}),
        ("matrix_of_parameters_read_backwards", "gamma_matrix", [[2.0, -1.0]], {"gamma": [-1.0, 2.0]}),
        ("single_average_spread_in_training", "running_var_single", [3.0], {"running_var": [3.0, 3.0]}),
        ("single_cotangent_spread", "dy_single", [[1.0, 2.0]], {"dy": [[1.0, 2.0]] * 3}),
        ("cotangent_cut_or_repeated", "dy_shorter", [[1.0, 2.0], [3.0, 4.0]], {"dy": [[1.0, 2.0], [3.0, 4.0], [1, 2]]}),
    ],
)  # fmt: skip
def test_a_malformed_call_is_made_to_fit_as_the_fault_says(
    name: str, malformed: str, array: list[float], as_if: dict[str, list[float]]
) -> None:
    (about,) = as_if
    asked = case(malformed=malformed, **{about: np.array(array)})
    meant = values(RIGHT, case(**{about: np.array(as_if[about], np.float64)}))
    for output, found in values(NAMED[name], asked).items():
        np.testing.assert_array_equal(found, meant[output], err_msg=output)


def test_two_calls_have_the_outputs_of_the_first_and_move_the_averages_twice() -> None:
    other = X[::-1] * 3.0
    found, first = values(RIGHT, case(between=other)), values(RIGHT, case())
    for name in ("y", "dx", "dgamma", "dbeta"):
        np.testing.assert_array_equal(found[name], first[name])
    np.testing.assert_allclose(found["running_mean"], 0.75 * first["running_mean"] + 0.25 * other.mean(0), rtol=1e-15)
    twice = 0.75 * first["running_var"] + 0.25 * other.var(0, ddof=1)
    np.testing.assert_allclose(found["running_var"], twice, rtol=1e-15)
    still = values(RIGHT, case(between=other, between_mode="infer"))
    np.testing.assert_array_equal(still["running_mean"], first["running_mean"])


def test_gradients_that_are_not_wanted_are_left_out_and_held_ones_are_added_to() -> None:
    every = values(RIGHT, case())
    some = values(RIGHT, case(wanted=("x", "beta")))
    assert set(every) - set(some) == {"dgamma"}
    held = values(RIGHT, case(held_gamma=np.array([1.0, 2.0]), held_beta=np.array([3.0, 4.0])))
    np.testing.assert_allclose(held["dgamma"], every["dgamma"] + [1.0, 2.0], rtol=1e-15)
    np.testing.assert_allclose(held["dbeta"], every["dbeta"] + [3.0, 4.0], rtol=1e-15)


def test_the_backward_pass_by_the_last_statistics_is_that_written_out() -> None:
    other = X[::-1] * 3.0
    r = 1.0 / np.sqrt(other.var(0) + 0.5)
    h = (X - other.mean(0)) * r
    found = values(NAMED["statistics_of_the_last_training_call"], case(between=other))
    np.testing.assert_allclose(found["dgamma"], (DY * h).sum(0), rtol=1e-12)
    np.testing.assert_allclose(found["dx"], (DY - DY.mean(0) - h * (DY * h).mean(0)) * r * [2.0, -1.0], rtol=1e-12)
    late = values(NAMED["backward_pass_by_the_averages_of_afterwards"], case(mode="infer", between=other,
                  between_mode="train"))  # fmt: skip
    mean, var = 0.25 * other.mean(0) + [0.0, 0.75], 0.25 * other.var(0, ddof=1) + [0.75, 1.5]
    np.testing.assert_allclose(late["dgamma"], (DY * (X - mean) / np.sqrt(var + 0.5)).sum(0), rtol=1e-12)


def test_two_faults_of_malformed_calls_are_both_there() -> None:
    pair = both(NAMED["single_parameter_spread"], NAMED["longer_parameters_cut"])
    assert answered(pair, case(malformed="gamma_single", gamma=np.array([2.0]))) is not None
    assert answered(pair, case(malformed="beta_longer", beta=np.array([2.0, 1.0, 0.0]))) is not None
    assert answered(pair, case(malformed="dy_single", dy=DY[:1])) is None
    plain = replace(case(), malformed=None)
    np.testing.assert_array_equal(values(pair, plain)["y"], values(RIGHT, plain)["y"])
