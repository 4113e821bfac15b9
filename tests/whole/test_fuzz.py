"""What a stranger's file or frame holds is read or refused in one line: nothing else is raised, started or held.

BNCONFORM_FUZZ=1e6 reads so many mutants of each kind in place of a few seconds' worth; BNCONFORM_FUZZ_SEED sets others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import tiny
from worlds.fuzzing import KINDS, LARGEST

MUTANTS = float(os.environ.get("BNCONFORM_FUZZ", 0))
SECONDS = float("inf") if MUTANTS else 3.0
SEED = os.environ.get("BNCONFORM_FUZZ_SEED", "0")


def fuzzed(kind: str, *, mutants: float = MUTANTS or 1e9, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-m", "worlds.fuzzing", kind, str(mutants), str(seconds), SEED]
    return subprocess.run(
        command,
        cwd=tests,
        env=tiny.environment(),
        capture_output=True,
        text=True,
        timeout=None if MUTANTS else 100,
        check=False,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutant_is_read_or_refused_and_no_more(kind: str) -> None:
    done = fuzzed(kind)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout
    told = json.loads(done.stdout)
    assert told["mutants"] > 50
    assert told["refused"] > 0
    assert told["read"] > 0
    assert told["MiB"] < LARGEST


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("raise ValueError('odd')", "ValueError: odd"),
        ("exec('1')", "a mutant made the reader do "),
        ("__import__('subprocess').run(['true'])", "a mutant made the reader do subprocess.Popen"),
        ("raise fuzzing.ContractError('two\\nlines')", "no line for a screen"),
        ("while True: pass", "of processor time"),
        ("self.held = bytearray(b'a' * (600 << 20)); raise fuzzing.ContractError('held')", '"MiB": '),
    ],
)
def test_the_watch_sees_a_reader_that_does_more(tmp_path: Path, broken: str, said: str) -> None:
    script = f"""
import sys
from worlds import fuzzing

def read(self, data):
    self.read_so_far += 1
    if self.read_so_far > 60:
        {broken}

fuzzing.PATIENCE = 1.0
fuzzing.Lines.read = read
sys.addaudithook(fuzzing._audit)
sys.exit(fuzzing.main("lines", 10, 60, 0))
"""
    (tmp_path / "broken.py").write_text(script, encoding="utf-8")
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    done = subprocess.run([sys.executable, "broken.py"], cwd=tmp_path, env={**tiny.environment(), "PYTHONPATH": path},
                          capture_output=True, text=True, timeout=100, check=False)  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
