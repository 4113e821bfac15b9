"""What specs quote from the four source documents stands there, word for word.

The documents are not part of the repository: they are looked for in the folder that BNCONFORM_DOCUMENTS names, or in a
folder `sources` beside the checkout.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import pytest
from worlds.documents import ROOT

from bnconform.engine.book import all_specs

QUOTED = re.compile(r"(\d{3}_\w+\.txt):((?: [^“;]*)?(?:“[^”]*”(?:, and | and |, )?)+)")
LETTERS = {"gamma": "γ", "beta": "β", "sigma": "σ", "mu": "μ", "epsilon": "ε"}


def folder() -> Path | None:
    named = os.environ.get("BNCONFORM_DOCUMENTS")
    return Path(named) if named else next(ROOT.parent.glob("*/sources"), None)


def plain(text: str) -> str:
    """Returns the letters and digits of a text alone, formulas written out as letters."""
    for name, letter in LETTERS.items():
        text = text.replace(rf"\{name}", letter)
    text = re.sub(r"\\(frac|gets|hat|sum)", "", text).replace("Σ", "")
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).lower()


def quotations() -> list[tuple[str, str, str]]:
    found = []
    for spec in all_specs():
        for file, quoted in QUOTED.findall(spec.source):
            parts = [part for quote in re.findall(r"“([^”]*)”", quoted) for part in quote.split("[…]")]
            found += [(spec.id, file, part) for part in parts if plain(part)]
    return found


def test_specs_quote_the_documents() -> None:
    assert len({file for _, file, _ in quotations()}) == 4
    assert len(quotations()) > 40


@pytest.mark.parametrize(("spec", "file", "quotation"), quotations())
def test_a_quotation_stands_in_its_document(spec: str, file: str, quotation: str) -> None:
    documents = folder()
    if documents is None or not (documents / file).is_file():
        pytest.skip(f"{file} is not here; name its folder by BNCONFORM_DOCUMENTS")
    assert plain(quotation) in plain((documents / file).read_text(encoding="utf-8")), spec
