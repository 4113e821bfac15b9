"""The text of an issue reads as a person would write it: once, in numbers, with what is due, and without our names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import records as world

from bnconform.report.cards import cards
from bnconform.report.gathered import Gathered
from bnconform.results.file import merge

ANSWER = {
    "case": {**world.CASE, "shape": [2, 1], "x": [[0.0], [0.5]], "gamma": [2.0]},
    "output": "y",
    "index": [0, 0],
    "actual_values": [[-0.5], [0.5]],
    "expected_values": [[-0.4472], [0.4472]],
    "bound_values": [[1e-6]] * 2,
}
EQUATION = {**world.NORMALIZES, "id": "normalizes", "sentence": "It normalizes.", "formula": "y = γ·h + β",
            "source": "A paper, section 3; 002_5b274a8f490b787a.txt: “normalize”"}  # fmt: skip
KNOWN = {"fault": "implementation", "reason": "so", "link": "https://example.org/issues/1", "defect": "mini/so",
         "title": "ε stands outside", "severity": "ordinary", "effect": "Small values are off."}  # fmt: skip


def failing(**changed: Any) -> Any:
    told = {"verdict": "fails", "worst_ratio": 9.0, "output": "y", "detail": {**world.DETAIL, "shown": ANSWER}}
    return world.finding(**{**told, "reason": "y[0, 0] is -0.5", **changed})


def text(out: Path, *findings: Any, script: str = "", status: int | None = None, **changed: Any) -> str:
    """Returns the text of the first defect."""
    (out / "scripts").mkdir(parents=True)
    told = {"script": "scripts/a.py" if script else None, "status": status}
    defects = [world.defect(id=name, **told) for name in ("mini.batch_norm/y", "mini/so")]
    results = world.write(out, *findings, defects=defects, specs=[world.TRACKS, EQUATION, world.NORMALIZES], **changed)
    (out / "scripts" / "a.py").write_text(script, encoding="utf-8")
    return cards(Gathered(merge([results])))[0].issue_text


def test_what_happens_is_shown_in_the_numbers_of_the_case_that_was_compared(tmp_path: Path) -> None:
    told = text(tmp_path, failing())
    assert "x, float32, 2 × 1, train, ε = 1e-05: 0.0, 0.5\ngamma: 2.0\ny returned: -0.5, 0.5\ny due: -0.4472" in told
    assert "<" not in told


def test_what_is_due_is_the_equation_of_the_output_and_no_name_of_a_file_is_told(tmp_path: Path) -> None:
    odd = failing(spec="tracks_the_variance", diagnosis=[])
    told = text(tmp_path, odd, failing(spec="normalizes", dtype="float64"))
    assert "What is due: It normalizes. `y = γ·h + β` (A paper, section 3; “normalize”)" in told


def test_without_an_equation_the_statement_of_the_finding_is_due(tmp_path: Path) -> None:
    told = text(tmp_path, failing(spec="tracks_the_variance", detail=None, raises="ValueError", reason="raised it"))
    assert "What is due: The running variance moves" in told
    assert "```text\nraised it\n```" in told
    assert told.count("raised it") == 1


@pytest.mark.parametrize(("known", "title"), [
    ({}, "**mini.batch_norm: y is wrong, and no known fault explains it**"), ({"known": KNOWN}, "**ε stands outside**"),
])  # fmt: skip
def test_the_title_says_whose_it_is(tmp_path: Path, known: Any, title: str) -> None:
    told = text(tmp_path, failing(**known))
    assert told.startswith(title)
    assert ("Reported before: https://example.org/issues/1" in told) == bool(known)


def test_versions_types_and_those_who_agree_are_told(tmp_path: Path) -> None:
    other = world.finding(implementation="other.norm")
    told = text(
        tmp_path, failing(), other, implementations=[world.implementation(), world.implementation("other.norm")]
    )
    assert "Seen in `mini.batch_norm`, float32, mini 1.0, on cpu." in told
    assert "On the same cases `other.norm` agrees with the reference." in told
    assert "mini ," not in text(tmp_path / "b", failing(version=""))


@pytest.mark.parametrize(("status", "words"), [
    (1, "while it is so, as it did when this was written:"), (0, "; when this was written it did not:"),
    (None, "while it is so:"), (-6, "its process was ended by a signal:"),
])  # fmt: skip
def test_a_script_says_how_it_ended(tmp_path: Path, status: int | None, words: str) -> None:
    told = text(tmp_path, failing(), script="\nprint('so')\n", status=status)
    assert f"{words}\n\n```python\nprint('so')\n```" in told


def test_a_long_script_is_to_be_attached(tmp_path: Path) -> None:
    assert "has 100 lines; it is attached" in text(tmp_path, failing(), script="pass\n" * 100, status=1)
