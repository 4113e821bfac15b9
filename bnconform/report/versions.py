"""What changed from version to version: an implementation's releases side by side, and since when a defect is there.

Rules: a pure function of the rows of the runs, and of those of a history where one is given; only what changed has a
line, and what was not run or says nothing is said to be so, and never taken for kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bnconform.history.row import Key, Release
from bnconform.history.timeline import SILENT, Change, History
from bnconform.report.wording import ABSENT_SIGNS, SIGNS
from bnconform.results.defects import Defect

PAGE = "versions.html"
STATES = {"broken": ("fails", "✗"), "kept": ("conforms", "✓"), "not judged": ("unsupported", "?"),
          "not run": ("unsupported", "○")}  # fmt: skip
"""The class and the sign of a state."""


@dataclass(frozen=True)
class Mark:
    """What a release came to: the class of its style, a sign, and the same in words."""

    style: str
    sign: str
    words: str


@dataclass(frozen=True)
class Line:
    """What changed together. words: since when it is broken and where that ended; empty where it never was."""

    title: str
    words: str
    marks: tuple[Mark, ...]
    specs: tuple[str, ...]
    dtypes: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Versions:
    """An implementation with more than one release. same: how many questions came to the same in all of them."""

    name: str
    releases: tuple[Release, ...]
    lines: tuple[Line, ...]
    same: int


@dataclass(frozen=True)
class Since:
    """Since when a defect is in these implementations: each release with its mark, and the same in words."""

    names: tuple[str, ...]
    steps: tuple[tuple[Release, Mark], ...]
    words: str


def has_several(history: History) -> bool:
    """Returns whether any implementation stands there in more than one release."""
    return any(len(history.releases(name)) > 1 for name in history.implementations)


def versions(history: History) -> list[Versions]:
    """Returns the implementations that stand there in several releases, with what changed between these."""
    return [_versions(history, name) for name in history.implementations if len(history.releases(name)) > 1]


def since(history: History, defect: Defect) -> list[Since]:
    """Returns since when a defect shows, of each of its implementations that stands there in several releases; those
    of which the same is to be said stand together."""
    keys: dict[str, set[Key]] = {}
    for one in defect.findings:
        keys.setdefault(one["implementation"], set()).add((one["spec"], one["dtype"], one["device"]))
    found: dict[tuple[tuple[tuple[Release, Mark], ...], str], list[str]] = {}
    for name in defect.implementations:
        timeline = history.timeline(name, keys[name])
        if len(timeline.steps) > 1:
            steps = tuple((step.release, Mark(*STATES[step.state], step.state)) for step in timeline.steps)
            found.setdefault((steps, timeline.words), []).append(name)
    return [Since(tuple(names), steps, words) for (steps, words), names in found.items()]


def _versions(history: History, name: str) -> Versions:
    changes = history.changes(name)
    changed = sum(len(one.keys) for one in changes)
    asked = len({row.key for row in history.rows(name)})
    return Versions(name, history.releases(name), tuple(_line(one) for one in changes), asked - changed)


def _line(change: Change) -> Line:
    return Line(
        title=change.title or _other(change.marks),
        words=change.timeline.words,
        marks=tuple(_mark(one) for one in change.marks),
        specs=change.specs,
        dtypes=change.dtypes,
        count=len(change.keys),
    )


def _other(marks: Sequence[str]) -> str:
    """Returns a title for what no defect explains, by what it came to."""
    told = dict.fromkeys(one for one in marks if one not in SILENT)
    return f"From one verdict to another: {', '.join(told)}"


def _mark(told: str) -> Mark:
    if told in SIGNS:
        return Mark(told, SIGNS[told], told)
    if told == "flaky":
        return Mark("fails", SIGNS["fails"], told)
    return Mark("unsupported", ABSENT_SIGNS.get(told, "–"), told)
