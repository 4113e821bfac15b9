"""Findings become defects: each wrong finding belongs to one, and the fewest faults explain them all."""

from __future__ import annotations

from typing import Any

from worlds import records

from bnconform.results.defects import Defect, defects_of, is_wrong

CHAPTERS = {"adds": "normalization", "takes": "normalization", "empties": "degenerate"}


def likely(*faults: str) -> list[dict[str, Any]]:
    return [{"fault": one, "sentence": f"{one}.", "ratio": 0.5, "convention": False} for one in faults]


def failing(spec: str = "adds", *faults: str, **changed: Any) -> Any:
    return records.finding(spec=spec, verdict="fails", diagnosis=likely(*faults), **{"output": "y", **changed})


def known(defect: str, **changed: Any) -> Any:
    cause = {"fault": "implementation", "reason": "so", "link": "https://x.org", "title": defect.upper()}
    return failing(known={**cause, "defect": defect, "severity": "unusual", "effect": "bad"}, **changed)


def found(*findings: Any) -> list[Defect]:
    return defects_of(findings, CHAPTERS)


def test_nothing_wrong_is_no_defect() -> None:
    assert found(records.finding(), records.finding(verdict="deviates"), records.finding(verdict="unsupported")) == []


def test_one_wrong_formula_is_one_defect_whatever_it_breaks() -> None:
    one, two, cascade = (
        failing("adds", "first", "second"),
        failing("takes", "second"),
        failing("adds", likewise=["second"]),
    )
    (defect,) = found(one, two, cascade)
    assert (defect.id, defect.likely, len(defect.findings)) == ("mini.batch_norm/second", "second", 3)
    assert defect.words.startswith("its values explain 2 of the 3; the others it breaks in the same quantity")
    assert (defect.severity, defect.known, defect.effect) == ("ordinary", False, "second.")


def test_two_faults_that_nothing_common_explains_are_two_defects() -> None:
    assert [one.likely for one in found(failing("adds", "a"), failing("takes", "a"), failing("adds", "b"))] == [
        "a",
        "b",
    ]


def paired(one: str, other: str, **changed: Any) -> Any:
    both = [{**likely(name)[0], "beside": beside} for name, beside in ((one, other), (other, one))]
    return failing(**{**changed, "spec": changed.get("spec", "adds")}) | {"diagnosis": both}


def test_two_faults_of_which_neither_explains_anything_alone_are_one_defect_of_both() -> None:
    (defect,) = found(paired("one", "two"), paired("one", "two", spec="takes"))
    assert (defect.title, defect.likely, defect.beside) == ("Behaves like one together with two", "one", "two")
    assert (defect.id, defect.effect) == ("mini.batch_norm/one+two", "one. two.")
    assert defect.words == "its values explain 2 of the 2"


def test_a_fault_that_shows_only_beside_another_is_told_with_it() -> None:
    first, second = found(failing("adds", "one"), failing("takes", "one"), paired("one", "two"))
    assert (first.title, second.title) == ("Behaves like one", "Behaves like two together with one")
    assert (second.likely, second.beside, second.effect) == ("two", "one", "two.")


def test_what_two_faults_explain_is_said_of_the_one_that_has_findings_of_its_own() -> None:
    *_, second = found(failing("adds", "one"), failing("takes", "one"), failing("adds", "two"), paired("one", "two"))
    assert (second.title, second.words) == (
        "Behaves like two",
        "its values explain 2 of the 2, 1 of them together with another fault",
    )


def test_what_is_nan_is_told_as_that_and_where_a_relation_shows_it_with_the_output() -> None:
    detail = {"actual": "nan", "expected": 0.5}
    shown = {"output": "y", "index": [1], "actual_values": [0.0, "nan"], "expected_values": [0.0, 1.0]}
    (defect,) = found(failing(detail=detail, reason="y[1] is nan"), failing(output="", detail={"shown": shown}))
    assert (defect.title, defect.effect) == ("y is NaN where it must be finite", "y[1] is nan")
    (overflow,) = found(failing(detail={"actual": "inf", "expected": 1.0}))
    assert overflow.title == "y is infinite where it must be finite"
    (due,) = found(failing(detail={"actual": "nan", "expected": "nan"}))
    assert due.title == "y is wrong, and no known fault explains it"


def test_what_the_smoke_test_found_is_one_defect_of_all_outputs_that_no_fault_explains() -> None:
    slip = "an exchange of the new running mean and variance"
    wrong = [failing(output="running_mean", slip=slip), failing(output="running_var", slip=slip), failing("adds", "a")]
    named, slipped = sorted(found(*wrong), key=lambda one: len(one.findings))
    assert named.likely == "a"
    assert slipped.title == f"It gives what {slip} gives"


def test_what_is_only_broken_likewise_names_no_fault() -> None:
    (defect,) = found(failing(likewise=["a"]))
    assert (defect.likely, defect.title) == ("", "y is wrong, and no known fault explains it")


def test_what_no_fault_explains_stands_together_by_output() -> None:
    defects = found(failing(), failing("takes"), failing(output="dx"))
    assert [(one.id, len(one.findings)) for one in defects] == [("mini.batch_norm/y", 2), ("mini.batch_norm/dx", 1)]


def test_known_findings_have_the_defect_that_they_name_over_implementations() -> None:
    first, second = found(known("a"), known("b"), known("a", implementation="other.norm", dtype="float64"))
    assert (first.id, first.title, first.severity, first.known) == ("a", "A", "unusual", True)
    assert (first.implementations, first.dtypes) == (["mini.batch_norm", "other.norm"], ["float32", "float64"])
    assert second.id == "b"


def test_what_raises_crashes_or_hangs_is_a_defect_for_each_way() -> None:
    loud = [failing(raises="ValueError"), failing("takes", raises="TypeError"), records.finding(verdict="crashes")]
    assert [(one.title, one.severity) for one in found(*loud, failing(raises="ValueError"))] == [
        ("It raises ValueError", "loud"),
        ("It raises TypeError", "loud"),
        ("It crashes", "loud"),
    ]


def test_what_raises_on_every_case_accuses_nobody_and_hides_no_wrong_formula() -> None:
    raising = failing(raises="TypeError", fault="unknown", reason="raised TypeError: an unexpected keyword")
    formula = failing("takes", "a")
    (defect,) = [one for one in found(raising, raising, formula) if one.fault == "unknown"]
    assert defect.title == "It raises TypeError on every case, ordinary ones too"
    assert "Look at the call in the adapter first" in defect.effect
    assert defect.effect.endswith("raised TypeError: an unexpected keyword")
    assert [one.likely for one in found(raising, formula)] == ["a", ""]


def test_a_broken_adapter_is_one_defect_of_the_adapter() -> None:
    broken = [records.finding(spec=spec, verdict="unsupported", fault="adapter") for spec in CHAPTERS]
    (defect,) = found(*broken)
    assert (defect.fault, len(defect.findings)) == ("adapter", 3)


def test_what_only_prudence_asks_for_is_told_as_that_and_last() -> None:
    prudent, stated = failing("empties", "e", basis="prudence"), failing("adds", "a")
    assert [one.severity for one in found(prudent, stated)] == ["ordinary", "prudence"]


def test_unusual_chapters_alone_are_unusual_and_new_stands_before_known() -> None:
    defects = found(known("k"), failing("empties", "e"), failing("adds", "a"))
    assert [(one.severity, one.known) for one in defects] == [
        ("ordinary", False),
        ("unusual", False),
        ("unusual", True),
    ]


def test_the_findings_of_all_defects_add_up_to_what_is_wrong() -> None:
    findings = [
        failing("adds", "a"),
        failing(),
        known("k"),
        failing(raises="E"),
        records.finding(),
        failing("takes", "a"),
        paired("a", "b"),
        paired("c", "d"),
        failing(likewise=["a", "d"]),
        failing(likewise=["e"]),
        failing(slip="a slip"),
    ]
    defects = found(*findings)
    belonging = [id(finding) for one in defects for finding in one.findings]
    assert sorted(belonging) == sorted(id(one) for one in findings if is_wrong(one))
    assert len(belonging) == 10


def test_what_does_not_repeat_is_one_defect_whatever_it_shows() -> None:
    times = {"repeated": {"shown": 1, "asked": 3}}
    flaky = [failing("adds", "a", **times), failing("takes", reason="y is 2", **times)]
    repeated = failing("adds", "a", repeated={"shown": 3, "asked": 3})
    defects = {one.id: one for one in found(*flaky, records.finding(verdict="crashes", **times), repeated)}
    assert list(defects) == ["mini.batch_norm/flaky", "mini.batch_norm/a"]
    assert len(defects["mini.batch_norm/flaky"].findings) == 3
    assert defects["mini.batch_norm/flaky"].effect.startswith("1 of 3 calls of the same case showed it: ")


def test_what_large_cases_alone_show_is_one_defect_whatever_it_breaks() -> None:
    size = "a channel has 65,536 values and more"
    defects = defects_of(
        [
            failing("normalizes", output="y", only=size),
            failing("averages", output="running_var", only=size),
            failing("scales", output="dgamma"),
        ],
        {"normalizes": "sizes", "averages": "sizes", "scales": "gradients"},
    )
    assert [one.title for one in defects if len(one.findings) == 2] == [
        f"Something is lost or counted twice, only where {size}"
    ]
