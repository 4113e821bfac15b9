"""What changed between two runs is told by defects: new, fixed, changed, gone, not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import records, tiny
from worlds.pages import Page

from bnconform.report import write_report
from bnconform.results.changes import Changes, changes
from bnconform.results.file import merge


def failing(fault: str, **changed: Any) -> Any:
    likely = {"fault": fault, "sentence": f"{fault}.", "ratio": 0.5, "convention": False}
    return records.finding(**{"verdict": "fails", "output": "y", "diagnosis": [likely], **changed})


BOTH = records.finding(spec="tracks_the_variance")


def between(folder: Path, before: list[Any], after: list[Any]) -> Changes:
    one, other = records.write(folder / "old", *before), records.write(folder / "new", *after)
    return changes(merge([one]), merge([other]))


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ([records.finding()], [failing("a")], ["new"]),
        ([failing("a")], [records.finding()], ["fixed"]),
        ([failing("a")], [records.finding(verdict="deviates")], ["fixed"]),
        ([failing("a")], [records.finding(verdict="unsupported")], ["gone"]),
        ([failing("a")], [BOTH], ["not run"]),
        ([failing("a")], [failing("b")], ["new", "gone"]),
        ([failing("a")], [failing("a"), failing("a", dtype="float64")], ["changed"]),
        ([failing("a")], [failing("a")], []),
    ],
)
def test_a_defect_is_new_fixed_changed_gone_or_was_not_run(
    tmp_path: Path, before: list[Any], after: list[Any], kinds: list[str]
) -> None:
    assert [one.kind for one in between(tmp_path, before, after).changes] == kinds


def test_findings_are_counted_and_versions_named(tmp_path: Path) -> None:
    found = between(
        tmp_path, [failing("a", version="1.0"), BOTH], [records.finding(version="1.1"), failing("b", dtype="float64")]
    )
    assert (found.same, found.different, found.only_before, found.only_after, found.new) == (0, 1, 1, 1, 1)
    fixed = next(one for one in found.changes if one.kind == "fixed")
    assert (fixed.versions, fixed.before, fixed.after) == (("1.0", "1.1"), 1, 0)


def test_diff_prints_the_changes_and_ends_with_1_where_one_is_new(tmp_path: Path) -> None:
    records.write(tmp_path / "old", records.finding(), failing("b", dtype="float64"))
    records.write(tmp_path / "new", failing("a"), records.finding(dtype="float64"))
    said = tiny.bnconform("diff", "old", "new", cwd=tmp_path)
    assert (said.returncode, said.stderr) == (1, "")
    assert (
        "new      Behaves like a, only in float32 (mini.batch_norm 1.0, float32): 0 findings then, 1 now" in said.stdout
    )
    assert (
        "fixed    Behaves like b, only in float64 (mini.batch_norm 1.0, float64): 1 findings then, 0 now" in said.stdout
    )
    assert tiny.bnconform("diff", "new", "new", cwd=tmp_path).returncode == 0


def test_a_report_against_an_earlier_run_tells_the_changes(tmp_path: Path) -> None:
    old, new = records.write(tmp_path / "old", records.finding()), records.write(tmp_path / "new", failing("a"))
    page = Page(write_report([new], tmp_path / "out", against=old).read_text(encoding="utf-8"))
    assert "#changes" in page.attributes("href")
    assert "What changed" in page.text[None]
    alone = Page(write_report([new], tmp_path / "out").read_text(encoding="utf-8"))
    assert "What changed" not in alone.text[None]


def test_runs_of_one_target_are_merged_and_it_is_said(tmp_path: Path) -> None:
    records.write(tmp_path / "a", records.finding())
    records.write(tmp_path / "b", failing("a"), started="2026-11-22T00:00:00+00:00")
    said = tiny.bnconform("report", "a", "b", "--out", "both", cwd=tmp_path)
    assert said.stdout.startswith("1 findings stand in several of these runs: those of the latest are shown\n")
    page = Page((tmp_path / "both" / "index.html").read_text(encoding="utf-8"))
    assert "1 findings stand in several of these runs" in page.text[None]
