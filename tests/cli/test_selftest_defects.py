"""What is planted is inferred as the defect that it is: alone, two at once, behind a condition."""

from __future__ import annotations

import pytest
from worlds import records

from bnconform.analysis.faults import FAULTS
from bnconform.analysis.selftest.planted import (
    BY_NAME,
    CONDITIONS,
    Planting,
    alone,
    are_two,
    behind_conditions,
    in_pairs,
)
from bnconform.cli.main import main
from bnconform.cli.selftest_defects import Plantings, is_right
from bnconform.contract.dtypes import DTYPES
from bnconform.results.defects import Defect

ONE, TWO = Planting(("a",), ("float32",)), Planting(("a", "b"), ("float32",))


def defect(likely: str, beside: str = "", title: str = "", *others: str) -> Defect:
    named = [{"fault": one, "sentence": "", "ratio": 0.1, "convention": False} for one in (likely, *others) if one]
    findings = [records.finding(verdict="fails", diagnosis=named)]
    return Defect(id="i", title=title, severity="ordinary", effect="", likely=likely, beside=beside, findings=findings)


def test_a_fault_alone_is_right_as_one_defect_of_its_name() -> None:
    assert is_right(ONE, [defect("a")])
    assert is_right(ONE, [defect("c", "", "", "a")]), "a second name that explains every finding"
    assert not is_right(ONE, [defect("c")])
    assert not is_right(ONE, [defect("a"), defect("a")])
    assert not is_right(ONE, [defect("a", "b")])
    assert not is_right(ONE, [])


def test_a_pair_is_right_where_both_are_named_and_nothing_else() -> None:
    assert is_right(TWO, [defect("a"), defect("b")])
    assert is_right(TWO, [defect("a", "b")])
    assert not is_right(TWO, [defect("a")])
    assert not is_right(TWO, [defect("a"), defect("b"), defect("")])


def test_a_condition_is_right_in_the_first_title_alone() -> None:
    where = Planting(("a",), ("float32",), "only where γ is negative")
    assert is_right(where, [defect("a", "", "Behaves like a, only where γ is negative"), defect("")])
    assert not is_right(where, [defect("a", "", "Behaves like a"), defect("a", "", "only where γ is negative")])


def test_what_is_planted_follows_from_the_seed_and_no_two_replace_the_same() -> None:
    pairs = in_pairs(FAULTS, ("float32",), 3, seed=5)
    assert pairs == in_pairs(FAULTS, ("float32",), 3, seed=5)
    assert len(pairs) == 3
    assert all(are_two(*(BY_NAME[name] for name in one.faults), "float32") for one in pairs)
    assert not are_two(BY_NAME["epsilon_outside_the_root"], BY_NAME["epsilon_as_a_floor"], "float32")
    assert len(alone(FAULTS, DTYPES, None, 0)) == sum(len(set(one.dtypes)) for one in FAULTS)
    assert {one.where for one in behind_conditions(FAULTS, 5, 0)} == set(CONDITIONS)


def test_an_unknown_fault_and_a_sample_of_nothing_are_wrong_calls(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--defects", "--fault", "no_such"]) == 2
    assert "no such fault" in capsys.readouterr().err
    assert main(["selftest", "--defects", "--sample", "0"]) == 2
    assert main(["selftest", "--sample", "3"]) == 2
    assert "--defects beside it" in capsys.readouterr().err
    assert main(["selftest", "-n", "0"]) == 2
    assert "a number of processes from 1 up" in capsys.readouterr().err


@pytest.mark.slow
def test_a_sample_of_all_kinds_is_inferred_rightly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--defects", "--sample", "3", "-n", "2"]) == 0
    printed = capsys.readouterr().out
    assert "alone: 3 of 3 right, 97 % due" in printed
    assert "two at once: " in printed
    assert "behind a condition: " in printed
    assert Plantings(sample=3).kinds()["alone"] == alone(FAULTS, DTYPES, 3, 0)
