"""Texts from outside, made fit to be kept and shown: cut to a length, and without characters that nobody sees.

Rules: what is left out or replaced leaves a mark; a text of printable characters within the length stays as it is.
What a file, an adapter or a program said goes through `visible` or `on_one_line` before a terminal or page gets it.
"""

from __future__ import annotations

import re
from typing import Literal

LONGEST_TEXT = 20_000
"""Characters of a text, at most; the schemas say the same."""
REPLACED = "\N{REPLACEMENT CHARACTER}"
# Controls but tab and line end, what turns the direction of writing, and halves of surrogate pairs.
_UNSEEN = re.compile(
    "\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_BREAKS = re.compile(r"[\t\r\n]+ *")


def visible(text: str) -> str:
    """Returns `text` with U+FFFD for each character that controls a terminal or a page and is not seen itself."""
    return text if text.isprintable() else _UNSEEN.sub(REPLACED, text)


def on_one_line(text: str) -> str:
    """Returns `text` as `visible` does, with a blank for each tab or line end and those beside it."""
    return _BREAKS.sub(" ", visible(text)).strip()


def clipped(text: str, longest: int = LONGEST_TEXT, *, kept: Literal["beginning", "end"] = "beginning") -> str:
    """Returns `text` where it has at most `longest` characters; else its beginning or end, and how many more there
    are."""
    if len(text) <= longest:
        return text
    room = longest - len(f"… ({len(text):,} characters more)")
    more = f"({len(text) - room:,} characters more)"
    return f"{text[:room]}… {more}" if kept == "beginning" else f"{more} …{text[-room:]}"
