"""A badge that says in a few words how a run ended: as SVG, or as the JSON that shields.io makes one of.

Rules: a pure function of the merged runs; green only where nothing is new, nothing is stale, nothing is interrupted and
something conforms; the words say it without the colour.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from bnconform.report.gathered import Gathered
from bnconform.results.file import Merged, Results, merge, write_pages
from bnconform.results.records import is_stale

LABEL = "bnconform"
COLOURS = {"brightgreen": "#2e7d32", "red": "#b3261e", "orange": "#a15c00", "lightgrey": "#5f6368"}
"""The names that shields.io gives the colours, and those of our own SVG, on which white can be read."""
PER_LETTER, PAD = 6.6, 7
"""The width of a letter in the mean, and of what stands on both sides of a text, in pixels."""


def write_badge(results: Sequence[Results], path: Path) -> Path:
    """Writes the badge of one or more runs to `path`, as JSON where it ends with .json, and returns it."""
    words, colour = badge(merge(results))
    shields = {"schemaVersion": 1, "label": LABEL, "message": words, "color": colour}
    text = json.dumps(shields) if path.suffix == ".json" else str(_svg(words, COLOURS[colour]))
    write_pages(path.parent, {path.name: text + "\n"})
    return path


def badge(merged: Merged) -> tuple[str, str]:
    """Returns the words of the badge, and its colour."""
    gathered = Gathered(merged)
    new = sum(not one.known and not one.prudent for one in gathered.defects)
    stale = sum(is_stale(one) for one in gathered.findings)
    kept = gathered.verdicts["conforms"]
    if merged.interrupted:
        return "interrupted", "lightgrey"
    if not kept and not gathered.defects:
        return "nothing judged", "lightgrey"
    words, colour = f"{kept:,} conform", "brightgreen" if kept else "lightgrey"
    if stale:
        return f"{words}, {stale} no longer as known", "orange"
    if new:
        return f"{words}, {new} new defect{'s' if new != 1 else ''}", "red"
    return f"{words}, nothing new", colour


def _svg(words: str, colour: str) -> Markup:
    first, second = (round(PER_LETTER * len(text)) + 2 * PAD for text in (LABEL, words))
    width = first + second
    text = Markup('<text x="{}" y="14" textLength="{}">{}</text>')
    told = text.format(first / 2, first - 2 * PAD, LABEL) + text.format(first + second / 2, second - 2 * PAD, words)
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="20" role="img" aria-label="{1}: {2}">'
        '<title>{1}: {2}</title><clipPath id="r"><rect width="{0}" height="20" rx="3"/></clipPath>'
        '<g clip-path="url(#r)">'
        '<rect width="{3}" height="20" fill="#3c4043"/><rect x="{3}" width="{4}" height="20" fill="{5}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{6}</g></svg>'
    ).format(width, LABEL, words, first, second, colour, told)
