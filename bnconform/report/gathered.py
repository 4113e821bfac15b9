"""What the pages are made of: the defects of the merged runs, with their scripts, the frameworks that took part, and
the documented choices by which findings depart.

Rules: computed once for all pages, from the runs' files alone; a defect's script is read from beside its results;
each departing finding belongs to one choice, which is a field of a Dialect with its value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import bnconform.report.columns as who
from bnconform.history.row import Row, rows_of
from bnconform.history.timeline import History
from bnconform.report.columns import Column
from bnconform.report.matrix import MatrixCell, cells_of
from bnconform.results.changes import Changes, changes
from bnconform.results.defects import Defect, defects_of
from bnconform.results.file import Merged, Results, text_beside
from bnconform.results.records import DefectRecord, Finding, SpecRecord

NAMES = {"torch": "PyTorch", "keras": "Keras", "tf": "TensorFlow", "flax": "Flax", "jax": "JAX", "numpy": "NumPy"}
"""Frameworks whose name is not that of their module."""


def framework(implementation: str) -> str:
    """Returns the first part of an implementation's name."""
    return implementation.partition(".")[0]


def framework_page(name: str) -> str:
    """Returns the name of a framework's page."""
    return f"framework-{who.slug([name])}.html"


@dataclass(frozen=True)
class Gathered:
    """The merged runs, and what all pages need of them. before: an earlier run to compare with. alone: whether the
    pages are to be read where the runs' other files are not. past: findings of other runs, which a history has kept."""

    merged: Merged
    before: Merged | None = None
    alone: bool = False
    past: tuple[Row, ...] = ()

    @cached_property
    def history(self) -> History:
        """The releases of all implementations of these runs, of this report's runs and of the past ones."""
        own = list(rows_of(self.merged.runs))
        names = {row.implementation for row in own}
        return History([*(row for row in self.past if row.implementation in names), *own])

    @cached_property
    def cells(self) -> tuple[MatrixCell, ...]:
        """The cells of a matrix that these runs are of, those that could not be judged too."""
        return cells_of(self.merged.runs)

    @cached_property
    def changes(self) -> Changes | None:
        """What changed since the earlier run; None where there is none to compare with."""
        return None if self.before is None else changes(self.before, self.merged)

    @cached_property
    def findings(self) -> list[Finding]:
        """All findings."""
        return [finding for _, finding in self.merged.findings]

    @cached_property
    def specs(self) -> Mapping[str, SpecRecord]:
        """The specs by id."""
        return {spec["id"]: spec for spec in who.specs(self.merged)}

    @cached_property
    def chapters(self) -> dict[str, list[str]]:
        """The ids of the specs of each chapter."""
        found: dict[str, list[str]] = {}
        for spec in self.specs.values():
            found.setdefault(spec["chapter"], []).append(spec["id"])
        return found

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The implementations in their versions, on their devices."""
        return who.columns(self.merged)

    @cached_property
    def frameworks(self) -> dict[str, list[Column]]:
        """The columns of each framework."""
        found: dict[str, list[Column]] = {}
        for one in self.columns:
            found.setdefault(framework(one.implementation), []).append(one)
        return found

    @cached_property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes of the findings."""
        return who.dtypes(self.merged)

    @cached_property
    def by_column(self) -> dict[Column, list[Finding]]:
        """The findings of each column."""
        found: dict[Column, list[Finding]] = {one: [] for one in self.columns}
        for one in self.findings:
            found[who.column_of(one)].append(one)
        return found

    @cached_property
    def verdicts(self) -> Counter[str]:
        """How many findings have each verdict."""
        return Counter(one["verdict"] for one in self.findings)

    @cached_property
    def defects(self) -> list[Defect]:
        """The defects that explain what is wrong, the worst first."""
        return defects_of(self.findings, {name: spec["chapter"] for name, spec in self.specs.items()})

    @cached_property
    def owners(self) -> dict[int, Defect]:
        """The defect that explains a finding, by the finding's identity in this process."""
        return {id(finding): defect for defect in self.defects for finding in defect.findings}

    @cached_property
    def _results_of(self) -> dict[int, Results]:
        return {id(finding): results for results, finding in self.merged.findings}

    def results_of(self, finding: Finding) -> Results:
        """Returns the run that a finding is from."""
        return self._results_of[id(finding)]

    @cached_property
    def _records(self) -> dict[str, tuple[Results, DefectRecord]]:
        return {record["id"]: (results, record) for results in self.merged.runs for record in results.defects}

    def script_of(self, defect: Defect) -> tuple[str, int | None]:
        """Returns the script of a defect, and its exit status when it was written; empty where there is none."""
        results, record = self._records.get(defect.id, (None, None))
        if results is None or record is None or record["script"] is None:
            return "", None
        text = text_beside(results, record["script"])
        return text, record["status"] if text else None


@dataclass(frozen=True, kw_only=True)
class Departure:
    """A documented choice, and the findings that depart by it. link: its documentation, "" where none is given."""

    field: str
    value: str
    link: str
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """The choice in words."""
        return f"{self.field} = {self.value}" if self.value else self.field

    @property
    def implementations(self) -> tuple[str, ...]:
        """Those that depart by it, in order."""
        return tuple(dict.fromkeys(one["implementation"] for one in self.findings))

    @property
    def statements(self) -> int:
        """How many statements its findings depart from."""
        return len({one["spec"] for one in self.findings})


def departures(gathered: Gathered, findings: Iterable[Finding]) -> tuple[Departure, ...]:
    """Returns the documented choices by which some of the findings depart."""
    stated = {(one["name"], one["version"]): one for one in who.implementations(gathered.merged)}
    found: dict[tuple[str, str], list[tuple[Finding, str]]] = {}
    for one in findings:
        if one["verdict"] == "deviates":
            field = one.get("declared", "")
            record = stated.get((one["implementation"], one["version"]))
            dialect = {} if record is None else record["dialect"]
            value = dialect.get(f"{field} ({one['dtype']})", dialect.get(field, ""))
            link = "" if record is None else record["links"].get(field, "")
            found.setdefault((field, str(value)), []).append((one, link))
    return tuple(
        Departure(
            field=field or "a documented choice",
            value=value,
            link=next((link for _, link in those if link), ""),
            findings=tuple(one for one, _ in those),
        )
        for (field, value), those in found.items()
    )
