"""A signal at any time, to any process of a run, costs no verdict its truth; `worlds/kills.py` makes more of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds import kills


@pytest.mark.slow
def test_no_kill_leaves_a_wrong_verdict_a_false_end_or_a_process_and_each_run_can_be_resumed(tmp_path: Path) -> None:
    assert kills.kill(tmp_path, count=10, seed=1) == []
