"""A run that claims nothing is not green; an error of bnconform's own is told as such, beside all other findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds import tiny
from worlds.searches import SPECS, Here, correct, implementation, miniature

from bnconform.analysis.diagnosis import Diagnostician
from bnconform.cli.session import examiner
from bnconform.cli.session.examiner import Examiner
from bnconform.contract.implementation import Described
from bnconform.contract.wire import load_case
from bnconform.engine.runner import Runner
from bnconform.engine.tally import Effort
from bnconform.engine.target import Target
from bnconform.results.deviations import Registry

RAISING = '''

@spec("x = x", source="a paper", given=TRAINING)
def raises_itself(bn, case):
    """A statement whose own code is wrong."""
    return [agree(bn(case).y, reference.y(case), within=bounds.y(case, bn.dialect), output="y")][case.rows]
'''


def judged(folder: Path, *names: str, specs: str = tiny.SPECS) -> tuple[int, str]:
    """Judges tiny implementations; returns the exit status, which stands in the last line, and the screen."""
    (folder / "specs").mkdir()
    (folder / "specs" / "chapter.py").write_text(specs, encoding="utf-8")
    tiny.adapter(folder, *names)
    words = ("--bn-adapter", "tiny.py", "--bn-examples", "3", "--bn-in-process", "--bn-out", "out")
    done = tiny.pytest("specs", "--bn-specs", "specs", *words, cwd=folder)
    return tiny.lines(folder / "out")[-1]["exit_status"], done.stdout


def test_a_run_in_which_everything_is_refused_ends_with_status_2(tmp_path: Path) -> None:
    status, screen = judged(tmp_path, "refuses")
    assert status == 2
    assert "nothing was claimed: every finding is unsupported" in screen


def test_what_is_refused_beside_something_that_conforms_ends_with_status_0(tmp_path: Path) -> None:
    status, screen = judged(tmp_path, "refuses", "right")
    assert status == 0
    assert "nothing was claimed" not in screen


def test_a_spec_that_raises_is_told_with_what_repeats_it_and_hides_no_finding(tmp_path: Path) -> None:
    status, screen = judged(tmp_path, "right", specs=tiny.SPECS + RAISING)
    assert status == 2
    found = {one["spec"]: one for one in tiny.lines(tmp_path / "out") if one["kind"] == "finding"}
    assert {spec: one["verdict"] for spec, one in found.items()} == {
        "normalizes_tiny": "conforms",
        "averages_tiny": "conforms",
        "raises_itself": "unsupported",
    }
    odd = found["raises_itself"]
    assert (odd["fault"], odd["error"]["type"], odd["error"]["during"]) == ("bnconform", "IndexError", "the search")
    assert "raises_itself" in odd["error"]["traceback"]
    assert load_case(tmp_path / "out" / odd["witness"])[1]["spec"] == "raises_itself"
    assert "tiny.right float32: raises_itself: an error of bnconform's own in the search: IndexError" in screen


def examined(name: str) -> Examiner:
    host = Here(miniature(name) if name else implementation(correct))
    target = Target(implementation=Described.of(host.implementation), dtype="float32")
    return Examiner(target, Runner.of(target, lambda: host), Registry(), Effort(examples=5))


def broken(*_: object) -> None:
    raise ZeroDivisionError("of our own")


def test_a_failure_is_told_without_a_diagnosis_where_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Diagnostician, "explain", broken)
    judged = examined("momentum_swapped").judge([SPECS["averages_the_running_mean"]])["averages_the_running_mean"]
    assert (judged.tally.verdict, judged.diagnosis.likely) == ("fails", ())
    assert judged.tally.error is not None
    assert judged.tally.error.during == "the diagnosis"


def test_a_smoke_test_that_raises_costs_no_verdict_and_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examiner, "smoke", broken)
    family = [SPECS["normalizes_by_the_batch"], SPECS["averages_the_running_mean"]]
    found = examined("").judge(family)
    assert {one.tally.verdict for one in found.values()} == {"conforms"}
    errors = [one.tally.error for one in found.values() if one.tally.error is not None]
    assert [one.during for one in errors] == ["the smoke test"]
