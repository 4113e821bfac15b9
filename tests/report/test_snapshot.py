"""The committed pages of a run: of this generator, light, and whole without anything beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds.pages import Page

from bnconform.results.folder import AT_TIMES, GENERATOR, PAGES

SNAPSHOT = Path(__file__).parents[2] / "reports" / "snapshot"
LARGEST = 1_000_000
"""Bytes of all pages together."""
pytestmark = pytest.mark.skipif(not SNAPSHOT.is_dir(), reason="no snapshot lies here, as in a source distribution")


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(SNAPSHOT.iterdir())}


def test_it_holds_the_pages_of_this_generator_and_nothing_else(pages: dict[str, str]) -> None:
    assert set(PAGES) <= set(pages)
    assert [name for name in pages if name.startswith("framework-")]
    for name, text in pages.items():
        assert name in (*PAGES, *AT_TIMES) or (name.startswith("framework-") and name.endswith(".html")), name
        assert GENERATOR in text[:2000], name


def test_it_is_light(pages: dict[str, str]) -> None:
    assert sum(len(text.encode()) for text in pages.values()) <= LARGEST


def test_every_link_within_it_leads_somewhere(pages: dict[str, str]) -> None:
    shown = {name: Page(text) for name, text in pages.items()}
    ids = {name: set(page.attributes("id")) for name, page in shown.items()}
    followed = 0
    for name, page in shown.items():
        for address in page.attributes("href"):
            if not address.startswith(("https://", "http://")):
                target, _, anchor = address.partition("#")
                assert (target or name) in shown, (name, address)
                assert not anchor or anchor in ids[target or name], (name, address)
                followed += 1
    assert followed > 100
