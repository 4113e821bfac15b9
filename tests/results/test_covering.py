"""The fewest faults that explain findings, alone or two together, and whose each finding is."""

from __future__ import annotations

from typing import Any

from worlds import records

from bnconform.results.defects.covering import fewest, shared_out


def failing(*causes: str, likewise: tuple[str, ...] = ()) -> Any:
    """A finding that each of these causes explains: a fault, or two with a + between them."""
    named = [(one, other) for cause in causes for one, other in _parts(cause)]
    diagnosis = [
        {"fault": one, "sentence": "", "ratio": 0.5, "convention": False, **({"beside": other} if other else {})}
        for one, other in named
    ]
    return records.finding(verdict="fails", diagnosis=diagnosis, likewise=list(likewise))


def _parts(cause: str) -> list[tuple[str, str]]:
    one, _, other = cause.partition("+")
    return [(one, other), (other, one)] if other else [(one, "")]


def shares(*findings: Any) -> dict[str, int]:
    return {"+".join(sorted(cause)): len(mine) for cause, mine in shared_out(findings, fewest(findings)).items()}


def test_one_fault_that_explains_all_is_enough() -> None:
    assert shares(failing("a", "b"), failing("b"), failing("c", "b")) == {"b": 3}


def test_what_only_two_explain_needs_both() -> None:
    assert fewest([failing("a+b"), failing("a+b")]) == ["a", "b"]
    assert shares(failing("a+b"), failing("a+b")) == {"a+b": 2}


def test_what_two_explain_is_told_of_the_one_that_explains_nothing_alone() -> None:
    assert shares(failing("a"), failing("a"), failing("a+b")) == {"a": 2, "b": 1}


def test_what_two_explain_is_told_of_the_one_that_explains_less_alone() -> None:
    assert shares(failing("a"), failing("a"), failing("b"), failing("a+b")) == {"a": 2, "b": 2}


def test_two_that_are_there_anyway_explain_more_than_a_third() -> None:
    assert shares(failing("a"), failing("a"), failing("b"), failing("b"), failing("c", "a+b")) == {"a": 2, "b": 3}


def test_what_breaks_many_statements_likewise_swallows_no_other_fault() -> None:
    """Broken in the same way is no explanation: what explains two by value goes before what explains one."""
    found = shares(failing("b"), failing("b"), failing("a"), *(failing(likewise=("a",)) for _ in range(9)))
    assert found == {"b": 2, "a": 10}
    assert fewest([failing("a"), failing("b"), failing("b"), failing(likewise=("a",))])[0] == "b"


def test_what_has_no_diagnosis_is_left_out() -> None:
    assert shares(failing(), failing(likewise=("a",))) == {}
