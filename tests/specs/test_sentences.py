"""The table of sentences in specs/README.md names specs that exist, and every spec names a source that stands there."""

from __future__ import annotations

import re

import pytest

from bnconform.engine.book import all_specs, specs_folder
from bnconform.engine.spec import Spec

SPECS = all_specs()
DOCUMENTS = (
    "000_71a86d20c5337979.txt", "001_f7f910d86693ea68.txt", "002_5b274a8f490b787a.txt", "003_86331cfb1c25e987.txt"
)  # fmt: skip
TABLE = (specs_folder() / "README.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return TABLE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


SOURCES = re.findall(r"^- (.+)$", section("Sources"), re.MULTILINE)


def test_every_id_in_the_table_is_that_of_a_spec() -> None:
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", TABLE))
    strangers = sorted(named - {one.id for one in SPECS})
    assert len(named) > 40
    assert not strangers, f"specs/README.md names {strangers}; rename them there, or say that they are not yet specs"


@pytest.mark.parametrize("one", SPECS, ids=lambda one: one.id)
def test_every_spec_has_a_known_source(one: Spec) -> None:
    assert any(source in one.source for source in SOURCES), (
        f"the source of {one.id} is {one.source!r}, none of those under Sources in specs/README.md; add it there if it "
        "is a document of its own"
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_document_has_its_table_and_every_row_an_answer(document: str) -> None:
    rows = [line for line in section(document).splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 10
    for row in rows:
        sentence, answer = row.strip("| ").split(" | ")
        assert sentence
        assert re.search(r"`[a-z_]+`|not yet a spec|no property|contradiction \d|the contract of a Case", answer), row


def test_every_contradiction_that_the_tables_name_is_told() -> None:
    told = set(re.findall(r"^(\d)\. \*\*", section("Contradictions"), re.MULTILINE))
    assert set(re.findall(r"contradiction (\d)", TABLE)) == told
