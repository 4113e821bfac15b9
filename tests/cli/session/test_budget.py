"""The time of a run is shared out, and what it did not suffice for is said."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from worlds import tiny
from worlds.searches import SPECS, Here, correct, implementation

from bnconform import Case, Outcome
from bnconform.cli.session.budget import Budget, seconds
from bnconform.cli.session.run import Question, Run
from bnconform.cli.session.waiting import Waiting
from bnconform.contract.address import Address
from bnconform.contract.errors import CallError
from bnconform.contract.implementation import Described
from bnconform.engine.selection import Request
from bnconform.engine.target import Target

ADDRESS = Address(target="mine.py", namespace="bn", named=True)


@pytest.mark.parametrize(("text", "value"), [("90", 90.0), ("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0)])
def test_a_time_is_a_number_and_a_unit(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "0", "0m", "-1", "ten", "1d", "inf", "nan", "1e3", "1 h", "1" * 400])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(CallError, match=r"expected a time above 0 such as 90s, 10m or 1.5h"):
        seconds(text)


def test_what_is_left_is_shared_among_the_searches_that_are_left() -> None:
    about = Budget(time.time() + 100)
    about.searches = 4
    first = about.share() - time.monotonic()
    second = about.share() - time.monotonic()  # the first has taken no time, which is left to the others
    assert (round(first), round(second)) == (25, 33)
    assert math.isinf(Budget().share())
    assert Budget(time.time() - 1).spent
    assert not Budget().spent


def answered(run: Callable[[Case], Outcome], budget: Budget, *names: str) -> list[Any]:
    """The findings of a run over these specs with this budget."""
    about = implementation(run)
    hosts: Any = SimpleNamespace(request=Request(examples=50), of=lambda address: Here(about))
    judging, target = Run(hosts, None, budget=budget), Target(implementation=Described.of(about), dtype="float32")
    questions = [Question(spec=SPECS[name], address=ADDRESS, target=target) for name in names]
    judging.plan(questions)
    return [judging.answer(one).finding for one in questions]


def test_a_search_is_cut_short_and_says_so() -> None:
    def slow(case: Case) -> Outcome:
        time.sleep(0.02)
        return correct(case)

    (found,) = answered(slow, Budget(time.time() + 1.0), "normalizes_by_the_batch")
    assert found["verdict"] == "conforms"
    assert 0 < found["examples"] < 50
    assert found["notes"] == [f"the budget of time left it {found['examples']} of 50 examples"]


def test_what_has_no_time_left_is_not_run_and_no_verdict() -> None:
    (found,) = answered(correct, Budget(time.time() - 1), "normalizes_by_the_batch")
    assert (found["verdict"], found["missing"], found["examples"]) == ("unsupported", "not run", 0)
    assert found["reason"].startswith("not run: the budget of time was spent")


def test_what_hangs_again_and_again_is_asked_no_more_and_its_other_statements_were_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bnconform.engine.runner.Runner.lost", lambda self, dtype: f"much of {dtype} hung")
    (found,) = answered(correct, Budget(), "normalizes_by_the_batch")
    assert (found["verdict"], found["missing"], found["examples"]) == ("unsupported", "not run", 0)
    assert found["reason"] == "not run: much of float32 hung"


def test_without_a_budget_all_examples_are_tried() -> None:
    (found,) = answered(correct, Budget(), "normalizes_by_the_batch")
    assert (found["examples"], "notes" in found) == (50, False)


def test_a_run_tells_what_it_did_not_come_to_and_goes_on_with_it(tmp_path: Path) -> None:
    own = "def slow(case):\n    time.sleep(0.3)\n    return train(checked(case), case.momentum)\n"
    tiny.adapter(tmp_path, "slow", own=own)
    words = ("--adapter", "tiny.py", "--spec", "normalization", "--examples", "40", "--in-process")
    done = tiny.bnconform("run", *words, "--budget", "1s", "--out", "out", cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    *_, end = tiny.lines(tmp_path / "out")
    assert (end["kind"], end["exit_status"]) == ("end", 2)
    missing = [one for one in tiny.lines(tmp_path / "out") if one.get("missing") == "not run"]
    assert f"not run: {len(missing)} of {end['findings']} planned items" in done.stdout
    assert missing
    done = tiny.bnconform("run", "--resume", "out", "--adapter", "tiny.py", "--budget", "1s", cwd=tmp_path)
    later = [one for one in tiny.lines(tmp_path / "out") if one.get("missing") == "not run"]
    assert len(later) < len(missing), done.stdout + done.stderr


def test_a_line_tells_what_takes_long_and_how_long() -> None:
    reading, writing = os.pipe()
    about = Waiting(writing, long=0.3)
    about.begin("brief")
    about.end("brief")
    with about.at("an item"):
        time.sleep(0.75)
    about.close()
    about.close()
    with open(reading, encoding="utf-8") as pipe:
        assert pipe.read().splitlines()[:2] == ["… 0 s at an item", "… 1 s at an item"]
