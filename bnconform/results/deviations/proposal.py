"""Proposals from the results of a run: entries for unknown failures, and the removal of rows that no longer hold.

Rules: a proposal states findings and never their reason: reason and link stay empty, and the registry is refused until
a person has written them; nothing that stands in a file is changed, entries are added at its end. Results may be a
stranger's: their names are no globs and no paths, their witnesses lie beside them, and only cases are taken from those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from bnconform.contract.case import Case
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.files import inside, write_whole
from bnconform.contract.wire import load_case
from bnconform.engine.agreement import BAD
from bnconform.engine.request import DEVICES
from bnconform.engine.selection import exactly
from bnconform.results.deviations.quoting import listed, quoted, tabled
from bnconform.results.deviations.registry import Registry
from bnconform.results.deviations.signature import Signature, signature_in
from bnconform.results.deviations.witnesses import Packed, case_key, is_small, lines_of, named, write_packed
from bnconform.results.evidence import stem_of
from bnconform.results.file import Results
from bnconform.results.records import Finding, is_flaky, is_known, is_stale


@dataclass(frozen=True, kw_only=True)
class Row:
    """One spec that fails in the same way in some dtypes. cases: the witnesses, by dtype."""

    spec: str
    cases: Mapping[str, Case]
    signature: Signature

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes in which it fails."""
        return tuple(self.cases)


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A possible cause: rows of one implementation, in the same dtypes and with the same diagnosis."""

    implementation: str
    version: str
    device: str
    rows: tuple[Row, ...]

    @property
    def cases(self) -> dict[str, Case]:
        """The witnesses of all rows, by key."""
        return {case_key(case): case for row in self.rows for case in row.cases.values()}

    @property
    def text(self) -> str:
        """The proposal in TOML, with those of its witnesses that stand as a line."""
        devices = [] if self.device == "cpu" else [f"devices = {listed([self.device])}"]
        lines = [
            "[[cause]]",
            f"implementations = {listed([exactly(self.implementation)])}",
            f"versions = {quoted(f'>={Version(self.version).public}')}",
            *devices,
            'fault = "implementation"',
            'reason = ""',
            'link = ""',
            "findings = [",
            *(f"  {_inline(row)}," for row in self.rows),
            "]",
            *lines_of(self.cases),
        ]
        return "\n".join(lines) + "\n"


def unknown(results: Results, registry: Registry) -> list[Finding]:
    """Returns the failures of a run that the registry does not cover, of which there is a witness."""
    return [
        one
        for one in results.findings
        if one["verdict"] in BAD
        and one["witness"] is not None
        and not is_known(one)
        and registry.of(one["spec"], one["implementation"], one["version"], one["dtype"], one["device"]) is None
    ]


def unfit(one: Finding) -> str:
    """Returns why no entry can be of a finding, in words; "" where one can."""
    if one["dtype"] not in DTYPES or one["device"] not in DEVICES:
        return f"{one['dtype']!r} on {one['device']!r} is no dtype on a device that bnconform knows"
    if is_flaky(one):
        return "it is flaky, and an entry must hold each time"
    found = signature_in(one)
    if found.verdict == "fails" and not (found.quantity or found.raises):
        return "it says neither what was wrong nor what was raised"
    try:
        Version(one["version"])
    except ValueError:  # InvalidVersion, or a number of thousands of digits
        return f"its version is {one['version']!r}, which is none by PEP 440; let its adapter state one"
    return "" if one["implementation"] and one["spec"] else "it names no implementation or no spec"


def stale(results: Results) -> list[str]:
    """Returns a run's words on the entries that no longer hold."""
    return [one["known"]["words"] for one in results.findings if is_stale(one)]


def proposals(findings: Sequence[Finding], run: Path) -> list[Proposal]:
    """Returns the failures grouped by implementation, dtypes and diagnosis. run: the folder that their witnesses are
    named from."""
    dtypes: dict[tuple[str, ...], dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for one in findings:
        who = one["implementation"], one["version"], one["device"]
        shown = signature_in(one)
        dtypes[(*who, one["spec"], repr(_recorded(shown)))][one["dtype"]].append(one)
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for (implementation, version, device, spec, _), by_dtype in dtypes.items():
        first = _recorded(signature_in(next(iter(by_dtype.values()))[0]))
        cases = {dtype: load_case(inside(run, str(found[0]["witness"])))[0] for dtype, found in by_dtype.items()}
        row = Row(spec=spec, cases=cases, signature=first)
        groups[implementation, version, device, row.dtypes, first.diagnoses].append(row)
    return [
        Proposal(implementation=str(who), version=str(version), device=str(device), rows=tuple(rows))
        for (who, version, device, *_), rows in groups.items()
    ]


def _recorded(found: Signature) -> Signature:
    """Returns the signature as an entry has it: with the first diagnosis alone."""
    return Signature(verdict=found.verdict, quantity=found.quantity, raises=found.raises, diagnoses=found.diagnoses[:1])


def write(found: Sequence[Proposal], folder: Path) -> Iterator[Path]:
    """Adds proposals and their witnesses to the files of their frameworks; yields each TOML file that it wrote."""
    files: dict[Path, list[Proposal]] = defaultdict(list)
    for proposed in found:
        files[folder / f"{stem_of(proposed.implementation.partition('.')[0]) or 'unnamed'}.toml"].append(proposed)
    for path, all_of_one in files.items():
        _pack({key: case for one in all_of_one for key, case in one.cases.items()}, path.with_suffix(".safetensors"))
        before = [path.read_text(encoding="utf-8")] if path.exists() else []
        write_whole({path: "\n".join([*before, *(one.text for one in all_of_one)])})
        yield path


def _pack(cases: Mapping[str, Case], path: Path) -> None:
    """Adds those of `cases` that are too large for a line to the packed file."""
    large = {key: case for key, case in cases.items() if not is_small(case)}
    if large:
        packed = Packed(path)
        write_packed(path, {key: packed.case(key) for key in packed.settings} | large)


def _inline(row: Row) -> str:
    shown = row.signature
    values = {"spec": quoted(row.spec), "dtypes": listed(row.dtypes)}
    values |= {"verdict": quoted(shown.verdict)} if shown.verdict != "fails" else {}
    told = {"quantity": shown.quantity, "raises": shown.raises, "diagnosis": next(iter(shown.diagnoses), None)}
    values |= {key: quoted(value) for key, value in told.items() if value}
    return tabled(values | {"witness": named({dtype: case_key(case) for dtype, case in row.cases.items()})})
