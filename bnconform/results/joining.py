"""The parts of a run become one again: their findings in the order of an undivided run, with their files.

Rules: parts fit together only where all that they follow from is the same, and each of N stands for itself; what is
written has no last line, since it is complete only when somebody has looked at what is still to be judged. The scripts
of a part are run once it is joined, so that they are taken over only from parts that the user says are their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from bnconform.contract.errors import ContractError
from bnconform.contract.files import inside
from bnconform.results.file import Results
from bnconform.results.records import Finding, RunRecord
from bnconform.results.writer import ResultsWriter

SAME = ("digest", "versions", "specs", "implementations", "missing", "broken", "device", "seed", "examples")
"""The fields of a first line that all parts have in common, beside the request and the plan."""

LEFT_OUT = "a part's script was left out, as it would be run: bnconform join --scripts takes over those of your own"


def join(parts: Sequence[Results], out: Path, *, scripts: bool = False) -> tuple[int, list[str]]:
    """Writes the findings of these parts to `out` as one run that was interrupted; returns how many there are, and
    which parts are not there. scripts: whether those of the parts are taken over. Raises ContractError for parts that
    do not fit together."""
    places = [_place(one) for one in parts]
    first = parts[0]
    for one, (place, of) in zip(parts, places, strict=True):
        differing = [name for name in _fixed(first.run) if _fixed(one.run)[name] != _fixed(first.run)[name]]
        if differing:
            raise ContractError(
                f"{one.path} is no part of the run of {first.path}: they differ in {', '.join(differing)}; expected "
                "parts of one call, by the same sources, adapters and versions"
            )
        if places.count((place, of)) > 1:
            raise ContractError(f"{one.path} is part {place}/{of}, which another file is too; expected each part once")
    of = places[0][1]
    earliest = min(parts, key=lambda one: one.run["started"])
    with ResultsWriter(out) as writer:
        writer.run(_whole(earliest.run))
        found = [(one, finding) for one in parts for finding in one.findings]
        for one, finding in sorted(found, key=_order(first.run)):
            if not scripts and finding["reproduce"] is not None:
                finding["reproduce"] = None
                finding["notes"] = [*finding.get("notes", ()), LEFT_OUT]
            names = [name for name in (finding["witness"], finding["reproduce"]) if name is not None]
            writer.finding(finding, {name: inside(one.path.parent, name).read_bytes() for name in names})
    return sum(len(one.findings) for one in parts), [f"{at}/{of}" for at in range(1, of + 1) if (at, of) not in places]


def _place(part: Results) -> tuple[int, int]:
    shard = str(part.run.get("request", {}).get("shard", ""))
    place, slash, of = shard.partition("/")
    if not (slash and place.isdecimal() and of.isdecimal()):
        raise ContractError(f"{part.path} is no part of a run; expected the results of `bnconform run --shard K/N`")
    return int(place), int(of)


def _fixed(run: RunRecord) -> dict[str, Any]:
    """Returns what all parts have in common, by name."""
    request = {name: value for name, value in run.get("request", {}).items() if name != "shard"}
    plan = {name: value for name, value in run.get("plan", {}).items() if name != "share"}
    of = str(run.get("request", {}).get("shard", "")).partition("/")[2]
    told: dict[str, Any] = {**run}
    return {name: told.get(name) for name in SAME} | {
        "request": request, "plan": plan, "number of parts": of, "python": run["environment"].get("python")
    }  # fmt: skip


def _whole(run: RunRecord) -> RunRecord:
    """Returns the first line of the undivided run."""
    known = _fixed(run)
    command = [word for at, word in enumerate(run["command"])
               if not word.startswith("--shard") and (at == 0 or run["command"][at - 1] != "--shard")]  # fmt: skip
    return cast(RunRecord, {**run, "request": known["request"], "plan": known["plan"], "command": command})


def _order(run: RunRecord) -> Any:
    """Returns the key by which findings stand in an undivided run: by target, then as files of specs are read."""
    targets = {
        (one["implementation"], one["dtype"]): at for at, one in enumerate(run.get("plan", {}).get("targets", []))
    }
    specs = {one["id"]: (one["chapter"], at) for at, one in enumerate(run["specs"])}

    def key(told: tuple[Results, Finding]) -> tuple[Any, ...]:
        finding = told[1]
        target = targets.get((finding["implementation"], finding["dtype"]), len(targets))
        return target, specs.get(finding["spec"], ("", len(specs)))

    return key
