"""The line of an implementation counts what is flaky by itself, and what happened once and not again."""

from __future__ import annotations

from typing import Any

from worlds import records

from bnconform.cli.session.progress import Progress


class Terminal:
    """A terminal that keeps what is written to it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def ensure_newline(self) -> None:
        pass

    def write_line(self, line: str, **_: Any) -> None:
        self.lines.append(line)


def line(*findings: Any) -> str:
    terminal = Terminal()
    progress = Progress(terminal)
    for one in findings:
        progress.add(one, "group", len(findings))
    (written,) = terminal.lines
    return written


def test_what_is_flaky_is_not_counted_among_the_failures() -> None:
    flaky = records.finding(verdict="fails", repeated={"shown": 1, "asked": 3})
    repeated = records.finding(verdict="fails", repeated={"shown": 3, "asked": 3})
    assert "1 conforms, 1 fails, 1 flaky" in line(records.finding(), flaky, repeated)


def test_what_happened_once_and_not_again_is_counted() -> None:
    once = {"what": "its process ended: SIGKILL", "shown": 1, "asked": 3}
    assert line(records.finding(unrepeated=[once])).endswith("; crashed, hung or lacked memory in 1 call and not again")
    assert "not again" not in line(records.finding())
