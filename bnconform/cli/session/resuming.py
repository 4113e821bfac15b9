"""Which interrupted run can be gone on with, and what of it is kept.

Rules: a run is resumed by the same sources, specs, adapters, versions and options, or not at all, since its findings
are to equal those of a run that was never interrupted; a finding whose files are not there is judged again, and so is
what a budget of time left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bnconform.contract.address import Address, without_folders
from bnconform.contract.errors import CallError
from bnconform.engine.book import specs_folder
from bnconform.engine.selection import Request
from bnconform.results.file import Results, read_results
from bnconform.results.records import Finding, RunRecord

PACKAGE = Path(__file__).resolve().parents[2]
SAME = ("request", "digest", "versions", "specs", "implementations", "missing", "broken", "plan", "device")
"""The fields of a first line that a run and the one that goes on with it have in common."""


def digest(addresses: Iterable[Address], registry: Path | None) -> str:
    """Returns a digest of all files that a run follows from: bnconform's own, the specs, adapters that are files, and a
    registry of the user's."""
    own = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.toml"), *specs_folder().glob("*.py")]
    theirs = [Path(one.target) for one in addresses if one.is_file]
    theirs += [] if registry is None else [path for path in registry.rglob("*") if path.is_file()]
    found = hashlib.sha256()
    for path in [*sorted(own), *sorted(theirs)]:
        found.update(path.name.encode("utf-8", "surrogateescape") + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def options(request: Request, addresses: Iterable[Address], *, strict: bool) -> dict[str, Any]:
    """Returns the options of a run as its first line holds them, by their names on the command line."""
    return {
        "adapter": [one.told for one in addresses if one.named],
        "implementation": list(request.implementations),
        "spec": list(request.specs),
        "dtype": list(request.dtypes),
        "device": request.device,
        "examples": request.examples,
        "seed": request.seed,
        "timeout": request.timeout,
        "import_timeout": request.import_timeout,
        "host_memory": request.host_memory,
        "in_process": request.in_process,
        "deviations": None if request.deviations is None else without_folders(request.deviations),
        "strict": strict,
    } | {name: value for name in ("shard", "without_variants") if (value := getattr(request, name))}


def resumable(out: Path, now: RunRecord) -> Results:
    """Returns the interrupted run in `out`, with the findings that are kept; raises CallError where it cannot be gone
    on with by the run that `now` begins."""
    results = read_results(out)
    if results.end is not None and not any(one.get("missing") == "not run" for one in results.findings):
        raise CallError(f"{out} holds a complete run, of {len(results.findings)} findings; there is nothing to resume")
    then: Any = results.run
    differing = [name for name in SAME if then.get(name) != now.get(name)]
    if then["environment"].get("python") != now["environment"].get("python"):
        differing.append("python")
    if differing:
        words = "; ".join(_difference(name, then, now) for name in differing[:3])
        raise CallError(
            f"{out} cannot be resumed, since what it was judged by has changed ({words}); expected all as it began: "
            "start it anew"
        )
    return replace(results, findings=tuple(_kept(out, results.findings)))


def _kept(out: Path, findings: Iterable[Finding]) -> Iterator[Finding]:
    for one in findings:
        files = [name for name in (one["witness"], one["reproduce"]) if name is not None]
        if one.get("missing") != "not run" and all((out / name).is_file() for name in files):
            yield one


def _difference(name: str, then: Any, now: Any) -> str:
    before, after = then.get(name), now.get(name)
    if name == "python":
        before, after = then["environment"].get("python"), now["environment"].get("python")
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        return ", ".join(f"{key}: {before.get(key)!r:.60} became {after.get(key)!r:.60}" for key in keys[:3])
    if isinstance(before, str) and isinstance(after, str) and name != "digest":
        return f"{name}: {before!r:.60} became {after!r:.60}"
    words = {"digest": "bnconform's sources, the specs, an adapter's file or the known deviations"}
    return words.get(name, name)
