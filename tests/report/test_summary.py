"""The summary tells verdicts, causes and what is stale, each once, and the same for the same results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from worlds import records as world

from bnconform.cli import main
from bnconform.report.summary import render_summary
from bnconform.results.deviations import load_registry
from bnconform.results.file import merge

KNOWN = {"fault": "implementation", "reason": "It adds | one.", "link": "https://example.org/lib/issues/1"}
STALE = KNOWN | {"stale": True, "entry": "mini.toml, cause 1, finding 1", "words": "mini.toml knows better"}
COMMITTED = Path(__file__).parents[2] / "reports" / "summary.md"


def summary(out: Path, *findings: Any) -> str:
    return render_summary(merge([world.write(out, *findings)]))


def failing(**changed: Any) -> Any:
    return world.finding(verdict="fails", worst_ratio=2.0, **changed)


def test_verdicts_are_counted_by_implementation(tmp_path: Path) -> None:
    text = summary(tmp_path, failing(known=KNOWN), failing(dtype="float64"), world.finding(spec="tracks_the_variance"))
    assert "2 specs, 3 findings: 2 fails, 1 conforms; 1 of them are known" in text
    assert "| `mini.batch_norm` | 1.0 | 2 |  |  |  |  | 1 | 1 |" in text
    assert "numpy 2.4.6, mini 1.0." in text
    assert "Started 2026-11-21 07:00" in text


def test_a_cause_stands_once_with_its_link_and_script(tmp_path: Path) -> None:
    known = KNOWN | {"script": "bnconform/results/deviations/mini/adds_one.py"}
    text = summary(tmp_path, failing(known=known), failing(dtype="float64", known=known))
    assert (
        r"| It adds \| one. | implementation | mini.batch_norm 1.0 | 2 | "
        "[lib/issues/1](https://example.org/lib/issues/1), `bnconform/results/deviations/mini/adds_one.py` |" in text
    )
    assert text.count("It adds") == 2  # as a defect, and as a cause
    assert "**No new defect.** 1 known stands." in text
    assert "No longer as known" not in text


def test_a_long_reason_ends_with_a_word(tmp_path: Path) -> None:
    text = summary(tmp_path, failing(known=KNOWN | {"reason": "word " * 60}))
    assert "word word … |" in text


def test_what_is_stale_is_told_and_is_no_known_cause(tmp_path: Path) -> None:
    text = summary(tmp_path, failing(known=STALE))
    assert "0 of them are known" in text
    assert "1 findings that the registry of deviations knows are not as it says" in text
    assert "| `mini.batch_norm` | 1.0 | float32 | fails | mini.toml, cause 1, finding 1 |" in text
    assert "It adds" not in text
    assert "**1 new defect.** 0 known stand." in text
    assert "| **new** | silent · ordinary data | mini.batch_norm | float32 | 1 |" in text


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    text = summary(tmp_path / "whole", world.finding())
    assert "Interrupted" not in text
    path = tmp_path / "whole" / "results.jsonl"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    assert main.main(["report", str(path), "--summary", str(tmp_path / "cut.md")]) == 0
    assert "**Interrupted: what is missing was not judged.**" in (tmp_path / "cut.md").read_text(encoding="utf-8")


def test_the_same_results_give_the_same_file_and_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = failing(known=KNOWN), failing(known=STALE, dtype="float64")
    world.write(tmp_path / "run", *found)
    out = tmp_path / "new" / "summary.md"
    for _ in range(2):
        assert main.main(["report", str(tmp_path / "run"), "--summary", str(out)]) == 0
        assert capsys.readouterr().out == f"2 findings: {out}\n"
        text = out.read_text(encoding="utf-8")
        assert text == summary(tmp_path / "again", *found)
    assert list(out.parent.iterdir()) == [out]


def test_the_committed_summary_names_the_causes_of_the_registry() -> None:
    text = COMMITTED.read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if re.search(r"\| \d+ \| [\[`][^|]*\|$", line)]
    known = load_registry().deviations
    assert len(rows) > 10
    for reason, fault, shown_by, _, where in rows:
        names = {one.rsplit(" ", 1)[0] for one in shown_by.split(", ")}
        of_one = [one for one in known if one.cause.reason.startswith(reason.removesuffix(" …"))]
        causes = [one.cause for one in of_one if one.implementation in names and one.cause.fault == fault]
        told = set(re.findall(r"\((https://[^)]*)\)|`([^`]*)`", where))
        links = {link or path for link, path in told}
        assert any(links == {one.link, one.script or one.link} for one in causes), (reason, where)
        assert names <= {one.implementation for one in of_one}
