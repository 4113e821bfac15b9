"""The progress of a run on the screen: a line for each implementation and dtype once its verdicts are known.

Rules: the line counts every verdict but "conforms"; nothing here decides anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from bnconform.engine.agreement import BAD, VERDICTS
from bnconform.results.records import Finding, is_known, is_stale, told_verdict

WEAK = 0.25
"""A share of claims below which the line says so."""

NAMED = 4
"""How many of the statements that are not kept a line names."""


class Progress:
    """Writes to pytest's terminal reporter, or nowhere if there is none."""

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        self._open: dict[str, list[Finding]] = defaultdict(list)

    def add(self, found: Finding, group: str, of: int) -> None:
        """Takes a finding; writes the line of its group when that is complete."""
        self._open[group].append(found)
        if len(self._open[group]) == of and self._terminal is not None:
            self._terminal.ensure_newline()
            self._terminal.write_line(_line(self._open.pop(group)), **_colour(found))

    def summary(self, findings: list[Finding], out: Path | None, told: list[str], missing: list[str]) -> None:
        """Writes what is wrong, as `told`, the counts, where the report lies and what is `missing`."""
        if self._terminal is None or not (findings or missing):
            return
        self._terminal.write_sep("=", "bnconform")
        for line in told:
            self._terminal.write_line(line, **({"red": True} if line.startswith("✗") else {}))
        if findings:
            self._terminal.write_line(_counted(findings))
        stale = sum(map(is_stale, findings))
        if stale:
            self._terminal.write_line(f"{stale} of the known deviations no longer hold", red=True)
        if out is not None:
            self._terminal.write_line(f"report: {out / 'index.html'}")
        for line in missing:
            self._terminal.write_line(line, red=True)


def _line(group: list[Finding]) -> str:
    first = group[0]
    ratios = [found for found in group if found["verdict"] == "conforms" and found["worst_ratio"] is not None]
    worst = max(ratios, key=lambda found: found["worst_ratio"] or 0.0, default=None)
    nearest = "" if worst is None else f"; nearest to its bound {worst['worst_ratio']:.2f} ({worst['quantity']})"
    weakest = min(ratios, key=lambda found: found["claimed"] or 0.0, default=None)
    if weakest is not None and (weakest["claimed"] or 0.0) < WEAK:
        nearest += f"; weakest evidence {weakest['claimed'] or 0.0:.0%} claimed ({weakest['spec']})"
    bad = [found["spec"] for found in group if found["verdict"] in BAD and not is_known(found)]
    more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    not_kept = f"; not kept: {', '.join(bad[:NAMED])}{more}" if bad else ""
    stale = [found["spec"] for found in group if is_stale(found)]
    no_longer = f"; no longer as the registry knows: {', '.join(stale)}" if stale else ""
    odd = sum(len(found.get("unrepeated", ())) for found in group)
    once = f"; crashed, hung or lacked memory in {odd} call{'s' * (odd != 1)} and not again" if odd else ""
    return f"{first['implementation']} {first['dtype']}: {_counted(group)}{nearest}{not_kept}{no_longer}{once}"


def _counted(findings: list[Finding]) -> str:
    """Returns how many there are of each verdict, and how many of those are known."""
    counts = Counter(map(told_verdict, findings))
    known = Counter(told_verdict(found) for found in findings if is_known(found))
    told = (*VERDICTS, "flaky")
    return ", ".join(f"{counts[one]} {one}{_part(known[one], counts[one])}" for one in told if counts[one])


def _part(known: int, of: int) -> str:
    return "" if not known else " (known)" if known == of else f" ({known} of them known)"


def _colour(found: Finding) -> dict[str, bool]:
    return {"red": True} if found["verdict"] in BAD and not is_known(found) else {}
