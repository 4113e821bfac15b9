"""Versions side by side: what changed has a line, what a defect's versions did stands on its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from worlds import records as world
from worlds.pages import Page

from bnconform.history.row import Release, Row
from bnconform.report import write_report

NAN = {"defect": "mini/nan", "title": "y is NaN", "fault": "implementation", "reason": "r", "link": ""}
FAILS = {"verdict": "fails", "output": "y", "known": NAN}
TRACKS = "tracks_the_variance"


def of_version(folder: Path, version: str, *findings: dict[str, Any]) -> Any:
    told = [world.finding(version=version, **one) for one in findings]
    made = [world.implementation(version=version, name=name) for name in {one["implementation"] for one in told}]
    return world.write(folder / version, *told, implementations=made, started=f"2026-01-01 {version}")


def page_of(out: Path, name: str) -> Page:
    return Page((out / name).read_text(encoding="utf-8"))


def test_what_changed_has_a_line_with_a_mark_for_each_version(tmp_path: Path) -> None:
    old = of_version(tmp_path, "0.9", FAILS, {"spec": TRACKS})
    new = of_version(tmp_path, "0.10", {}, {"spec": TRACKS})
    out = write_report([new, old], tmp_path / "out").parent
    page = page_of(out, "versions.html")
    text = " ".join(str(page.text[None]).split())
    assert "y is NaN in 0.9 already, the oldest that was judged; fixed in 0.10, 0.9 still had it" in text
    assert [one for one in page.attributes("aria-label") if one in ("fails", "conforms")] == ["fails", "conforms"]
    assert "1 finding came to the same in all versions" in text
    assert "#spec-normalizes_by_the_batch" in " ".join(page.attributes("href"))
    card = " ".join(str(page_of(out, "index.html").text[None]).split())
    assert "Versions 0.9 ✗ broken 0.10 ✓ kept in 0.9 already, the oldest that was judged; fixed in 0.10" in card


def test_of_a_single_version_there_is_no_page_and_no_link_to_one(tmp_path: Path) -> None:
    several = [of_version(tmp_path, "0.9", FAILS), of_version(tmp_path, "0.10", {})]
    out = tmp_path / "out"
    write_report(several, out)
    assert all("versions.html" in page_of(out, path.name).attributes("href") for path in out.glob("*.html"))
    write_report(several[:1], out)
    assert not (out / "versions.html").exists()
    assert not any("versions.html" in page_of(out, path.name).attributes("href") for path in out.glob("*.html"))
    assert "no other version was run" in str(page_of(out, "index.html").text[None])


def test_a_history_adds_other_versions_of_what_the_report_is_about(tmp_path: Path) -> None:
    told: dict[str, Any] = {"spec": "normalizes_by_the_batch", "dtype": "float32", "device": "cpu"}
    past = [
        Row(implementation=name, release=Release(version), verdict="conforms", **told)
        for name, version in (("mini.batch_norm", "0.8"), ("other.bn", "1"), ("other.bn", "2"))
    ]
    out = write_report([of_version(tmp_path, "0.9", FAILS)], tmp_path / "out", past=past).parent
    text = str(page_of(out, "versions.html").text[None])
    assert "since 0.9; 0.8 kept it" in text
    assert "other.bn" not in text


def test_implementations_with_different_versions_are_told_apart(tmp_path: Path) -> None:
    one, other = ({**FAILS, "implementation": name} for name in ("mini.one", "mini.other"))
    runs = [of_version(tmp_path, "1", one, {"implementation": "mini.other"}), of_version(tmp_path, "2", one, other)]
    card = " ".join(str(page_of(write_report(runs, tmp_path / "out").parent, "index.html").text[None]).split())
    assert "Versions of mini.one 1 ✗ broken 2 ✗ broken in 1 already" in card
    assert "Versions of mini.other 1 ✓ kept 2 ✗ broken since 2; 1 kept it" in card
