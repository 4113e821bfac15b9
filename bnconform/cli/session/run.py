"""A Run answers questions: families of specs are judged once, findings are read off, witnesses are made.

Rules: a family is judged when the first of its findings is asked for; a host is open only while findings of its adapter
are being made; nothing is written here.
"""

from __future__ import annotations

import gc
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bnconform.cases.strategies import Given
from bnconform.cli.session.budget import NOT_RUN, Budget
from bnconform.cli.session.examiner import Examiner, Judged
from bnconform.contract.address import Address
from bnconform.engine.runner import Runner
from bnconform.engine.selection import Hosts
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Effort
from bnconform.engine.target import Target
from bnconform.results.deviations import Registry
from bnconform.results.evidence import artefacts, witness_of
from bnconform.results.finding import finding, not_run
from bnconform.results.records import Finding


@dataclass(frozen=True)
class Question:
    """One spec asked of one target of one adapter; a finding answers it."""

    spec: Spec
    address: Address
    target: Target

    @property
    def group(self) -> str:
        """Implementation, dtype and device, as they stand in the name of a test item."""
        return f"{self.target.implementation.name}-{self.target.dtype}-{self.target.device}"

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells the question from the others of its run, all of which are of one device."""
        return self.spec.id, self.target.implementation.name, self.target.dtype

    @property
    def name(self) -> str:
        """The name of the test item."""
        return f"{self.spec.id}[{self.group}]"


@dataclass(frozen=True)
class Answer:
    """A finding and its files, by their names below the folder of the results."""

    finding: Finding
    files: dict[str, bytes] = field(default_factory=dict)


class Run:
    """Answers questions. `out`: where witnesses and scripts will be written; None: nowhere. budget: of time."""

    def __init__(
        self, hosts: Hosts, out: Path | None, registry: Registry | None = None, budget: Budget | None = None
    ) -> None:
        self.hosts = hosts
        self.budget = budget or Budget()
        self._registry = registry or Registry()
        self._out = out
        self._effort = Effort(examples=hosts.request.examples, seed=hosts.request.seed)
        self._families: dict[tuple[str, Given], list[Spec]] = defaultdict(list)
        self._judged: dict[tuple[str, Given], dict[str, Judged]] = {}
        self._cut: set[tuple[str, Given]] = set()
        self._examiners: dict[str, Examiner] = {}
        self._runners: dict[str, Runner] = {}

    def plan(self, questions: Iterable[Question]) -> None:
        """Takes note of what will be asked, so that specs that are given equal cases share one search."""
        gc.freeze()  # what is loaded by now stays: looking through it again and again took a tenth of a run
        self._families.clear()
        for one in questions:
            self._families[one.group, one.spec.given].append(one.spec)
        self.budget.searches = len(self._families)

    def answer(self, question: Question) -> Answer:
        """Returns the finding that answers `question`, and its files; judges its family if that was not done yet."""
        family = question.group, question.spec.given
        if family not in self._judged and (why := self._unasked(question)):
            return Answer(not_run(question.spec, question.target, why))
        examiner = self._examiner(question)
        if family not in self._judged:
            until = self.budget.share()
            self._judged[family] = examiner.judge(self._families.get(family) or [question.spec], until)
            if time.monotonic() >= until:
                self._cut.add(family)
        judged = self._judged[family][question.spec.id]
        record = finding(
            judged.tally,
            question.target,
            examiner.ask,
            smoke=examiner.smoke,
            diagnosis=judged.diagnosis,
            replayed=judged.replayed,
            unrepeated=judged.unrepeated,
        )
        tally, address = judged.tally, question.address
        if family in self._cut and tally.open:
            words = f"the budget of time left it {tally.examples} of {self._effort.examples} examples"
            record["notes"] = [*record.get("notes", ()), words]
        if question.target.implementation.name in self.hosts.of(address).beside_reference:
            record["beside_reference"] = True
        if self._out is None:
            return Answer(record)
        if tally.lost and tally.error is not None and tally.error.case is not None:
            return Answer(record, witness_of(record, tally.error.case, address))
        if tally.shown is None or tally.shown.judged.broken:
            return Answer(record)
        snippet, shown = question.target.implementation.snippet, judged.diagnosis.shown
        return Answer(record, artefacts(self._out, record, tally, address, snippet, shown))

    def _unasked(self, question: Question) -> str | None:
        """Returns in words why a question is not begun; None where it is."""
        return NOT_RUN if self.budget.spent else self._runner(question).lost(question.target.dtype)

    def _examiner(self, question: Question) -> Examiner:
        """Returns who judges the question's target; puts its adapter to the smoke test the first time."""
        if question.group not in self._examiners:
            ask = self._runner(question)
            self._examiners[question.group] = Examiner(question.target, ask, self._registry, self._effort)
        return self._examiners[question.group]

    def _runner(self, question: Question) -> Runner:
        """Returns what asks the question's implementation, in all its dtypes: one that hangs is waited for once."""
        name = question.target.implementation.name
        if name not in self._runners:
            self._runners[name] = Runner.of(question.target, lambda: self.hosts.of(question.address))
        return self._runners[name]
