"""A tiny world for tests of the plugin and the command line: two specs, and an adapter right, wrong and worse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SPECS = '''
from bnconform.cases.strategies import cases
from bnconform.engine.agreement import agree
from bnconform.engine.spec import spec
from bnconform.oracle import bounds, reference

TRAINING = cases(mode="train", gradients=False)


@spec("y = h", source="a paper", given=TRAINING)
def normalizes_tiny(bn, case):
    """Training normalizes."""
    return agree(bn(case).y, reference.y(case), within=bounds.y(case, bn.dialect), output="y")


@spec("m = n", source="a paper", given=TRAINING)
def averages_tiny(bn, case):
    """Training averages the mean."""
    bound = bounds.running_mean(case, bn.dialect)
    return agree(bn(case).running_mean, reference.running_mean(case), within=bound, output="running_mean")
'''
HEAD = """
import ctypes, os, time
import numpy as np
from bnconform import Implementation, Outcome, Unsupported

def train(case, weight):
    x = np.moveaxis(case.x, case.axis, -1).reshape(-1, case.channels)
    one = x.dtype.type
    mean = x.sum(axis=0) / one(len(x))
    d = x - mean
    y = d / np.sqrt((d * d).sum(axis=0) / one(len(x)) + one(case.eps))
    y = y if case.gamma is None else y * case.gamma
    y = y if case.beta is None else y + case.beta
    y = np.moveaxis(y.reshape(np.moveaxis(case.x, case.axis, -1).shape), -1, case.axis)
    old = case.running_mean
    return Outcome(y=y, running_mean=None if old is None else (one(1) - one(weight)) * old + one(weight) * mean)

def checked(case):
    if case.mode != "train":
        raise Unsupported("training only")
    return case
"""
FUNCTIONS = {
    "right": "def right(case): return train(checked(case), case.momentum)\n",
    "swapped": "def swapped(case): return train(checked(case), 1 - case.momentum)\n",
    "refuses": "def refuses(case): raise Unsupported('no such thing')\n",
    "misshapen": "def misshapen(case): return Outcome(y=case.x[:1])\n",
    "aborts": "def aborts(case): os.abort()\n",
    "reads_address_0": "def reads_address_0(case): return Outcome(y=ctypes.string_at(0))\n",
    "sleeps": "def sleeps(case): time.sleep(1e6)\n",
}
TAIL = """
NAMES = {names!r}
IMPLEMENTATIONS = [Implementation(name="tiny." + name, run=globals()[name], version="1.2", dtypes={dtypes!r})
                   for name in NAMES]
"""


def adapter(
    folder: Path, *names: str, own: str = "", dtypes: tuple[str, ...] = ("float32",), file: str = "tiny.py"
) -> Path:
    """Writes an adapter of these implementations: names of FUNCTIONS, or of functions that `own` defines."""
    body = "".join(FUNCTIONS.get(name, "") for name in names)
    path = folder / file
    path.write_text(HEAD + body + own + TAIL.format(names=list(names), dtypes=set(dtypes)), encoding="utf-8")
    return path


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def bnconform(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Calls the command line as a user does."""
    return _called([sys.executable, "-m", "bnconform", *map(str, words)], cwd)


def pytest(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Calls pytest as a user does."""
    return _called([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, words)], cwd)


def _called(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=1200, check=False
    )


def lines(out: Path) -> list[dict[str, Any]]:
    """Returns the lines of the results in `out`."""
    return [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def verdicts(out: Path) -> dict[tuple[str, str, str], str]:
    """Returns the verdicts of the results in `out` by implementation, dtype and spec."""
    found = [line for line in lines(out) if line["kind"] == "finding"]
    return {(one["implementation"], one["dtype"], one["spec"]): one["verdict"] for one in found}
