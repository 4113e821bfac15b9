"""A Row is one finding as a history needs it: which statement, of which release, with which verdict.

Rules: a release is a version together with what it was installed beside, so that one version on two companions stands
twice; versions are ordered as pip orders them, and what is no version stands first, by its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import total_ordering

from packaging.version import InvalidVersion, Version

from bnconform.results.defects import defects_of
from bnconform.results.file import Results
from bnconform.results.records import Finding, ImplementationRecord, RunRecord, told_verdict

Key = tuple[str, str, str]
"""Spec, dtype and device."""


@total_ordering
@dataclass(frozen=True)
class Release:
    """A version of an implementation, and in words what else it was judged beside; empty: nothing."""

    version: str
    beside: str = ""

    def __lt__(self, other: Release) -> bool:
        return (_order(self.version), self.beside) < (_order(other.version), other.beside)

    def __str__(self) -> str:
        return self.version or "no version"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One finding. missing: of an unsupported one, what there was none of. defect, title: of the defect that explains
    one that is wrong; empty: none. started: when its run began, as the run says."""

    implementation: str
    release: Release
    spec: str
    dtype: str
    device: str
    verdict: str
    missing: str = ""
    defect: str = ""
    title: str = ""
    started: str = ""

    @property
    def key(self) -> Key:
        """What it shares with the same question to another release."""
        return self.spec, self.dtype, self.device


def rows_of(results: Iterable[Results]) -> Iterator[Row]:
    """Yields the findings of these runs as rows."""
    for one in results:
        chapters = {spec["id"]: spec["chapter"] for spec in one.run["specs"]}
        explained = {id(finding): defect for defect in defects_of(one.findings, chapters)
                     for finding in defect.findings}  # fmt: skip
        releases = {(made["name"], made["version"]): _release(made, one.run) for made in one.run["implementations"]}
        for finding in one.findings:
            named = finding["implementation"], finding["version"]
            defect = explained.get(id(finding))
            yield Row(
                implementation=finding["implementation"],
                release=releases.get(named, Release(finding["version"])),
                spec=finding["spec"],
                dtype=finding["dtype"],
                device=finding["device"],
                verdict=_verdict(finding),
                missing=finding.get("missing", ""),
                defect="" if defect is None else defect.id,
                title="" if defect is None else defect.title,
                started=one.run["started"],
            )


def _verdict(finding: Finding) -> str:
    """Returns the verdict as it is told; that of a broken adapter says nothing of the implementation."""
    return "unsupported" if finding.get("fault") == "adapter" else told_verdict(finding)


def _release(made: ImplementationRecord, run: RunRecord) -> Release:
    """Returns the release of an implementation: its version, and the others of what it consists of; of what its host
    needs, Python and NumPy above all, those that are not the judge's own."""
    others = {name: version for name, version in made.get("versions", {}).items() if version != made["version"]}
    own = {**run["versions"], "python": run["environment"]["python"]}
    others |= {name: version for name, version in made.get("environment", {}).items() if own.get(name) != version}
    return Release(made["version"], ", ".join(f"{name} {version}" for name, version in sorted(others.items())))


def _order(version: str) -> tuple[bool, Version, str]:
    try:
        return True, Version(version), version
    except InvalidVersion:
        return False, Version("0"), version
