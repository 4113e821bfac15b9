"""An algorithm that is declared and loses digits deviates where a careful one would keep them, and names its field."""

from __future__ import annotations

import numpy as np
import pytest

from bnconform import Case, Dialect, Outcome
from bnconform.engine.book import all_specs
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.weakness import CAREFUL, weak_fields

SPECS = {one.id: one for one in all_specs()}
POINTWISE, EQUATION = SPECS["normalizes_data_far_from_zero"], SPECS["normalizes_by_the_batch"]
ONE_PASS = Dialect(variance="one-pass", links={"variance": "https://example.org"})


def case(mean: float) -> Case:
    x = (mean + np.linspace(-1, 1, 32)).astype(np.float32).reshape(32, 1)
    ones, zeros = np.ones(1, np.float32), np.zeros(1, np.float32)
    return Case(mode="train", x=x, gamma=ones, beta=zeros, running_mean=zeros, running_var=ones, eps=1e-5,
                momentum=0.1, axis=1)  # fmt: skip


def normalized(case: Case, *, one_pass: bool) -> Outcome:
    x, one = case.x, np.float32
    mean = x.mean(0, dtype=np.float32)
    centred = (x - mean) ** 2
    variance = np.maximum((x * x).mean(0) - mean * mean, one(0)) if one_pass else centred.mean(0)
    return Outcome(y=(x - mean) / np.sqrt(variance + one(case.eps)))


def judged(spec: Spec, mean: float, dialect: Dialect, *, one_pass: bool = True) -> tuple[str, str]:
    found = spec.judge(Subject(lambda one: normalized(one, one_pass=one_pass), dialect), case(mean))
    worst = found.worst
    return found.verdict, "" if worst is None else worst.declared


@pytest.mark.parametrize("mean", [100.0, 300.0])
def test_one_pass_deviates_where_it_loses_digits_and_is_declared(mean: float) -> None:
    assert judged(EQUATION, mean, ONE_PASS) == ("deviates", "variance")


def test_one_pass_fails_where_it_is_not_declared() -> None:
    assert judged(EQUATION, 100.0, Dialect())[0] == "fails"


def test_one_pass_conforms_where_nothing_is_lost() -> None:
    assert judged(EQUATION, 0.0, ONE_PASS) == ("conforms", "")


def test_two_passes_conform_whatever_is_declared() -> None:
    assert judged(EQUATION, 100.0, ONE_PASS, one_pass=False) == ("conforms", "")


def test_a_wrong_value_fails_whatever_is_declared() -> None:
    wrong = EQUATION.judge(Subject(lambda one: Outcome(y=one.x * np.float32(2)), ONE_PASS), case(0.0))
    assert wrong.verdict == "fails"


def test_a_comparison_of_a_property_deviates_as_an_equation_does() -> None:
    assert judged(POINTWISE, 1.0, ONE_PASS)[0] == "deviates"


def test_every_careful_choice_is_the_default_and_can_be_declared_otherwise() -> None:
    for name, careful in CAREFUL.items():
        assert getattr(Dialect(), name) == careful
    assert weak_fields(Dialect()) == ()
    assert weak_fields(Dialect(variance="one-pass", backward="uncentred")) == ("variance", "backward")
