"""The guides lead somewhere: every relative link exists, every path they name exists, and the map fits on one page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "tests/README.md", "specs/README.md", "CUDA.md")
MOST_LINES = 60
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:bnconform|tests|specs|examples|benchmarks)/[\w./-]*)`")
"""A path in backticks from the top of the repository; one with a placeholder in it (<framework>, *) is no path."""


def text(guide: str) -> str:
    return (ROOT / guide).read_text(encoding="utf-8")


def missing_links(guide: str) -> list[str]:
    relative = [link for link in LINK.findall(text(guide)) if not re.match(r"[a-z]+:|#", link)]
    return [link for link in relative if not (ROOT / guide).parent.joinpath(link.partition("#")[0]).exists()]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_relative_link_of_a_guide_exists(guide: str) -> None:
    assert missing_links(guide) == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_that_a_guide_names_exists(guide: str) -> None:
    assert [path for path in PATH.findall(text(guide)) if not (ROOT / path).exists()] == []


def test_the_guides_do_link_and_name_paths() -> None:
    assert {guide for guide in GUIDES if LINK.findall(text(guide))} >= set(GUIDES[:3])
    assert PATH.findall(text("CONTRIBUTING.md"))


def test_every_test_that_the_rehearsal_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", text("CUDA.md")))
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 4
    assert [one for one in sorted(named) if f"def {one}(" not in written] == []


def test_the_map_fits_on_one_page() -> None:
    assert len(text("ARCHITECTURE.md").splitlines()) <= MOST_LINES


def test_the_map_names_every_room() -> None:
    rooms = {path.name for path in (ROOT / "bnconform").iterdir() if (path / "__init__.py").exists()}
    assert set(re.findall(r"^- \*\*(\w+)\*\*:", text("ARCHITECTURE.md"), re.MULTILINE)) == rooms
