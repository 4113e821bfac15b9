"""What `bnconform list` prints: the specs, the faults, or the implementations that are there to judge.

Rules: an implementation is one line, a spec a short block under its chapter; what is not installed or broken is said,
not left out.
"""

from __future__ import annotations

import textwrap
from itertools import groupby

from bnconform.faults import FAULTS
from bnconform.selection import Hosts, Request, select
from bnconform.spec import all_specs

WIDTH = 100


def list_specs() -> list[str]:
    """Returns the lines of all specs by chapter: an id, its sentence and its source below it."""
    lines: list[str] = []
    for chapter, specs in groupby(all_specs(), key=lambda one: one.chapter):
        chapter_lines = [line for one in specs for line in (f"{chapter}.{one.id}", *_told(one.sentence, one.source))]
        lines += ["", chapter.replace("_", " ").upper(), *chapter_lines]
    return lines[1:]


def _told(sentence: str, source: str) -> list[str]:
    return [
        *textwrap.wrap(sentence, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4),
        *textwrap.wrap(f"[{source}]", WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6),
    ]


def list_faults() -> list[str]:
    """Returns the lines of all faults by chapter: a name, its sentence below it."""
    lines: list[str] = []
    for chapter, faults in groupby(FAULTS, key=lambda one: one.chapter):
        told = [line for one in faults for line in (f"{chapter}.{one.name}", f"    {one.sentence}")]
        lines += ["", chapter.upper(), *told]
    return [*lines[1:], "", f"{len(FAULTS)} faults"]


def list_implementations() -> list[str]:
    """Returns a line per implementation of the installed adapters: name, version, dtypes and devices."""
    hosts = Hosts(request=Request(implementations=("*",)))
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
    return lines + [f"{one['adapter']}  broken: {one['message']}" for one in selection.broken]
