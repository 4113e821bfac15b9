import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def adapter_of_the_readme() -> str:
    found = re.search(r"<!-- adapter: mine.py -->\n```python\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.slow
def test_the_adapter_of_the_readme_runs_and_conforms(tmp_path):
    (tmp_path / "mine.py").write_text(adapter_of_the_readme(), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "bnconform",
        "run",
        "--adapter",
        "mine.py",
        "--out",
        "out",
        "--examples",
        "30",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text("utf-8").splitlines()]
    verdicts = {line["spec"]: line["verdict"] for line in lines if line["kind"] == "finding"}
    assert verdicts["normalizes_by_the_batch"] == "conforms"
    assert verdicts["averages_the_unbiased_variance"] == "conforms"
    assert verdicts["infers_by_the_running_statistics"] == "unsupported"


def test_ci_calls_the_test_command_of_the_readme():
    marked = README.partition("<!-- test command -->")[2]
    commands = [line for line in marked.splitlines() if line.startswith("python3.11 ")]
    assert len(commands) == 1
    # The tests come last: whoever reads a log, man or machine, takes its last closing line for the figure of the suite.
    assert commands[0].endswith("tox run -e lint,wheel,tests")
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
