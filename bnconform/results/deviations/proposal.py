"""Proposals from the results of a run: entries for unknown failures, and the removal of rows that no longer hold.

Rules: a proposal states findings and never their reason: reason and link stay empty, and the registry is refused until
a person has written them; nothing that stands in a file is changed, entries are added at its end.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnconform.engine.agreement import BAD
from bnconform.results.deviations.deviation import witness_name
from bnconform.results.deviations.registry import WITNESSES, Registry
from bnconform.results.deviations.signature import Signature, signature_in
from bnconform.results.file import Results
from bnconform.results.records import Finding, is_known, is_stale


@dataclass(frozen=True, kw_only=True)
class Row:
    """One spec that fails in the same way in some dtypes."""

    spec: str
    dtypes: tuple[str, ...]
    signature: Signature


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A possible cause: rows of one implementation, in the same dtypes and with the same diagnosis."""

    implementation: str
    version: str
    device: str
    rows: tuple[Row, ...]

    @property
    def text(self) -> str:
        """The proposal in TOML."""
        devices = [] if self.device == "cpu" else [f"devices = {json.dumps([self.device])}"]
        lines = [
            "[[cause]]",
            f"implementations = {json.dumps([self.implementation])}",
            f'versions = ">={self.version}"',
            *devices,
            'fault = "implementation"',
            'reason = ""',
            'link = ""',
            "findings = [",
            *(f"  {_inline(row)}," for row in self.rows),
            "]",
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


def stale(results: Results) -> list[str]:
    """Returns a run's words on the entries that no longer hold."""
    return [one["known"]["words"] for one in results.findings if is_stale(one)]


def proposals(findings: Sequence[Finding]) -> list[Proposal]:
    """Returns the failures grouped by implementation, dtypes and diagnosis."""
    dtypes: dict[tuple[str, ...], dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for one in findings:
        who = one["implementation"], one["version"], one["device"]
        shown = signature_in(one)
        dtypes[(*who, one["spec"], repr(_recorded(shown)))][one["dtype"]].append(one)
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for (implementation, version, device, spec, _), by_dtype in dtypes.items():
        first = _recorded(signature_in(next(iter(by_dtype.values()))[0]))
        row = Row(spec=spec, dtypes=tuple(by_dtype), signature=first)
        groups[implementation, version, device, row.dtypes, first.diagnoses].append(row)
    return [
        Proposal(implementation=str(who), version=str(version), device=str(device), rows=tuple(rows))
        for (who, version, device, *_), rows in groups.items()
    ]


def _recorded(found: Signature) -> Signature:
    """Returns the signature as an entry has it: with the first diagnosis alone."""
    return Signature(verdict=found.verdict, quantity=found.quantity, raises=found.raises, diagnoses=found.diagnoses[:1])


def write(found: Sequence[Proposal], findings: Sequence[Finding], run: Path, folder: Path) -> Iterator[Path]:
    """Adds proposals to the files of their frameworks and copies the witnesses; yields each file that it wrote.

    run: the folder of the results, where the witnesses lie.
    """
    files: dict[Path, list[Proposal]] = defaultdict(list)
    for proposed in found:
        files[folder / f"{proposed.implementation.partition('.')[0]}.toml"].append(proposed)
    for one in findings:
        place = folder / WITNESSES / one["implementation"].partition(".")[0]
        place.mkdir(parents=True, exist_ok=True)
        name = witness_name(one["spec"], one["implementation"], one["dtype"], one["device"])
        shutil.copyfile(run / str(one["witness"]), place / name)
    for path, all_of_one in files.items():
        before = [path.read_text(encoding="utf-8")] if path.exists() else []
        part = path.with_suffix(".part")
        part.write_text("\n".join([*before, *(one.text for one in all_of_one)]), encoding="utf-8")
        os.replace(part, path)
        yield path


def _inline(row: Row) -> str:
    shown = row.signature
    values: list[tuple[str, object]] = [("spec", row.spec), ("dtypes", list(row.dtypes))]
    values += [("verdict", shown.verdict)] if shown.verdict != "fails" else []
    values += [(key, value) for key, value in (("quantity", shown.quantity), ("raises", shown.raises)) if value]
    values += [("diagnosis", one) for one in shown.diagnoses]
    return "{ " + ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values) + " }"
