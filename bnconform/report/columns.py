"""The columns of the report (implementation, version, device), its specs, and the targets of its links.

Rules: everything is read from the runs' own records; a name that a run does not describe is shown all the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from bnconform.report.wording import SHORT
from bnconform.results.file import Merged, Results
from bnconform.results.merging.beside import told_apart
from bnconform.results.records import Finding, ImplementationRecord, SpecRecord

_SPEAKING = re.compile(r"[A-Za-z0-9_.]+")
KEY = ("spec", "implementation", "version", "dtype", "device", "beside")


@dataclass(frozen=True, kw_only=True, order=True)
class Column:
    """One implementation in one version on one device. beside: what tells its environment from others, if any are."""

    implementation: str
    version: str
    device: str
    beside: str = ""

    @property
    def release(self) -> str:
        """The version, and what it was judged beside where that tells it from another column."""
        return f"{self.version} ({self.beside})" if self.beside else self.version


def column_of(finding: Finding) -> Column:
    """Returns the column that a finding belongs to."""
    return Column(
        implementation=finding["implementation"],
        version=finding["version"],
        device=finding["device"],
        beside=finding.get("beside", ""),
    )


def columns(merged: Merged) -> tuple[Column, ...]:
    """Returns the columns in the order of the runs' implementations, versions of one implementation side by side."""
    order = {name: at for at, name in enumerate(dict.fromkeys(one["name"] for one in implementations(merged)))}
    found = {column_of(finding) for _, finding in merged.findings}
    told = told_apart(results.run for results in merged.runs)
    for place, results in enumerate(merged.runs):
        device = results.run["device"]
        for one in results.run["implementations"]:
            words = told.get(place, {}).get((one["name"], one["version"]), "")
            found.add(Column(implementation=one["name"], version=one["version"], device=device, beside=words))
    return tuple(sorted(found, key=lambda one: (order.get(one.implementation, len(order)), one)))


def implementations(merged: Merged) -> tuple[ImplementationRecord, ...]:
    """Returns the implementations of all runs, each version once."""
    known = {(one["name"], one["version"]): one for run in merged.runs for one in run.run["implementations"]}
    return tuple(known.values())


def specs(merged: Merged) -> tuple[SpecRecord, ...]:
    """Returns the specs of all runs; one that only a finding names has no more than its name."""
    known = {spec["id"]: spec for results in merged.runs for spec in results.run["specs"]}
    for _, finding in merged.findings:
        name = finding["spec"]
        known.setdefault(name, SpecRecord(id=name, chapter="other", sentence="", latex="", source=""))
    return tuple(known.values())


def dtypes(merged: Merged) -> tuple[str, ...]:
    """Returns the dtypes of the findings, the narrow ones first."""
    found = {finding["dtype"] for _, finding in merged.findings}
    return tuple(name for name in SHORT if name in found) + tuple(sorted(found - set(SHORT)))


def relative(results: Results, path: str, out: Path) -> str:
    """Returns the path, relative to the report in `out`, of a file beside the results."""
    return Path(os.path.relpath(results.path.parent / path, out)).as_posix()


def link(results: Results, path: str | None, out: Path) -> str | None:
    """Returns the address that leads from the report in `out` to a file beside the results."""
    return None if path is None else quote(relative(results, path, out))


def slug(parts: Iterable[str]) -> str:
    """Returns an HTML id made of `parts`, the same for the same parts and another for others.

    Where a character has no place in an id, a digest of the parts follows "--", which stands in no other id. A dot has
    one: in a selector of CSS it is written with a backslash before it.
    """
    told = tuple(parts)
    if all(map(_SPEAKING.fullmatch, told)):
        return "-".join(told)
    spoken = re.sub(r"[^A-Za-z0-9_.]+", "-", "-".join(told)).strip("-")
    return f"{spoken}--{sha256(repr(told).encode()).hexdigest()[:10]}"


def web(address: str) -> str | None:
    """Returns `address` if it is a web address, which alone may become a link."""
    return address if re.match(r"https?://", address) else None
