"""The accuracy of y in training: by channel, by class, the worst of each, and nothing of other outputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from worlds.hosts import make

from bnconform import Dialect
from bnconform.contract.case import Case
from bnconform.engine.accuracy import Accuracy
from bnconform.engine.agreement import Agreement, agree
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import Bound


def case(*channels: list[float]) -> Case:
    x = np.array(channels, dtype="float32").T
    return Case(mode="train", x=x, gamma=None, beta=None, running_mean=None, running_var=None, eps=1e-5, momentum=0.1)


def compared(asked: Case, error: float) -> Agreement:
    due = reference.y(asked)
    return agree(due + error, due, within=bounds.y(asked, Dialect()), output="y")


def measured(*pairs: tuple[Case, Agreement]) -> list[tuple[float, int, float]]:
    found = Accuracy()
    for asked, one in pairs:
        found.add(asked, one)
    return found.points


def test_a_channel_is_told_by_condition_size_and_error_in_roundoffs() -> None:
    asked = case([7.0, 9.0])  # mean 8, variance 1
    ((kappa, size, error),) = measured((asked, compared(asked, 2.0**-20)))
    assert (kappa, size) == (np.sqrt(65.0), 2)
    assert abs(error - 16) < 0.1  # 2^-20 is 16 unit roundoffs of float32, 2^-24, and y is 1


def test_the_worst_of_a_class_is_kept_and_classes_stand_apart() -> None:
    near, far = case([-1.0, 1.0]), case([99.0, 101.0])
    points = measured((near, compared(near, 1e-6)), (near, compared(near, 1e-4)), (far, compared(far, 1e-5)))
    assert [round(kappa) for kappa, _, _ in points] == [1, 100]
    assert points[0][2] > 1000


def test_a_number_that_is_none_is_an_infinite_error() -> None:
    asked = case([7.0, 9.0])
    assert measured((asked, compared(asked, float("nan"))))[0][2] == float("inf")


def test_what_is_not_y_as_it_is_and_what_has_no_condition_or_bound_is_not_measured() -> None:
    asked, constant = case([7.0, 9.0]), make((2, 2), "float32")
    constant = replace(constant, x=np.ones((2, 2), "float32"), eps=1.0)
    one = compared(asked, 1e-6)
    unbounded = agree(
        np.ones((2, 1)), np.ones((2, 1)), output="y", within=Bound(np.array([[np.inf], [1.0]]), np.ones(1))
    )
    assert measured((asked, replace(one, direct=False)), (asked, replace(one, output="dx"))) == []
    assert measured((replace(asked, mode="infer"), one), (asked, unbounded)) == []
    assert (
        measured(
            (constant, agree(np.ones((2, 2)), np.zeros((2, 2)), output="y", within=Bound(np.ones((2, 2)), np.ones(1))))
        )
        == []
    )
    assert len(measured((asked, one))) == 1


def test_many_cases_leave_few_points() -> None:
    drawn = np.random.default_rng(0)
    cases = [case(list(drawn.normal(10.0 ** drawn.uniform(-2, 6), 1, 2 + n % 60))) for n in range(300)]
    assert 10 < len(measured(*((one, compared(one, 1e-6)) for one in cases))) < 40
