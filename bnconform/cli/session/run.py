"""A Run judges specs on targets: families of specs are searched once, findings are read off, witnesses are written.

Rules: an adapter is put to the smoke test before its implementation is judged, once per implementation, dtype and
device; what is known of a family is replayed before it is searched, and what holds takes no part in the search; that
happens when the first of its findings is asked for; a host is open only while findings of its adapter are being made;
files are written whole or not at all.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bnconform.analysis.diagnosis import Diagnosis, Diagnostician
from bnconform.cases.strategies import Given
from bnconform.contract.address import AdapterSource
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.selection import Hosts
from bnconform.engine.smoke import Smoke, smoke
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target
from bnconform.results.deviations import Registry, Replayed, replay_witness
from bnconform.results.evidence import write_artefacts
from bnconform.results.finding import finding
from bnconform.results.records import Finding


@dataclass(frozen=True)
class Question:
    """One spec asked of one target of one adapter: what a finding answers."""

    spec: Spec
    source: AdapterSource
    target: Target

    @property
    def group(self) -> str:
        """Implementation, dtype and device, as they stand in the name of a test item."""
        return f"{self.target.implementation.name}-{self.target.dtype}-{self.target.device}"

    @property
    def name(self) -> str:
        """The name of the test item."""
        return f"{self.spec.id}[{self.group}]"


class Run:
    """Answers questions. `out`: where witnesses and scripts are written; None: nowhere."""

    def __init__(self, hosts: Hosts, out: Path | None, registry: Registry | None = None) -> None:
        self.hosts = hosts
        self._registry = registry or Registry()
        self._out = out
        self._effort = Effort(examples=hosts.request.examples, seed=hosts.request.seed)
        self._families: dict[tuple[str, Given], list[Question]] = defaultdict(list)
        self._tallies: dict[tuple[str, Given], dict[str, Tally]] = {}
        self._runners: dict[str, Runner] = {}
        self._smokes: dict[str, Smoke] = {}
        self._replays: dict[str, Replayed | None] = {}
        self._diagnosticians: dict[str, Diagnostician] = {}

    def plan(self, questions: Iterable[Question]) -> None:
        """Takes note of what will be asked, so that specs that are given equal cases share one search."""
        gc.freeze()  # what is loaded by now stays: looking through it again and again took a tenth of a run
        self._families.clear()
        for one in questions:
            self._families[one.group, one.spec.given].append(one)

    def answer(self, question: Question) -> Finding:
        """Returns the finding that answers `question`; nothing is judged where the adapter is broken."""
        run = self._runner(question)
        smoked = self._smoked(question, run)
        known = None if smoked.broken else self._replayed(question, run)
        if known is not None and known.holds:
            tally, explained = known.tally, known.diagnosis
        else:
            tally = smoked.tally(question.spec) if smoked.broken else self._tally(question, run)
            explained = self._explained(question, tally, run)
        record = finding(tally, question.target, run, smoke=smoked, diagnosis=explained, replayed=known)
        if self._out is not None and tally.shown is not None and not tally.shown.judged.broken:
            snippet = question.target.implementation.snippet
            write_artefacts(self._out, record, tally, question.source, snippet)
        return record

    def _smoked(self, question: Question, run: Runner) -> Smoke:
        """Returns what the smoke test said of the question's group; puts it to the test if that was not done yet."""
        if question.group not in self._smokes:
            self._smokes[question.group] = smoke(question.target, run)
        return self._smokes[question.group]

    def _explained(self, question: Question, tally: Tally, run: Runner) -> Diagnosis:
        """Returns what explains a failure; nothing where there is none."""
        if tally.failure is None or tally.verdict != "fails":
            return Diagnosis()
        if question.group not in self._diagnosticians:
            self._diagnosticians[question.group] = Diagnostician(question.target, run)
        return self._diagnosticians[question.group].diagnose(question.spec, tally.failure)

    def _tally(self, question: Question, run: Runner) -> Tally:
        """Returns what the search of the question's family knows; searches it if that was not done yet."""
        key = question.group, question.spec.given
        if key not in self._tallies:
            family = self._families.get(key) or [question]
            replays = [(one.spec, self._replayed(one, run)) for one in family]
            asked = [spec for spec, known in replays if known is None or not known.holds]
            self._tallies[key] = search(asked, question.target, run, self._effort)
        return self._tallies[key][question.spec.id]

    def _replayed(self, question: Question, run: Runner) -> Replayed | None:
        """Returns what came of the replay of the deviation that covers a question; None where there is none."""
        if question.name not in self._replays:
            target = question.target
            about = target.implementation
            known = self._registry.of(question.spec.id, about.name, about.version, target.dtype, target.device)
            self._replays[question.name] = (
                None
                if known is None
                else replay_witness(known, question.spec, target, run, lambda one: self._explained(question, one, run))
            )
        return self._replays[question.name]

    def _runner(self, question: Question) -> Runner:
        name = question.target.implementation.name
        if name not in self._runners:
            about = question.target.implementation
            self._runners[name] = Runner(lambda: self.hosts.of(question.source), name, about.features, about.ranks)
        return self._runners[name]
