"""Scripts of findings: a case for one, the script written, and run in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import bnconform
from bnconform.contract.case import Case
from bnconform.results.script import script


def make_case(dtype: Any = np.float32, *, shape: tuple[int, ...] = (3, 2), axis: int = 1, **changed: Any) -> Case:
    rng = np.random.default_rng(0)
    channels = shape[axis]
    wide = np.float32 if np.dtype(dtype).itemsize < 4 else dtype
    given: dict[str, Any] = {
        "mode": "train",
        "x": rng.normal(size=shape).astype(dtype),
        "gamma": rng.normal(size=channels).astype(wide),
        "beta": rng.normal(size=channels).astype(wide),
        "running_mean": np.zeros(channels, wide),
        "running_var": np.ones(channels, wide),
        "eps": 1e-5,
        "momentum": 0.1,
        "axis": axis,
        "dy": rng.normal(size=shape).astype(dtype),
    }
    return Case(**given | changed)


def write_script(tmp_path: Path, case: Case, **told: Any) -> Path:
    y = case.x.astype(np.float64)
    known: dict[str, Any] = {"implementation": "mini.identity", "adapter": "mini.py", "spec": "s", "quantity": "y"}
    known |= {"latex": r"y = \gamma", "expected": y, "bound": np.full(y.shape, 1e-9), "actual": y}
    path = tmp_path / "finding.py"
    path.write_text(script(case, **known | told), encoding="utf-8")
    return path


def run_script(path: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    root = str(Path(bnconform.__file__).parents[1])
    env = os.environ | {"PYTHONPATH": root, "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(path), *arguments]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
