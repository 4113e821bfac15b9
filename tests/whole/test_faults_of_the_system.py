"""When the n-th call of the system fails, for each n: the verdicts are right or the run is honestly interrupted.

Rules: the status is that of a run in which nothing failed, or 2; what lies on disk can be read, holds no wrong verdict,
and has an end line only where it has all findings; nobody sees a traceback.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from worlds import nth_call, tiny

from bnconform.contract.errors import ContractError
from bnconform.results.file import read_results

SPECS = ("--spec", "averages_the_running_mean", "--spec", "has_normalized_moments", "--examples", "2")
HERE = ("write", "open", "mkdir", "replace", "unlink", "truncate", "lock")


def runs(folder: Path, kind: str, step: int, *words: str) -> list[dict[str, Any]]:
    """What came of the runs in which the first, the next, and so on, of a kind of call fails."""
    command = [sys.executable, nth_call.__file__, kind, "1", str(step), str(folder), "run", *words]
    environment = {**tiny.environment(), "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def held_to(truth: dict[Any, str], status: int, told: dict[str, Any], out: Path) -> None:
    """Holds one run to the rules."""
    said = out.with_suffix(".txt").read_text(encoding="utf-8")
    about = f"{out.name}: {told}\n{said}"
    assert told["status"] in (status, 2), about
    assert "Traceback" not in said, about
    assert "INTERNALERROR" not in said, about
    if told["status"] == 2:
        assert any(words in said for words in ("bnconform: ", "ERROR: ", "not complete: ", "Error while ")), about
    try:
        results = read_results(out)
    except ContractError:
        assert told["status"] == 2, about
        assert not (out / "results.jsonl").exists(), about
        return
    judged = [one for one in results.findings if "error" not in one]  # of the others nothing is claimed
    verdicts = {(one["implementation"], one["dtype"], one["spec"]): one["verdict"] for one in judged}
    assert verdicts.items() <= truth.items(), about
    assert results.end is None or len(results.findings) == len(truth), about
    assert told["status"] == 2 or results.end is not None, about
    for one in results.findings:
        for name in (one["witness"], one["reproduce"]):
            assert name is None or (out / name).is_file(), about
        assert one["verdict"] != "fails" or one["witness"] or one["notes"], about


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "step", "in_process"),
    [*((kind, 1, True) for kind in HERE), ("open-anywhere", 29, True), ("spawn", 1, False), ("read", 7, False)],
)
def test_a_call_that_fails_leaves_right_verdicts_or_an_honest_interruption(
    tmp_path: Path, kind: str, step: int, in_process: bool
) -> None:
    tiny.adapter(tmp_path, "right", "swapped")
    words = ["--adapter", "tiny.py", *SPECS, *(["--in-process"] if in_process else [])]
    assert tiny.bnconform("run", *words, "--out", "whole", cwd=tmp_path).returncode == 1
    truth = tiny.verdicts(tmp_path / "whole")
    assert sorted(truth.values()) == ["conforms", "conforms", "conforms", "fails"]
    came = runs(tmp_path, kind, step, *words)
    for told in came:
        held_to(truth, 1, told, tmp_path / f"{kind}-{told['number']}")
    assert [one["failed"] for one in came] == [True] * (len(came) - 1) + [False]
    assert came[-1]["status"] == 1
    assert len(came) > 1
