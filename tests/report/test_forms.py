"""Other forms of a report: SARIF as its standard has it, a badge, a summary that is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fastjsonschema import compile
from worlds import records as world
from worlds.hostile import end_line, full_finding, full_run, write_lines
from worlds.sarif import SARIF

from bnconform.cli.main import main
from bnconform.report.badge import badge
from bnconform.report.sarif import sarif
from bnconform.results.file import Merged, merge, read_results

KNOWN = {"fault": "implementation", "reason": "It adds one.", "link": "https://example.org/issues/1",
         "defect": "mini/so", "title": "It adds one", "severity": "loud", "effect": "All is too large."}  # fmt: skip


def failing(**changed: Any) -> Any:
    return world.finding(verdict="fails", worst_ratio=2.0, output="y", reason="y is 2; expected 1", **changed)


def merged(out: Path, *findings: Any, **changed: Any) -> Merged:
    return merge([world.write(out, *findings, **changed)])


def checked(log: dict[str, Any]) -> Any:
    """Returns the one run of a log that is as the standard has it."""
    compile(SARIF)(json.loads(json.dumps(log, allow_nan=False)))
    (run,) = log["runs"]
    rules = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert [rules[one["ruleIndex"]] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    return run


def test_each_defect_is_one_result_with_its_rule_level_and_words(tmp_path: Path) -> None:
    run = checked(
        sarif(merged(tmp_path, failing(), failing(dtype="float64"), world.finding(spec="tracks_the_variance")))
    )
    (one,) = run["results"]
    assert (one["ruleId"], one["level"]) == ("mini.batch_norm/y", "error")
    for words in ("mini.batch_norm in float32, float64, 2 findings", "biased statistics", "y is 2; expected 1"):
        assert words in one["message"]["text"]
    assert "suppressions" not in one
    assert "physicalLocation" not in one["locations"][0]


@pytest.mark.parametrize(("adapter", "uri"), [
    ("mine.py", "mine.py"), ("ours/a b.py", "ours/a%20b.py"), ("python=/opt/python3.10:old.py", "old.py"),
    ("/home/me/mine.py", None), ("../mine.py", None), ("bnconform.adapters.torch", None), ("pipe:./my_bn", None),
])  # fmt: skip
def test_a_file_of_the_users_is_the_place_of_a_result(tmp_path: Path, adapter: str, uri: str | None) -> None:
    run = checked(sarif(merged(tmp_path, failing(), implementations=[world.implementation(adapter=adapter)])))
    place = run["results"][0]["locations"][0].get("physicalLocation", {"artifactLocation": {"uri": None}})
    assert place["artifactLocation"]["uri"] == uri


def test_what_the_registry_knows_is_suppressed_with_its_reason(tmp_path: Path) -> None:
    run = checked(sarif(merged(tmp_path, failing(known=KNOWN), failing(dtype="float64"))))
    new, known = run["results"]
    assert "suppressions" not in new
    assert known["suppressions"] == [{"kind": "external", "justification": "Known: It adds one."}]
    assert run["tool"]["driver"]["rules"][1]["helpUri"] == KNOWN["link"]


@pytest.mark.parametrize(("changed", "level"), [
    ({"basis": "prudence"}, "note"), ({"verdict": "crashes"}, "error"), ({"raises": "ValueError"}, "error"),
])  # fmt: skip
def test_a_level_follows_the_severity(tmp_path: Path, changed: Any, level: str) -> None:
    run = checked(sarif(merged(tmp_path, {**failing(), **changed})))
    assert run["results"][0]["level"] == level


def test_any_results_make_a_log(tmp_path: Path) -> None:
    evil = "a\0b\u202e<c>"
    finding = full_finding(implementation=evil, reason=evil)
    run = checked(sarif(merge([read_results(write_lines(tmp_path, full_run(), finding, end_line()))])))
    assert "\0" not in json.dumps(run, ensure_ascii=False)
    assert checked(sarif(merged(tmp_path / "b", world.finding())))["results"] == []


@pytest.mark.parametrize(("findings", "words", "colour"), [
    ([world.finding()], "1 conform, nothing new", "brightgreen"),
    ([world.finding(), failing(dtype="float64")], "1 conform, 1 new defect", "red"),
    ([world.finding(), failing(dtype="float64", known=KNOWN)], "1 conform, nothing new", "brightgreen"),
    ([world.finding(), failing(dtype="float64", basis="prudence")], "1 conform, nothing new", "brightgreen"),
    ([failing(known=KNOWN | {"stale": True, "entry": "e", "words": "w"})], "0 conform, 1 no longer as known", "orange"),
    ([world.finding(verdict="unsupported")], "nothing judged", "lightgrey"),
])  # fmt: skip
def test_a_badge_is_green_where_nothing_is_new_alone(tmp_path: Path, findings: Any, words: str, colour: str) -> None:
    assert badge(merged(tmp_path, *findings)) == (words, colour)


def test_an_interrupted_run_has_no_green_badge(tmp_path: Path) -> None:
    assert badge(merged(tmp_path, world.finding(), end=False)) == ("interrupted", "lightgrey")


def test_a_badge_is_an_image_or_an_endpoint_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.write(tmp_path / "run", world.finding())
    for name in ("a.svg", "a.json"):
        assert main(["report", str(tmp_path / "run"), "--badge", str(tmp_path / name)]) == 0
    told = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert told == {
        "schemaVersion": 1,
        "label": "bnconform",
        "message": "1 conform, nothing new",
        "color": "brightgreen",
    }
    image = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert "bnconform: 1 conform, nothing new" in [one.text for one in image.iter()]
    capsys.readouterr()
    assert main(["report", str(tmp_path / "run"), "--badge", str(tmp_path / "a.png")]) == 2
    assert "expected a file that ends with .svg" in capsys.readouterr().err


def test_forms_are_written_in_place_of_pages_and_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.write(tmp_path / "run", failing())
    out = tmp_path / "out"
    named = ["--sarif", str(out / "a.sarif"), "--summary", str(out / "a.md"), "--out", str(out)]
    assert main(["report", str(tmp_path / "run"), *named]) == 0
    assert {path.name for path in out.iterdir()} == {"a.sarif", "a.md"}
    checked(json.loads((out / "a.sarif").read_text(encoding="utf-8")))
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_summary_is_printed_alone_to_be_appended_to_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write(tmp_path / "run", failing())
    assert main(["report", str(tmp_path / "run"), "--summary", "-"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Summary of a run")
    assert main(["report", str(tmp_path / "run"), "--summary", str(tmp_path / "a.md")]) == 0
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == printed
