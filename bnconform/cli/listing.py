"""The output of `bnconform list`: the specs, the faults, or the implementations that are there to judge.

Rules: an implementation is one line, and another in the table of documented choices; a spec is a short block under its
chapter; an adapter that is broken or not installed is named, not left out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from bnconform.analysis.faults import FAULTS
from bnconform.cli.session.run_record import dialect_defaults, implementation_record
from bnconform.contract.text import on_one_line, visible
from bnconform.engine.book import all_specs
from bnconform.engine.selection import Hosts, Request, Selection, select
from bnconform.report.choices.table import Known, Line, choices, findings_of, line
from bnconform.results.file import merge, read_results

WIDTH = 100


def list_specs() -> list[str]:
    """Returns the lines of all specs by chapter: an id, its sentence and its source below it."""
    lines: list[str] = []
    for chapter, specs in groupby(all_specs(), key=lambda one: one.chapter):
        chapter_lines = [line for one in specs for line in (f"{chapter}.{one.id}", *_told(one.sentence, one.source))]
        lines += ["", chapter.replace("_", " ").upper(), *chapter_lines]
    return lines[1:]


def _told(sentence: str, source: str) -> list[str]:
    texts = ((sentence, " " * 4), (f"[{source}]", " " * 6))
    return [line for text, indent in texts for line in _wrapped(text, indent)]


def _wrapped(text: str, indent: str) -> list[str]:
    """Returns the lines of a text; a word with a hyphen stays whole, as one searches for it."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def list_faults() -> list[str]:
    """Returns the lines of all faults by chapter: a name, its sentence below it."""
    lines: list[str] = []
    for chapter, faults in groupby(FAULTS, key=lambda one: one.chapter):
        told = [line for one in faults for line in (f"{chapter}.{one.name}", f"    {one.sentence}")]
        lines += ["", chapter.upper(), *told]
    return [*lines[1:], "", f"{len(FAULTS)} faults"]


def list_implementations(results: Sequence[Path] = (), links: bool = False, adapters: Sequence[str] = ()) -> list[str]:
    """Returns a line per implementation of the installed adapters, or of these, and the table of what they document.

    results: those of runs, for the measured column. links: adds the links to the documentation below the table.
    """
    found = findings_of(merge([read_results(path) for path in results]))  # refused before any adapter is started
    everything = () if adapters else ("*",)  # opt-in ones too, as of an adapter that is named
    hosts = Hosts(request=Request(adapters=tuple(adapters), implementations=everything))
    try:
        selection = select(hosts.request, hosts)
    finally:
        hosts.close()
    lines = [
        f"{one.name}  {one.version or '-'}  {', '.join(one.dtypes)}  {', '.join(one.devices)}{'  opt-in' * one.opt_in}"
        for offer in selection.offers
        for one in offer.implementations
    ]
    lines += [f"{one['adapter']}  not installed: {one['needs']}" for one in selection.missing]
    lines += [f"{one['adapter']}  broken: {one['message']}" for one in selection.broken]
    return [on_one_line(one) for one in lines] + [visible(one) for one in _documented(selection, found, links)]


def _documented(selection: Selection, found: Known, links: bool) -> list[str]:
    """Returns the table of documented choices; nothing where there is no implementation."""
    records = [
        implementation_record(one, str(offer.address)) for offer in selection.offers for one in offer.implementations
    ]
    table = [line(one, found, dialect_defaults()) for one in records]
    if not table:
        return []
    notes: dict[str, int] = {}
    rows = [["", *(choice.heading for choice in choices())], *(_row(one, notes, links) for one in table)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    told = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return ["", HEADING, *(f"  {one}" for one in told), *(f"  [{number}] {link}" for link, number in notes.items())]


HEADING = (
    "what is documented (✓ measured true, but for what is named; ✗ contradicted by measurement; no sign: not measured; "
    "in parentheses: stated nowhere, taken as the paper has it)"
)


def _row(one: Line, notes: dict[str, int], links: bool) -> list[str]:
    """Returns a row of the table; with links each cell has the number of its own in `notes`."""
    cells = []
    for cell in one.cells:
        note = f" [{notes.setdefault(cell.link, len(notes) + 1)}]" if links and cell.link else ""
        cells.append(f"{cell.text or '-'}{f' {cell.mark}' if cell.mark else ''}{note}")
    return [one.name, *cells]
