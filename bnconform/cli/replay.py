"""Judges implementations by a witness that an earlier run wrote.

Rules: the witness says which spec, implementation and device it is about; the verdict is today's. A witness is data of
anybody: what it calls its adapter is never started or imported, but an installed one is looked up by the name of its
implementation, which is a name and no glob; any other adapter is typed by the user.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from bnconform.analysis.diagnosis import Diagnostician
from bnconform.contract.address import installed_addresses
from bnconform.contract.case import Case
from bnconform.contract.errors import CallError
from bnconform.contract.text import clipped, on_one_line, visible
from bnconform.contract.wire import load_case
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs
from bnconform.engine.ordinary import ask_ordinary
from bnconform.engine.runner import Runner
from bnconform.engine.selection import Hosts, Request, exactly, select, targets
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.tally import Tally
from bnconform.engine.target import Target
from bnconform.results.evidence import script_of
from bnconform.results.finding import finding
from bnconform.results.records import Finding


def replay(witness: Path, implementations: tuple[str, ...], adapters: list[str], *, script: bool = False) -> int:
    """Prints the verdict of each implementation on the witness; returns 0, or 1 where a statement is not kept.

    implementations: globs; none stand for the witness's own. adapters: as on the command line; none likewise. script:
    whether to print, in place of the verdict, the script that reproduces it; one that conforms has none.
    """
    case, metadata = load_case(witness)
    spec, name = _spec_of(witness, metadata), _text("implementation", witness, metadata)
    if not adapters:
        _check_installed(witness, metadata)
    request = Request(
        adapters=tuple(adapters),
        implementations=implementations or (exactly(name),),
        dtypes=(case.dtype,),
        device=_text("device", witness, {"device": "cpu", **metadata}),
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


def replayed(witness: Path, implementation: str, adapter: str) -> list[Finding]:
    """Returns the findings of an implementation on a witness, in the witness's own type, undiagnosed.

    adapter: as on the command line.
    """
    case, metadata = load_case(witness)
    spec = _spec_of(witness, metadata)
    request = Request(
        adapters=(adapter,),
        implementations=(exactly(implementation),),
        dtypes=(case.dtype,),
        device=_text("device", witness, {"device": "cpu", **metadata}),
    )
    hosts = Hosts(request=request)
    try:
        found = []
        for address, target in targets(select(request, hosts), request):
            ask = Runner.of(target, lambda address=address: hosts.of(address))  # type: ignore[misc]
            tally = Tally(spec=spec)
            tally.record(case, spec.judge(Subject(ask, target.dialect), case))
            ask_ordinary(tally, target, ask)
            found.append(finding(tally, target, ask))
        return found
    finally:
        hosts.close()


def _spec_of(witness: Path, metadata: dict[str, Any]) -> Spec:
    named = [one for one in all_specs() if one.id == metadata.get("spec")]
    if not named:
        got = f"{metadata.get('spec')!r:.200}"
        raise CallError(f"{witness} is about spec {got}; expected a witness of a spec that there is")
    return named[0]


def _text(key: str, witness: Path, metadata: dict[str, Any]) -> str:
    text = metadata.get(key)
    if not isinstance(text, str) or not text:
        raise CallError(f"{witness}: its {key} is {text!r:.200}; expected a name, as `bnconform run` writes it")
    return text


def _check_installed(witness: Path, metadata: dict[str, Any]) -> None:
    """Raises CallError for a witness of an adapter that is not installed: the user has to name it."""
    if metadata.get("adapter", "") in ("", *(address.target for address in installed_addresses())):
        return
    adapter = on_one_line(_text("adapter", witness, metadata))
    typed = f"bnconform replay {shlex.quote(str(witness))} --adapter {shlex.quote(clipped(adapter, 500))}"
    raise CallError(
        f"{witness} is of an adapter that is not installed, and what a file says is never run; if you know that "
        f"adapter and trust it, name it yourself, with its path here: {typed}"
    )


def _judge(spec: Spec, case: Case, hosts: Hosts, address: Any, target: Target, folder: Path | None) -> str:
    """Prints what came of one implementation, or the script that would lie in a folder; returns the verdict."""
    ask = Runner.of(target, lambda: hosts.of(address))
    tally = Tally(spec=spec)
    tally.record(case, spec.judge(Subject(ask, target.dialect), case))
    ask_ordinary(tally, target, ask)
    diagnosis = Diagnostician(target, ask).explain(tally)
    record = finding(tally, target, ask, diagnosis=diagnosis)
    if folder is not None and tally.shown is not None:
        snippet = target.implementation.snippet
        print(script_of(record, tally.shown, address, spec, folder, snippet, diagnosis.shown), end="")
        return record["verdict"]
    name = f"{record['implementation']} {record['version']} {record['dtype']}"
    print(on_one_line(f"{name}: {record['verdict']}: {spec.id}: {record['reason']}"))
    if record.get("explanation"):
        print(f"  {visible(record['explanation'])}")
    return record["verdict"]
