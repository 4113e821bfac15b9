"""What is drawn follows from the seed, whatever code of the user's lies beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from bnconform.engine.drawing import drawn
{beside}

NUMBERS = st.integers(0, 2**32 - 1)
CONSTANT = int(Path("constant.txt").read_text())

def by_hypothesis_alone(count):
    numbers = []

    @seed(0)
    @settings(max_examples=count, database=None, deadline=None, phases=(Phase.generate,),
              suppress_health_check=list(HealthCheck))
    @given(NUMBERS)
    def take(number):
        numbers.append(number)

    take()
    return numbers

print(CONSTANT in by_hypothesis_alone(2000), CONSTANT in drawn(NUMBERS, 2000), *drawn(NUMBERS, 200))
"""


def program(folder: Path, beside: str) -> list[str]:
    """Returns what a process of its own prints, which has loaded no other code of tests; `beside` is more of its
    code."""
    (folder / "constant.txt").write_text("3141592653")
    (folder / "code_of_the_user.py").write_text("SEED = 3141592653\n")
    (folder / "program.py").write_text(PROGRAM.format(beside=beside))
    command = [sys.executable, "program.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


def test_constants_of_the_users_code_are_not_drawn_and_change_nothing(tmp_path: Path) -> None:
    found, drawn, *numbers = program(tmp_path, "import code_of_the_user")
    assert found == "True", "Hypothesis draws no such constants any more: engine/reproducible goes"
    assert drawn == "False"
    without = program(tmp_path, "")
    assert (without[0], len(numbers)) == ("False", 200)
    assert without[2:] == numbers
