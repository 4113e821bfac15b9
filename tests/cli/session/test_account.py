"""The account of a run: it is complete when all that was planned was judged, and its status is never read from disk."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from worlds import records as world

from bnconform.cli.session.account import Account, key
from bnconform.results.file import read_results
from bnconform.results.writer import ResultsWriter

ONE, TWO = world.finding(), world.finding(dtype="float64")


def account(out: Path | None, *planned: Any, **changed: Any) -> Account:
    made = Account()
    made.planned = frozenset(map(key, planned or (ONE, TWO)))
    if out is not None:
        made.writer = ResultsWriter(out)
        made.writer.run(world.run(**changed))
    return made


def test_a_run_is_ended_when_all_that_was_planned_was_judged(tmp_path: Path) -> None:
    about = account(tmp_path)
    assert about.take(ONE, {})
    assert not about.complete
    assert about.take(TWO, {})
    assert about.complete
    about.finish({}, {})
    assert (about.status, about.words(), about.reported) == (0, [], True)
    end = read_results(tmp_path).end
    assert end is not None
    assert (end["findings"], end["exit_status"]) == (2, 0)


def test_a_run_that_lacks_an_item_has_no_end_line_and_tells_how_many_were_judged(tmp_path: Path) -> None:
    about = account(tmp_path)
    about.take(world.finding(verdict="fails", worst_ratio=3.0), {})
    about.deselected = 1
    about.finish({}, {})
    assert read_results(tmp_path).interrupted
    assert about.status == 2
    assert about.words(["bnconform", "run"]) == [
        "not complete: 1 of 2 planned items were judged; 1 deselected", "go on with: bnconform run",
    ]  # fmt: skip
    assert "interrupted" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_an_item_that_is_asked_twice_is_counted_once(tmp_path: Path) -> None:
    about = account(tmp_path)
    about.take(ONE, {})
    assert not about.take(world.finding(verdict="fails", worst_ratio=3.0), {})
    about.finish({}, {})
    assert [one["verdict"] for one in read_results(tmp_path).findings] == ["conforms"]


def test_an_error_of_its_own_is_never_a_verdict() -> None:
    about = account(None, ONE)
    about.take(world.finding(verdict="fails", worst_ratio=3.0), {})
    assert about.status == 1
    about.errors = 1
    assert about.status == 2


def test_what_was_not_run_for_want_of_time_is_no_success() -> None:
    about = account(None)
    about.take(ONE, {})
    about.take(world.finding(dtype="float64", verdict="unsupported", missing="not run"), {})
    assert about.status == 2


def test_the_status_is_that_of_the_account_whatever_lies_on_disk(tmp_path: Path) -> None:
    about = account(tmp_path, ONE)
    about.take(world.finding(verdict="fails", worst_ratio=3.0), {})
    about.finish({}, {})
    world.write(tmp_path, ONE)
    assert about.status == 1


def test_results_that_cannot_be_written_stop_the_run_and_are_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    about = account(tmp_path)
    about.take(ONE, {})
    monkeypatch.setattr(about.writer, "finding", full)
    with pytest.raises(OSError, match="No space"):
        about.take(TWO, {})
    about.finish({}, {})
    assert about.status == 2
    assert about.words()[0].endswith("; the results could not be written: No space left on device")


def test_a_report_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    about = account(tmp_path, ONE)
    about.take(ONE, {})
    (tmp_path / "specs.html").mkdir()
    about.finish({}, {})
    assert (about.status, about.reported) == (0, False)
    assert not read_results(tmp_path).interrupted
    (line,) = about.words()
    assert line.startswith("could not be written: index.html: ")


def test_a_run_that_found_nothing_says_that_what_is_there_stands(tmp_path: Path) -> None:
    account(tmp_path, ONE).finish({}, {})
    world.write(tmp_path, ONE)
    about = account(tmp_path, ONE, seed=3)
    about.finish({}, {})
    assert read_results(tmp_path).run["seed"] == 0
    assert about.words()[-1] == "nothing was judged, so the results that are there stand as they were"
