"""A finding belongs to a version in an environment: neither overwrites the other, and what differs is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from worlds import hosts, records

from bnconform.contract.versions import environment
from bnconform.host.client import Host
from bnconform.report.columns import columns
from bnconform.report.summary import render_summary
from bnconform.results.file import merge
from bnconform.results.merging.beside import elsewhere


def cell(folder: Path, companion: str, verdict: str, started: str, **around: str) -> Any:
    own = {"python": "3.11.9", "numpy": "2.4.6"} | around
    made = records.implementation(versions={"mini": "1.0", "jax": companion}, environment=own)
    return records.write(
        folder, records.finding(verdict=verdict), implementations=[made], started=f"2026-01-01T00:00:0{started}"
    )


def test_two_runs_of_one_version_on_different_companions_both_stand(tmp_path: Path) -> None:
    old, new = cell(tmp_path / "1", "0.4", "fails", "1"), cell(tmp_path / "2", "0.5", "conforms", "2")
    merged = merge([old, new])
    assert [(found["verdict"], found["beside"]) for _, found in merged.findings] == [
        ("fails", "jax 0.4"), ("conforms", "jax 0.5"),
    ]  # fmt: skip
    assert merged.replaced == 0
    assert [one.release for one in columns(merged)] == ["1.0 (jax 0.4)", "1.0 (jax 0.5)"]


def test_of_two_runs_in_one_environment_the_later_counts(tmp_path: Path) -> None:
    old, new = cell(tmp_path / "1", "0.4", "fails", "1"), cell(tmp_path / "2", "0.4", "conforms", "2")
    merged = merge([old, new])
    assert [(found["verdict"], found.get("beside")) for _, found in merged.findings] == [("conforms", None)]
    assert merged.replaced == 1
    assert [one.release for one in columns(merged)] == ["1.0"]


def test_another_python_or_numpy_is_another_environment(tmp_path: Path) -> None:
    old = cell(tmp_path / "1", "0.4", "fails", "1", python="3.10.1", numpy="1.23.0")
    merged = merge([old, cell(tmp_path / "2", "0.4", "conforms", "2")])
    assert [found["beside"] for _, found in merged.findings] == ["Python 3.10.1, numpy 1.23.0",
                                                                "Python 3.11.9, numpy 2.4.6"]  # fmt: skip


def test_the_report_says_where_an_implementation_ran_if_not_where_it_was_judged(tmp_path: Path) -> None:
    there, here = cell(tmp_path / "1", "0.4", "fails", "1", python="3.10.1"), cell(tmp_path / "2", "0.4", "fails", "2")
    assert elsewhere(here.run) == {}
    assert elsewhere(there.run) == {"jax 0.4, numpy 2.4.6, Python 3.10.1": ["mini.batch_norm 1.0"]}
    assert "Elsewhere: mini.batch_norm 1.0 beside jax 0.4, numpy 2.4.6, Python 3.10.1" in render_summary(merge([there]))


def test_a_host_states_its_own_environment(tmp_path: Path) -> None:
    with Host(hosts.adapter(tmp_path, "def run(case): return Outcome(y=case.x)\n")) as host:
        (described,) = host.describe()
    assert described.environment == environment()
    assert described.environment["python"].count(".") == 2
