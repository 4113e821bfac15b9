"""A small world of records for the tests of results and report: a run line, findings, an end line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bnconform.results.file import Results, read_results
from bnconform.results.writer import ResultsWriter

NORMALIZES = {
    "id": "normalizes_by_the_batch",
    "chapter": "normalization",
    "sentence": "Training normalizes by the biased statistics of the batch itself.",
    "latex": r"y = \gamma\,\frac{x - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}} + \beta",
    "source": "Ioffe & Szegedy 2015, Algorithm 1",
}
TRACKS = {
    "id": "tracks_the_variance",
    "chapter": "running_statistics",
    "sentence": "The running variance moves towards the unbiased variance of the batch.",
    "latex": r"r_v' = (1 - \omega)\,r_v + \omega\,\frac{m}{m - 1}\,\sigma_B^2",
    "source": "Ioffe & Szegedy 2015, section 3.1",
}
CASE = {
    "mode": "train",
    "dtype": "float32",
    "shape": [2, 3],
    "axis": 1,
    "eps": 1e-5,
    "momentum": 0.1,
    "x": [[1.0, 2.0, 3.0], [4.5, 5.0, "inf"]],
    "gamma": [1.0, 1.0, 1.0],
    "beta": None,
    "running_mean": [0.0, 0.0, 0.0],
    "running_var": [1.0, 1.0, 1.0],
    "dy": None,
}
DETAIL = {
    "index": [1, 0],
    "actual": 123.5,
    "expected": 0.75,
    "bound": 1e-6,
    "case": CASE,
    "actual_values": [[-1.0, -1.0, -1.0], [123.5, 1.0, "nan"]],
    "expected_values": [[-1.0, -1.0, -1.0], [0.75, 1.0, 1.0]],
    "bound_values": [[1e-6, 1e-6, 1e-6], [1e-6, 1e-6, "inf"]],
    "traceback": None,
    "stderr": None,
}


def implementation(name: str = "mini.batch_norm", **changed: Any) -> dict[str, Any]:
    """Returns the record of one implementation."""
    record = {"name": name, "version": "1.0", "adapter": "mini", "dtypes": ["float32", "float64"], "devices": ["cpu"]}
    return record | {"dialect": {}, "links": {}} | changed


def run(**changed: Any) -> Any:
    """Returns a run line."""
    record: dict[str, Any] = {
        "kind": "run",
        "schema": 1,
        "command": ["bnconform", "run", "--adapter", "mini"],
        "started": "2026-11-21T07:00:00+00:00",
        "environment": {"python": "3.11.9", "platform": "Linux", "machine": "x86_64", "processors": 8},
        "versions": {"numpy": "2.4.6", "mini": "1.0"},
        "seed": 0,
        "examples": 100,
        "timeout": 60.0,
        "device": "cpu",
        "specs": [NORMALIZES, TRACKS],
        "implementations": [implementation()],
        "missing": [{"adapter": "jax", "needs": "jax"}],
        "broken": [{"adapter": "shaky", "message": "no module named shaky_core"}],
    }
    return record | changed


def finding(**changed: Any) -> Any:
    """Returns a finding line, one that conforms unless told otherwise."""
    record: dict[str, Any] = {
        "kind": "finding",
        "spec": "normalizes_by_the_batch",
        "implementation": "mini.batch_norm",
        "version": "1.0",
        "dtype": "float32",
        "device": "cpu",
        "verdict": "conforms",
        "worst_ratio": 0.31,
        "quantity": "y",
        "examples": 100,
        "claimed": 0.98,
        "diagnosis": [],
        "witness": None,
        "reproduce": None,
        "fault": None,
        "reason": "every element lies within its bound",
        "compared": 4000,
        "detail": None,
    }
    return record | changed


def defect(**changed: Any) -> Any:
    """Returns the line of a defect that nobody knows yet."""
    record = {"kind": "defect", "id": "mini.batch_norm/y", "title": "y is wrong", "severity": "ordinary", "effect": ""}
    record |= {"known": False, "fault": "implementation", "likely": "", "words": "", "findings": 1, "link": ""}
    record |= {"implementations": ["mini.batch_norm"], "dtypes": ["float32"], "specs": [NORMALIZES["id"]]}
    record |= {"shown": [NORMALIZES["id"], "mini.batch_norm", "float32", "cpu"], "script": None, "status": None}
    return record | changed


def write(out: Path, *findings: Any, end: bool = True, defects: Any = (), **changed: Any) -> Results:
    """Writes the results of a run to `out` and reads them back."""
    with ResultsWriter(out) as writer:
        writer.run(run(**changed))
        for one in findings:
            writer.finding(one)
        for one in defects:
            writer.defect(one)
        if end:
            writer.end(seconds=1.5, exit_status=0)
    return read_results(out)
