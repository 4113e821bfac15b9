"""A Run answers questions: a family is searched once, a broken adapter is not judged, and witnesses are written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from worlds.miniatures import Mathematics
from worlds.searches import SPECS, Here, correct, implementation, without
from worlds.wrong_ways import of

from bnconform import Case, Implementation, Outcome
from bnconform.cli.session.run import Question, Run
from bnconform.contract.address import Address
from bnconform.contract.implementation import Described
from bnconform.contract.reply import Crashed, Raised, Reply
from bnconform.engine.selection import Request
from bnconform.engine.target import Target
from bnconform.results import evidence
from bnconform.results.records import told_verdict

ADDRESS = Address(target="mine.py", namespace="bn", named=True)
FAMILY = ("normalizes_by_the_batch", "centres_on_the_batch_mean", "averages_the_running_mean")


def asked(about: Implementation, out: Path | None = None, *ids: str) -> tuple[Run, Here, list[Question]]:
    """Returns a run over an implementation in this process, its host, and the questions that are planned."""
    host = Here(about)
    hosts: Any = SimpleNamespace(request=Request(examples=10), of=lambda address: host)
    run, target = Run(hosts, out), Target(implementation=Described.of(about), dtype="float32")
    questions = [Question(spec=SPECS[name], address=ADDRESS, target=target) for name in ids or FAMILY]
    run.plan(questions)
    return run, host, questions


def test_a_question_is_named_as_its_test_item() -> None:
    question = asked(implementation(correct))[2][0]
    assert question.name == "normalizes_by_the_batch[bn.norm-float32-cpu]"
    assert question.group == "bn.norm-float32-cpu"


def test_specs_with_equal_cases_share_one_search() -> None:
    assert len({SPECS[name].given for name in FAMILY}) == 1
    run, host, questions = asked(implementation(correct))
    first = run.answer(questions[0]).finding
    calls = len(host.asked)
    others = [run.answer(one).finding for one in questions[1:]]
    assert {one["verdict"] for one in (first, *others)} == {"conforms"}
    assert len(host.asked) == calls, "the second and the third finding are read off the first search"


def test_one_wrong_formula_fails_by_its_own_specs() -> None:
    run, _, questions = asked(implementation(of(Mathematics(correction=1))))
    assert [run.answer(one).finding["verdict"] for one in questions] == ["fails", "conforms", "conforms"]


def test_a_broken_adapter_is_told_and_its_implementation_not_judged() -> None:
    def transposed(case: Case) -> Outcome:
        return replace(correct(case), y=correct(case).y.T.copy())

    run, host, questions = asked(implementation(transposed))
    found = [run.answer(one).finding for one in questions]
    assert {one["fault"] for one in found} == {"adapter"}
    assert not any(case.shuffled for case in host.asked), "no drawn case was asked for"


@pytest.mark.parametrize("written", [True, False])
def test_a_failure_has_a_witness_where_there_is_a_folder(tmp_path: Path, written: bool) -> None:
    run, _, questions = asked(implementation(of(Mathematics(correction=1))), tmp_path if written else None)
    answer = run.answer(questions[0])
    named = [answer.finding["witness"], answer.finding["reproduce"]]
    assert list(answer.files) == (named if written else [])
    assert (named != [None, None]) is written
    assert not list(tmp_path.iterdir()), "what holds the results writes them"


def test_a_script_that_cannot_be_made_costs_the_finding_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> str:
        raise IndexError("a mistake")

    monkeypatch.setattr(evidence, "script_of", broken)
    run, _, questions = asked(implementation(of(Mathematics(correction=1))), tmp_path)
    answer = run.answer(questions[0])
    assert answer.finding["verdict"] == "fails"
    assert list(answer.files) == [answer.finding["witness"]]
    (note,) = answer.finding["notes"]
    assert note.endswith("could not be made: IndexError: a mistake")


def test_one_that_raises_on_every_case_accuses_nobody() -> None:
    def raises(case: Case) -> Outcome:
        raise RuntimeError("no working compiler")

    def raises_in_training(case: Case) -> Outcome:
        return raises(case) if case.mode == "train" else correct(case)

    for about, fault in ((raises, "unknown"), (raises_in_training, "implementation")):
        run, _, questions = asked(implementation(about))
        record = run.answer(questions[0]).finding
        assert (record["verdict"], record["fault"]) == ("fails", fault)


def test_a_gradient_missing_beside_others_is_named_where_it_was_to_be_judged() -> None:
    spec = "sums_the_gradient_of_the_scale"
    run, _, questions = asked(implementation(without("dgamma")), None, spec)
    record = run.answer(questions[0]).finding
    assert (record["verdict"], record["missing"], record["lacks"]) == ("unsupported", "not offered", ["dgamma"])


class Once(Here):
    """A host whose first calls, until it is renewed, give `first` in place of an answer."""

    def __init__(self, first: Reply) -> None:
        super().__init__(implementation(correct))
        self.first, self.renewed = first, 0

    def run(self, name: str, case: Case) -> Reply:
        return super().run(name, case) if self.renewed else self.first

    def close(self) -> None:
        self.renewed += 1


def judged(host: Here) -> list[Any]:
    hosts: Any = SimpleNamespace(request=Request(examples=10), of=lambda address: host)
    run, target = Run(hosts, None), Target(implementation=Described.of(host.implementation), dtype="float32")
    questions = [Question(spec=SPECS[name], address=ADDRESS, target=target) for name in FAMILY]
    run.plan(questions)
    return [run.answer(one).finding for one in questions]


def test_what_was_ended_once_from_outside_is_counted_once_and_held_against_nobody() -> None:
    found = judged(Once(Crashed("SIGKILL", "")))
    assert {(one["verdict"], one["fault"]) for one in found} == {("conforms", None)}
    told = [one["unrepeated"] for one in found if "unrepeated" in one]
    assert told == [[{"what": "its process ended: SIGKILL", "shown": 1, "asked": 3}]]
    assert "1 of 3 calls of the same case: its process ended: SIGKILL" in found[0]["reason"]


def test_an_exception_that_does_not_repeat_is_flaky_and_compared_with_no_fault() -> None:
    found = judged(Once(Raised("ValueError", "no", "")))
    assert {(one["verdict"], told_verdict(one)) for one in found} == {("fails", "flaky")}
    for one in found:
        assert (one["repeated"], one["diagnosis"], one["quantity"]) == ({"shown": 1, "asked": 3}, [], None)
        assert "flaky: 1 of 3 calls of the same case showed it" in one["reason"]


def test_a_failure_that_repeats_says_in_how_many_calls() -> None:
    found = judged(Here(implementation(of(Mathematics(correction=1)))))
    assert [(one["verdict"], one.get("repeated")) for one in found][:2] == [
        ("fails", {"shown": 3, "asked": 3}),
        ("conforms", None),
    ]
