"""The releases of an implementation in their order, and in which of them a statement or a defect was broken.

Rules: where several runs judged one release the latest counts; what was not run, not finished or has no claim says
nothing, and is never taken for kept; "since" and "fixed in" name the releases that were judged on either side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bnconform.history.row import Key, Release, Row

State = Literal["broken", "kept", "not judged", "not run"]
BROKEN = frozenset({"fails", "crashes", "hangs", "flaky"})
KEPT = frozenset({"conforms", "deviates"})
SILENT = frozenset({"no claim", "not run", "no answer"})
"""What may be missing of a finding that says nothing about the release."""
NOT_RUN = "not run"


@dataclass(frozen=True)
class Step:
    """What a release did with what is looked at."""

    release: Release
    state: State


@dataclass(frozen=True)
class Timeline:
    """The steps of an implementation from its oldest release that was judged to its newest."""

    steps: tuple[Step, ...]

    @property
    def since(self) -> Release | None:
        """The release from which on it is broken, in the latest stretch that is; None: it never was."""
        first = None
        for step in reversed(self.steps):
            if step.state == "broken":
                first = step.release
            elif step.state == "kept" and first is not None:
                break
        return first

    @property
    def kept_before(self) -> Release | None:
        """The latest release before `since` that kept it; None: none was judged."""
        return self._last("kept", before=self.since)

    @property
    def broken_until(self) -> Release | None:
        """The latest release that broke it."""
        return self._last("broken")

    @property
    def fixed_in(self) -> Release | None:
        """The first release behind all that broke it which kept it; None: there is none."""
        last = self.broken_until
        behind = [step.release for step in self.steps if step.state == "kept" and last is not None]
        return next((one for one in behind if last is not None and one > last), None)

    @property
    def words(self) -> str:
        """Since when it is broken, and where that ends; empty where it never was."""
        since, fixed = self.since, self.fixed_in
        if since is None:
            return ""
        before = self.kept_before
        told = (
            f"in {since} already, the oldest that was judged" if before is None else f"since {since}; {before} kept it"
        )
        return told if fixed is None else f"{told}; fixed in {fixed}, {self.broken_until} still had it"

    def _last(self, state: State, before: Release | None = None) -> Release | None:
        found = [one.release for one in self.steps if one.state == state and (before is None or one.release < before)]
        return found[-1] if found else None


@dataclass(frozen=True)
class Change:
    """Statements that came to the same in every release, and not to the same in all of them.

    marks: the verdict of each release, or what was missing. title: of the defect that explains most of it.
    """

    keys: tuple[Key, ...]
    marks: tuple[str, ...]
    timeline: Timeline
    title: str

    @property
    def specs(self) -> tuple[str, ...]:
        """The statements."""
        return tuple(dict.fromkeys(spec for spec, _, _ in self.keys))

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes in which they are looked at."""
        return tuple(dict.fromkeys(dtype for _, dtype, _ in self.keys))


class History:
    """Rows by implementation, release and question, as they are asked for."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._found: dict[str, dict[Release, dict[Key, Row]]] = {}
        for row in sorted(rows, key=lambda one: one.started):
            self._found.setdefault(row.implementation, {}).setdefault(row.release, {})[row.key] = row

    @property
    def implementations(self) -> tuple[str, ...]:
        """Those of which there is a row."""
        return tuple(self._found)

    def releases(self, implementation: str) -> tuple[Release, ...]:
        """Returns its releases, the oldest first."""
        return tuple(sorted(self._found.get(implementation, {})))

    def rows(self, implementation: str) -> Iterable[Row]:
        """Yields the latest rows of all its releases, the oldest first."""
        for release in self.releases(implementation):
            yield from self._found[implementation][release].values()

    def keys_of(self, implementation: str, defect: str) -> tuple[Key, ...]:
        """Returns the questions that a defect breaks in any release."""
        return tuple(dict.fromkeys(row.key for row in self.rows(implementation) if defect and row.defect == defect))

    def timeline(self, implementation: str, keys: Collection[Key]) -> Timeline:
        """Returns in which releases any of these questions was broken, and in which all that were judged were kept."""
        of = self._found.get(implementation, {})
        return Timeline(tuple(Step(one, _state(of[one], keys)) for one in self.releases(implementation)))

    def changes(self, implementation: str) -> list[Change]:
        """Returns what is not the same in all releases, most questions first; one mark for all that says nothing."""
        groups: dict[tuple[str, ...], list[Key]] = {}
        releases = self.releases(implementation)
        of = [self._found[implementation][one] for one in releases]
        for key in dict.fromkeys(key for rows in of for key in rows):
            marks = tuple(_mark(rows.get(key)) for rows in of)
            if len({mark for mark in marks if mark not in SILENT}) > 1:
                groups.setdefault(marks, []).append(key)
        found = [Change(tuple(keys), marks, self.timeline(implementation, keys), _title(of, keys))
                 for marks, keys in groups.items()]  # fmt: skip
        return sorted(found, key=lambda one: (one.timeline.since is None, -len(one.keys)))


def _state(rows: Mapping[Key, Row], keys: Collection[Key]) -> State:
    asked = [rows[key] for key in keys if key in rows]
    if any(one.verdict in BROKEN for one in asked):
        return "broken"
    if any(one.verdict in KEPT for one in asked):
        return "kept"
    return "not judged" if asked else "not run"


def _mark(row: Row | None) -> str:
    if row is None:
        return NOT_RUN
    return row.missing or row.verdict if row.verdict == "unsupported" else row.verdict


def _title(of: Iterable[Mapping[Key, Row]], keys: Collection[Key]) -> str:
    titles = Counter(rows[key].title for rows in of for key in keys if key in rows and rows[key].title)
    return titles.most_common(1)[0][0] if titles else ""
