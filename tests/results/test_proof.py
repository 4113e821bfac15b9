"""A proof runs the case that was compared, in few lines, and ends with 1 while it is so and with 0 where it is not."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from worlds import records, tiny

from bnconform.analysis.diagnosis.shown import Shown
from bnconform.contract.case import Case
from bnconform.contract.snippet import Snippet
from bnconform.results.proof import proof, tolerance

ADAPTER = """
from bnconform import Case, Implementation, Outcome


def run(case: Case) -> Outcome:
    if (case.x < -90).any():
        raise ValueError("too cold")
    return Outcome(y=case.x + WRONG, dx=case.dy)


IMPLEMENTATIONS = [Implementation(name="mine.norm", run=run, dtypes={"float32", "bfloat16"})]
"""
SNIPPET = Snippet(code="def run():\n    return {'y': VALUES['x'].astype(DTYPES['x']) + 1}", needs="")


def case(x: Any = (0.005, 0.5), dtype: Any = np.float32, **changed: Any) -> Case:
    given: dict[str, Any] = {"gamma": None, "beta": None, "running_mean": None, "running_var": None}
    given |= {"mode": "train", "x": np.array(x, dtype).reshape(-1, 1), "eps": 0.25, "momentum": 0.25, "axis": 1}
    return Case(**given | changed)


def shown(of: Case, wrong: float = 1.0) -> Shown:
    x = of.x.astype(np.float64)
    return Shown(case=of, output="y", index=(0, 0), actual=x + wrong, expected=x, allowance=np.full(x.shape, 1e-6))


def written(folder: Path, text: str, wrong: float | str = 1.0) -> Path:
    (folder / "mine.py").write_text(ADAPTER.replace("WRONG", str(wrong)), encoding="utf-8")
    (folder / "scripts").mkdir(exist_ok=True)
    path = folder / "scripts" / "proof.py"
    path.write_text(text, encoding="utf-8")
    return path


def text_of(folder: Path, one: Shown, snippet: Snippet | None = None, **changed: Any) -> str:
    finding = records.finding(**{"implementation": "mine.norm", "verdict": "fails", **changed})
    return proof(finding, "y is x.", "y = x; dx = g", one, "../mine.py", snippet)


def ran(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, path], env=tiny.environment(), capture_output=True, text=True, timeout=60,
                          check=False, cwd="/")  # fmt: skip


def test_it_ends_with_1_while_it_is_so_and_with_0_where_it_is_mended(tmp_path: Path) -> None:
    text = text_of(tmp_path, shown(case()))
    assert len(text.splitlines()) <= 25
    assert max(map(len, text.splitlines())) <= 120
    assert "# y = x\n" in text
    assert (found := ran(written(tmp_path, text))).returncode == 1, found.stderr
    assert "y returned [1.005 1.5  ]" in found.stdout
    assert ran(written(tmp_path, text, wrong=0.0)).returncode == 0


def test_a_case_with_everything_that_can_be_asked_is_written_whole(tmp_path: Path) -> None:
    one = np.ones(1, ml_dtypes.bfloat16)
    whole = case((1.005, np.inf), ml_dtypes.bfloat16, gamma=one, beta=one, running_mean=one, running_var=one,
                 dy=np.array([[0.25], [-1]], ml_dtypes.bfloat16), memory="strided")  # fmt: skip
    text = text_of(tmp_path, shown(whole))
    assert len(text.splitlines()) <= 28
    assert ran(written(tmp_path, text)).returncode == 1


def test_arrays_lie_in_the_script_as_they_lay_in_the_run(tmp_path: Path) -> None:
    strided = replace(shown(case((0.5, 2.5), memory="strided")), actual=np.array([[8.5], [10.5]]))
    text = text_of(tmp_path, strided)
    assert len(text.splitlines()) <= 25
    assert ran(written(tmp_path, text, wrong="case.x.strides[0]")).returncode == 1  # 4 in the plain case
    assert "y returned [ 8.5 10.5]" in ran(tmp_path / "scripts" / "proof.py").stdout
    assert "handed_over" not in text_of(tmp_path, shown(case()))


def test_a_snippet_stands_in_for_the_adapter_and_for_bnconform(tmp_path: Path) -> None:
    text = text_of(tmp_path, shown(case()), SNIPPET)
    assert "bnconform" not in text
    assert "Needs NumPy." in text
    assert ran(written(tmp_path, text)).returncode == 1


def test_an_exception_is_shown_by_the_case_that_raised_it(tmp_path: Path) -> None:
    cold = Shown(case=case((-100.0, 1.0)))
    text = text_of(tmp_path, cold, raises="ValueError")
    found = ran(written(tmp_path, text))
    assert (found.returncode, found.stdout.strip()) == (1, "ValueError too cold")
    assert ran(written(tmp_path, text_of(tmp_path, cold, raises="TypeError"))).returncode == 0
    assert ran(written(tmp_path, text_of(tmp_path, Shown(case=case()), raises="ValueError"))).returncode == 0


EVIL = [
    "x\"); open('obeyed', 'w'); #",
    "a\nopen('obeyed', 'w')\n",
    '\'"""\\',
    "\u2028open('obeyed', 'w')",
    "\udcff\0\x1b",
]


@pytest.mark.parametrize("snippet", [None, SNIPPET])
@pytest.mark.parametrize("evil", EVIL)
def test_names_and_texts_are_literals_or_comments(evil: str, snippet: Snippet | None) -> None:
    finding = records.finding(implementation=evil, version=evil, verdict="fails", raises=evil)
    for one in (shown(case()), replace(shown(case()), output=evil), Shown(case=case())):
        text = proof(
            finding,
            evil,
            f"{one.output} = {evil}",
            one,
            f"{evil}.py",
            snippet,
        )
        text.encode("utf-8")
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        assert not [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "open"]


@pytest.mark.parametrize("adapter", ["pipe:./mine", "python=/usr/bin/python3:mine"])
def test_a_program_has_none(adapter: str) -> None:
    assert proof(records.finding(), "s", "", shown(case()), adapter, None) == ""


def test_one_tolerance_serves_where_it_still_tells_the_error() -> None:
    one = shown(case())
    assert tolerance(one) == 1e-6
    wide = Shown(case=one.case, output="y", index=(0, 0), actual=one.actual, expected=one.expected,
                 allowance=np.array([[1e-6], [5.0]]))  # fmt: skip
    assert np.array_equal(tolerance(wide), [[1e-6], [5.0]])


def test_no_text_from_outside_becomes_code(tmp_path: Path) -> None:
    evil = 'x"); import os; os.abort() #\nos.abort()'
    text = text_of(tmp_path, shown(case()), implementation="mine.norm", version=evil)
    assert ran(written(tmp_path, text)).returncode == 1
