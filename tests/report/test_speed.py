"""A report of many findings costs no more than it is allowed to."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds.many import cost_of_a_report, write_many

SECONDS, MEGABYTES = 6.0, 500.0
SLOWER = 3.0
"""How much slower a machine may be than the one that the seconds were set on, busy with other tests as it is: a scan of
all findings for each cell of the table, which this is to catch, cost more than ten times as much."""


@pytest.mark.slow
def test_thirty_thousand_findings_make_a_report_in_seconds(tmp_path: Path) -> None:
    results = write_many(tmp_path, 30_000, 72)
    cost = cost_of_a_report(results, tmp_path / "out")
    assert cost.seconds < SLOWER * SECONDS, cost
    assert cost.megabytes < MEGABYTES, cost
    assert cost.findings == 30_000
