"""Cells of a local package are judged, merged, gone on with, and told where they are missing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from worlds import releases, tiny

from bnconform.results.file import read_results


def matrix(folder: Path, released: dict[str, str]) -> None:
    options = json.dumps(list(releases.wheels(folder / "wheels", released)))
    adapter = json.dumps([str(releases.adapter(folder))])
    (folder / "matrix.toml").write_text(
        "".join(
            f'[[cell]]\nframework = "tinybn"\nversion = "{version}"\npython = "3.11"\nlabels = ["quick"]\n'
            f"adapters = {adapter}\noptions = {options}\n"
            for version in released
        ),
        encoding="utf-8",
    )


@pytest.mark.slow
def test_cells_are_judged_once_and_a_missing_one_has_its_reason(tmp_path: Path) -> None:
    matrix(tmp_path, {"1.0": releases.RIGHT, "1.1": releases.WRONG, "1.2": "broken"})
    words = ("matrix", "run", "--label", "quick", "-n", "2", "--out", "cells", "--environments", "made",
             "--spec", "normalizes_by_the_batch", "--examples", "3")  # fmt: skip
    first = tiny.bnconform(*words, cwd=tmp_path)
    assert first.returncode == 2, first.stdout + first.stderr
    found = {version: read_results(tmp_path / "cells" / f"tinybn_{version}_py311") for version in ("1.0", "1.1", "1.2")}
    assert [one["verdict"] for one in found["1.0"].findings] == ["conforms"]
    assert [one["verdict"] for one in found["1.1"].findings] == ["fails"]
    assert "no-such-package-at-all" in found["1.2"].missing
    assert found["1.2"].findings == ()
    made = found["1.0"].run["implementations"][0]
    assert made["versions"] == {"tinybn": "1.0"}
    assert made["environment"]["python"].startswith("3.11")
    assert "missing, or not finished: tinybn_1.2_py311" in first.stdout
    assert "remain" in first.stdout
    page = (tmp_path / "cells" / "index.html").read_text(encoding="utf-8")
    assert "MISSING" in page
    assert "no-such-package-at-all" in page
    again = tiny.bnconform(*words, "--only", "*1.[01]*", cwd=tmp_path)
    assert again.returncode == 1
    assert again.stdout.count("judged before") == 2


@pytest.mark.slow
def test_an_interrupted_call_goes_on_where_it_stopped(tmp_path: Path) -> None:
    matrix(tmp_path, {"1.0": releases.RIGHT})
    words = ["matrix", "run", "--label", "quick", "--out", "cells", "--environments", "made"]
    words += ["--spec", "normalization", "--spec", "invariances", "--examples", "20"]
    results = tmp_path / "cells" / "tinybn_1.0_py311" / "results.jsonl"
    slow = {**tiny.environment(), "TINYBN_SLEEPS": "0.02"}
    process = subprocess.Popen([sys.executable, "-m", "bnconform", *words], cwd=tmp_path, env=slow, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    deadline = time.monotonic() + 120
    while not results.exists() or results.read_bytes().count(b"\n") < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, "the same call goes on where it stopped" in said) == (2, True), said
    before = read_results(results)
    assert before.interrupted
    kept = results.read_bytes().splitlines()[1 : len(before.findings) + 1]
    again = tiny.bnconform(*words, cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    after = read_results(results)
    assert not after.interrupted
    assert len(after.findings) > len(before.findings) > 0
    assert results.read_bytes().splitlines()[1 : len(kept) + 1] == kept
    assert after.run["started"] == before.run["started"]


def test_a_matrix_that_is_not_there_and_a_name_that_no_cell_has_are_wrong_calls(tmp_path: Path) -> None:
    none = tiny.bnconform("matrix", "list", cwd=tmp_path)
    assert (none.returncode, "matrix.toml: No such file" in none.stderr) == (2, True)
    matrix(tmp_path, {"1.0": releases.RIGHT})
    strange = tiny.bnconform("matrix", "list", "--only", "torch*", cwd=tmp_path)
    assert (strange.returncode, "no cell has a name like torch*" in strange.stderr) == (2, True)


def test_a_report_of_nothing_is_no_error_where_it_was_asked_for_if_any(tmp_path: Path) -> None:
    strict = tiny.bnconform("report", "reports/latest", cwd=tmp_path)
    found = tiny.bnconform("report", "--if-any", "reports/latest", "reports/cells", cwd=tmp_path)
    assert (strict.returncode, found.returncode) == (2, 0)
    assert "passed over: reports/cells holds no results.jsonl" in found.stdout
    assert not (tmp_path / "reports").exists()
