"""The files of a finding: the witness, and the script that reproduces it.

Rules: the name of a file tells spec, implementation, dtype and device, and no two findings share one; it holds no
path of this machine but from the current folder on; what cannot be made is told in the finding, which loses nothing
else.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from bnconform.analysis.diagnosis.shown import Shown
from bnconform.contract.address import Address
from bnconform.contract.case import Case
from bnconform.contract.snippet import Snippet
from bnconform.contract.text import clipped
from bnconform.contract.wire import pack_case
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Seen, Tally
from bnconform.results.proof import proof
from bnconform.results.records import Finding
from bnconform.results.script import script

LONGEST_STEM = 200
"""Characters of a file's name without its ending, at most; file systems allow 255 bytes."""


def artefacts(
    out: Path,
    finding: Finding,
    tally: Tally,
    address: Address,
    snippet: Snippet | None = None,
    shown: Shown | None = None,
) -> dict[str, bytes]:
    """Returns the witness and the script of `finding` by their names below `out`, and notes in it where they will
    lie."""
    seen = tally.shown
    if seen is None:
        raise ValueError(f"{finding['spec']}: verdict {finding['verdict']} has no case to show it")
    stem = file_stem(finding)
    witness, reproduce = f"witnesses/{stem}.safetensors", f"reproduce/{stem}.py"

    def packed() -> bytes:
        return _packed(finding, seen.case, address)

    def scripted() -> bytes:
        return script_of(finding, seen, address, tally.spec, (out / reproduce).parent, snippet, shown).encode()

    found: dict[str, bytes] = {}
    for name, make in {witness: packed, reproduce: scripted}.items():
        try:
            found[name] = make()
        except Exception as error:  # a mistake of bnconform's own; the finding is worth more than its files
            words = f"{name} could not be made: {type(error).__name__}: {error}"
            finding["notes"] = [*finding.get("notes", ()), clipped(words)]
    finding["witness"] = witness if witness in found else None
    finding["reproduce"] = reproduce if reproduce in found else None
    return found


def witness_of(finding: Finding, case: Case, address: Address) -> dict[str, bytes]:
    """Returns the file of a case that `bnconform replay` takes, by its path, and notes in `finding` where it lies."""
    name = f"witnesses/{file_stem(finding)}.safetensors"
    finding["witness"] = name
    return {name: _packed(finding, case, address)}


def _packed(finding: Finding, case: Case, address: Address) -> bytes:
    return pack_case(
        case,
        spec=finding["spec"],
        implementation=finding["implementation"],
        adapter=address.told,
        device=finding["device"],
        verdict=finding["verdict"],
    )


def script_of(
    finding: Finding,
    seen: Seen,
    address: Address,
    spec: Spec,
    folder: Path,
    snippet: Snippet | None = None,
    shown: Shown | None = None,
) -> str:
    """Returns the script that reproduces `finding`, which `seen` shows: a proof, where one answer is itself wrong.

    folder: where it will lie.
    """
    short = ""
    if shown is not None:
        short = proof(finding, spec.sentence, spec.formula, shown, address.told_from(folder), snippet)
    return short or _script_of(finding, seen, address.told_from(folder), spec, snippet)


def _script_of(finding: Finding, seen: Seen, adapter: str, spec: Spec, snippet: Snippet | None) -> str:
    # Only an output of the case itself can be compared by a script that runs the case once.
    worst = seen.judged.worst
    shown = worst if worst is not None and worst.direct else None
    if shown is not None and finding["verdict"] == "fails" and shown.alternative is not None:
        shown = shown.alternative
    return script(
        seen.case,
        implementation=finding["implementation"],
        adapter=adapter,
        spec=finding["spec"],
        quantity=finding["quantity"],
        latex=spec.latex,
        expected=None if shown is None else shown.expected,
        bound=None if shown is None else shown.allowance,
        actual=None if shown is None else shown.actual,
        snippet=snippet,
    )


def file_stem(finding: Finding) -> str:
    """Returns the name of the files of `finding`, without their endings."""
    parts = (finding["spec"], finding["implementation"], finding["dtype"], finding["device"])
    return stem_of("-".join(parts))


def stem_of(told: str) -> str:
    """Returns a name that tells `told` and that a file can have, another for another text."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", told)
    if stem == told and len(stem) <= LONGEST_STEM:
        return stem
    return f"{stem[:LONGEST_STEM]}-{sha256(told.encode(errors='surrogatepass')).hexdigest()[:10]}"
