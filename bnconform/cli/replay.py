"""Judges implementations by a witness that an earlier run wrote.

Rules: the witness says which spec, implementation, adapter and device it is about; the verdict is today's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bnconform.analysis.diagnosis import Diagnostician
from bnconform.contract.address import installed_addresses
from bnconform.contract.case import Case
from bnconform.contract.errors import CallError
from bnconform.contract.wire import load_case
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.runner import Runner
from bnconform.engine.selection import Hosts, Request, select, targets
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.tally import Tally
from bnconform.engine.target import Target
from bnconform.results.evidence import script_of
from bnconform.results.finding import finding


def replay(witness: Path, implementations: tuple[str, ...], adapters: list[str], *, script: bool = False) -> int:
    """Prints the verdict of each implementation on the witness; returns 0, or 1 where a statement is not kept.

    implementations: globs; none stand for the witness's own. adapters: as on the command line; none likewise. script:
    whether to print, in place of the verdict, the script that reproduces it; one that conforms has none.
    """
    case, metadata = load_case(witness)
    spec = _spec_of(witness, metadata)
    request = Request(
        adapters=tuple(adapters or _adapter_of(metadata)),
        implementations=implementations or (str(metadata["implementation"]),),
        dtypes=(case.dtype,),
        device=str(metadata.get("device", "cpu")),
    )
    hosts = Hosts(request=request)
    try:
        found = [
            _judge(spec, case, hosts, address, target, witness.parent if script else None)
            for address, target in targets(select(request, hosts), request)
        ]
    finally:
        hosts.close()
    return 1 if any(verdict in BAD for verdict in found) else 0


def _spec_of(witness: Path, metadata: dict[str, Any]) -> Spec:
    named = [one for one in all_specs() if one.id == metadata.get("spec")]
    if not named or "implementation" not in metadata:
        raise CallError(f"{witness} is about spec {metadata.get('spec')!r}; expected a witness of a spec that there is")
    return named[0]


def _adapter_of(metadata: dict[str, Any]) -> list[str]:
    """Returns the adapter that the witness names, unless it is an installed one, which needs no naming."""
    adapter = str(metadata.get("adapter", ""))
    return [] if not adapter or adapter in {address.target for address in installed_addresses()} else [adapter]


def _judge(spec: Spec, case: Case, hosts: Hosts, address: Any, target: Target, folder: Path | None) -> str:
    """Prints what came of one implementation, or the script that would lie in a folder; returns the verdict."""
    ask = Runner.of(target, lambda: hosts.of(address))
    tally = Tally(spec=spec)
    tally.record(case, spec.judge(Subject(ask, target.dialect), case))
    diagnosis = Diagnostician(target, ask).explain(tally)
    record = finding(tally, target, ask, diagnosis=diagnosis)
    if folder is not None and tally.shown is not None:
        snippet = target.implementation.snippet
        print(script_of(record, tally.shown, address, spec, folder, snippet, diagnosis.shown), end="")
        return record["verdict"]
    name = f"{record['implementation']} {record['version']} {record['dtype']}"
    print(f"{name}: {record['verdict']}: {spec.id}: {record['reason']}")
    if record.get("explanation"):
        print(f"  {record['explanation']}")
    return record["verdict"]
