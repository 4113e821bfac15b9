"""A results file of any size, made by arithmetic: as many findings as asked for, mixed as those of a real run are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

from bnconform.results.file import FILE
from worlds import records as world

DTYPES = ("float16", "bfloat16", "float32", "float64")
CHAPTERS = 12
PER_CHAPTER = 11
KNOWN = {"fault": "implementation", "reason": "The sum is rounded. " * 8, "link": "https://example.org/issues/1"}
_MEASURE = r"""
import re, resource, sys, time
from pathlib import Path
from bnconform.cli.main import main
status = main(["report", sys.argv[1], "--out", sys.argv[2]])
own = Path("/proc/self/status")  # its figure begins at exec; that of getrusage is no less than the parent's was
peak = re.search(r"VmHWM:\s+(\d+)", own.read_text()) if own.is_file() else None
print(status, time.process_time(), peak[1] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a report cost: CPU seconds of its process, imports included, and its largest memory in megabytes."""

    findings: int
    seconds: float
    megabytes: float


def many_findings(count: int, implementations: int) -> Iterator[dict[str, Any]]:
    """Yields `count` findings: of a thousand 53 fail, 17 deviate and 268 are unsupported, as in a real run."""
    named = [f"framework{at % 12}.module.batch_norm_{at}" for at in range(implementations)]
    specs = (f"keeps_statement_{at}" for at in range(CHAPTERS * PER_CHAPTER))
    for at, (spec, name, dtype) in enumerate(islice(product(specs, named, DTYPES), count)):
        place = at * 7919 % 1000
        told = {"spec": spec, "implementation": name, "dtype": dtype}
        if place < 70:
            yield world.finding(**told, **_shown("fails" if place < 53 else "deviates", at))
        elif place < 338:
            reason = f"not offered: reason {at % 60}"
            yield world.finding(**told, verdict="unsupported", worst_ratio=None, claimed=None, reason=reason)
        else:
            yield world.finding(**told, worst_ratio=place / 1000)


def _shown(verdict: str, at: int) -> dict[str, Any]:
    files = {"witness": f"witnesses/{at}.safetensors", "reproduce": f"reproduce/{at}.py"}
    return {"verdict": verdict, "worst_ratio": 1.5 + at, "detail": world.DETAIL, "known": KNOWN, **files}


def write_many(out: Path, count: int, implementations: int) -> Path:
    """Writes the results of a run with so many findings to `out` and returns its file."""
    specs = [
        {**world.NORMALIZES, "id": f"keeps_statement_{at}", "chapter": f"chapter_{at // PER_CHAPTER}"}
        for at in range(CHAPTERS * PER_CHAPTER)
    ]
    named = [f"framework{at % 12}.module.batch_norm_{at}" for at in range(implementations)]
    described = [world.implementation(name, dtypes=list(DTYPES)) for name in named]
    lines = [world.run(specs=specs, implementations=described), *many_findings(count, implementations)]
    lines.append({"kind": "end", "findings": count, "verdicts": {}, "seconds": 1.0, "exit_status": 0})
    out.mkdir(parents=True, exist_ok=True)
    with (out / FILE).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in lines)
    return out / FILE


def cost_of_a_report(results: Path, out: Path) -> Cost:
    """Returns what `bnconform report` costs in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(results), str(out)], check=True, capture_output=True, text=True
    ).stdout.split()
    status, seconds, kilobytes = told[-3:]
    assert status == "0"
    return Cost(findings=int(told[0]), seconds=float(seconds), megabytes=int(kilobytes) / 1024)
