"""The account of a run: what it was to judge, what it found, what is lost, and the exit status that this amounts to.

Rules: a run is complete when each item that was planned has its finding, and only then its results get a last line; the
status is that of this account, never of what lies on disk; an error of bnconform's own, or of the file system, is never
a verdict.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bnconform.cli.session.interruption import INTERRUPTIONS
from bnconform.contract.errors import ContractError
from bnconform.engine.agreement import BAD
from bnconform.report import write_report
from bnconform.results.defects import Defect, defects_of
from bnconform.results.file import read_results
from bnconform.results.proving import Surroundings, prove
from bnconform.results.records import DefectRecord, Finding, is_known, is_stale
from bnconform.results.writer import ResultsWriter

Key = tuple[str, str, str]


def key(finding: Finding) -> Key:
    """Returns what tells a finding from the others of its run, all of which are of one device."""
    return finding["spec"], finding["implementation"], finding["dtype"]


class Account:
    """The account of one run. strict: statements of prudence count as well. faulty: an adapter is broken."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.faulty = False
        self.planned: frozenset[Key] = frozenset()
        self.writer: ResultsWriter | None = None
        self.errors = 0
        self.deselected = 0
        self.defects: list[Defect] = []
        self.records: list[DefectRecord] = []
        self.ended = False
        self.reported = False
        self.stopped = ""
        """Why the run stopped before its end, in words."""
        self._found: dict[Key, Finding] = {}
        self._lost: list[str] = []
        self._started = time.perf_counter()

    @property
    def findings(self) -> list[Finding]:
        """The findings, in the order in which they came; those of a run that is resumed first."""
        return list(self._found.values())

    @property
    def done(self) -> frozenset[Key]:
        """The items that have their finding."""
        return frozenset(self._found)

    @property
    def complete(self) -> bool:
        """Whether all that was planned was judged, and nothing stopped the run."""
        return not self.stopped and not self.errors and self.done == self.planned and bool(self.planned)

    @property
    def lost(self) -> list[str]:
        """The files that could not be written, and why."""
        return self._lost + ([] if self.writer is None else self.writer.folder.lost)

    @property
    def keeps_earlier(self) -> bool:
        """Whether nothing was found, so that the files of an earlier run stand."""
        return self.writer is not None and not self.writer.placed

    @property
    def status(self) -> int:
        """The exit status that the findings amount to."""
        if not self.complete or (self.writer is not None and not self.ended):
            return 2
        return self._verdict

    @property
    def _verdict(self) -> int:
        found = self.findings
        if any(is_stale(one) or self._counts(one) for one in found):
            return 1
        unfinished = any(one.get("fault") == "adapter" or one.get("missing") == "not run" for one in found)
        own = any("error" in one for one in found)
        return 2 if self.faulty or unfinished or own or not self.claims else 0

    @property
    def claims(self) -> bool:
        """Whether anything was claimed of any implementation."""
        return any(one["verdict"] != "unsupported" for one in self.findings)

    def _counts(self, found: Finding) -> bool:
        """Returns whether a finding is a failure that decides the exit status."""
        prudent = found.get("basis") == "prudence" and not self.strict
        return found["verdict"] in BAD and not is_known(found) and not prudent

    def begin(self, found: Iterable[Finding]) -> None:
        """Takes the findings of the run that is resumed."""
        self._found = {key(one): one for one in found}

    def take(self, found: Finding, files: Mapping[str, bytes]) -> bool:
        """Takes a finding down with its files; returns whether it is the first of its item. Raises OSError where the
        results cannot be written."""
        if key(found) in self._found:  # another plugin asked again
            return False
        if self.writer is not None:
            try:
                self.writer.finding(found, files)
            except OSError as error:
                self.stopped = f"the results could not be written: {error.strerror}"
                raise
        self._found[key(found)] = found
        return True

    def finish(self, chapters: dict[str, str], surroundings: Mapping[str, Surroundings]) -> None:
        """Ends the results where the run is complete, and writes the report."""
        try:
            self.defects = defects_of(self.findings, chapters)
            self._end(surroundings)
        except KeyboardInterrupt:
            INTERRUPTIONS.stopping()
            self.stopped = self.stopped or "interrupted"
        except OSError as error:
            self.stopped = f"the results could not be written: {error.strerror}"
        if self.writer is None:
            return
        with INTERRUPTIONS.held():
            self.writer.close()
            if not self.keeps_earlier:
                self._report(self.writer.out)

    def _end(self, surroundings: Mapping[str, Surroundings]) -> None:
        if self.writer is None or not self.complete:
            return
        self.records = prove(self.defects, self.writer.folder, surroundings, workers=os.cpu_count() or 1)
        for record in self.records:
            self.writer.defect(record)
        self.writer.end(seconds=time.perf_counter() - self._started, exit_status=self._verdict)
        self.ended = True

    def _report(self, out: Path) -> None:
        try:
            write_report([read_results(out)], out)
            self.reported = True
        except OSError as error:
            self._lost.append(f"index.html: {error.strerror}")
        except ContractError as error:
            self._lost.append(f"index.html: {error}")

    def words(self, resumable: Sequence[str] = ()) -> list[str]:
        """Returns what is to be told of a run that is not complete, and of files that could not be written. resumable:
        the call that goes on with it."""
        lines = []
        if not self.complete or (self.writer is not None and not self.ended):
            why = [self.stopped] * bool(self.stopped)
            why += [f"{self.deselected} deselected"] * bool(self.deselected)
            why += [f"{self.errors} with an error of bnconform's own or of another test"] * bool(self.errors)
            lines.append(
                f"not complete: {len(self._found)} of {len(self.planned)} planned items were judged"
                + (f"; {', '.join(why)}" if why else "")
            )
            if self.keeps_earlier:
                lines.append("nothing was judged, so the results that are there stand as they were")
            elif resumable and self._found:
                lines.append(f"go on with: {' '.join(resumable)}")
        if self.findings and not self.claims:
            lines.append("nothing was claimed: every finding is unsupported, so the exit status is 2")
        not_run = sum(one.get("missing") == "not run" for one in self.findings)
        if not_run:
            lines.append(f"not run: {not_run} of {len(self.planned)} planned items, for want of time")
            lines += [f"go on with: {' '.join(resumable)}"] * bool(resumable and self.complete)
        if self.lost:
            more = f", and {len(self.lost) - 3} more" if len(self.lost) > 3 else ""
            lines.append(f"could not be written: {'; '.join(self.lost[:3])}{more}")
        return lines
