"""The session of pytest once specs are asked for: it collects, orders, judges, reports and writes results.

Rules: implementations are described once, by the process that the user started; workers get these descriptions; results
are written by that process alone; the last line is written only when the session ended by itself.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from bnconform.cli.session.items import SpecFile, SpecItem
from bnconform.cli.session.progress import Progress
from bnconform.cli.session.run import Question, Run
from bnconform.cli.session.run_record import run_record
from bnconform.cli.session.telling import DETAILS, Detail, told
from bnconform.engine.agreement import BAD
from bnconform.engine.book import all_specs, specs_folder
from bnconform.engine.selection import Hosts, Request, Selection, choose_specs, select, targets
from bnconform.engine.spec import Spec
from bnconform.report import write_report
from bnconform.results.defects import Defect, defects_of
from bnconform.results.deviations import Registry, load_registry
from bnconform.results.file import ResultsWriter, read_results
from bnconform.results.proving import Surroundings, prove
from bnconform.results.records import DefectRecord, Finding, is_known, is_stale

ATTRIBUTE = "bnconform"


class Conformance:
    """One session of pytest that judges implementations."""

    def __init__(self, config: pytest.Config, request: Request, folder: Path, out: Path | None) -> None:
        self.config, self.request, self.folder, self.out = config, request, folder, out
        self.hosts = Hosts(request=request)
        self.run = Run(self.hosts, out)
        self.findings: list[Finding] = []
        self.defects: list[Defect] = []
        self.errors = 0
        self._records: list[DefectRecord] = []
        self.selection = Selection()
        self._started = time.perf_counter()
        self._writer: ResultsWriter | None = None
        self._known: list[tuple[Any, Any]] = []
        self._groups: dict[str, int] = {}
        self._progress: Progress | None = None

    @property
    def is_worker(self) -> bool:
        """Whether this process works for another one that holds the results."""
        return hasattr(self.config, "workerinput")

    def start(self) -> None:
        """Selects the implementations to judge; raises CallError for a wrong call, before anything was written."""
        if self.is_worker:
            self.selection = Selection.from_json(json.loads(self.config.workerinput[ATTRIBUTE]))  # type: ignore[attr-defined]  # xdist's
        else:
            self.selection = select(self.request, self.hosts)
            specs = choose_specs(all_specs(self.folder), self.request.specs)
        self._known = targets(self.selection, self.request)
        self.run = Run(self.hosts, self.out, self._registry())
        if self.out is not None and not self.is_worker:
            self._writer = ResultsWriter(self.out)
            self._writer.run(run_record(self.request, self.selection, specs, self._command()))

    def _registry(self) -> Registry:
        """Returns the known deviations of the implementations that take part; another book of specs has no registry
        unless one is named."""
        named = self.request.deviations
        if named == "" or (named is None and self.folder != specs_folder()):
            return Registry()
        registry = load_registry() if named is None else load_registry(self.config.invocation_params.dir / named)
        taking_part = {(one.implementation.name, one.implementation.version) for _, one in self._known}
        registry.check(taking_part, {one.id for one in all_specs(self.folder)})
        return registry

    def _command(self) -> list[str]:
        typed = self.config.getoption("bn_command")
        return shlex.split(typed) if typed else ["pytest", *map(str, self.config.invocation_params.args)]

    # Collection

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collects the chapters."""
        if file_path.parent != self.folder or file_path.suffix != ".py" or file_path.name.startswith(("_", "conftest")):
            return None
        file = SpecFile.from_parent(parent, path=file_path)
        file.questions, file.answer = self._questions, self.run.answer
        return file

    def _questions(self, specs: tuple[Spec, ...]) -> list[Question]:
        globs = self.request.specs
        chosen = choose_specs(all_specs(self.folder), globs) if globs else specs
        return [Question(spec, address, target) for spec in specs if spec in chosen for address, target in self._known]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Puts the items of one implementation and dtype together; runs after -k and the like have deselected."""
        groups = {f"{address.target}{target.implementation.name}{target.dtype}": place for place, (address, target) in
                  enumerate(self._known)}  # fmt: skip

        def place(item: pytest.Item) -> int:
            if not isinstance(item, SpecItem):
                return -1
            question = item.question
            return groups[f"{question.address.target}{question.target.implementation.name}{question.target.dtype}"]

        items.sort(key=place)
        asked = [item.question for item in items if isinstance(item, SpecItem)]
        self.run.plan(asked)
        for question in asked:
            self._groups[question.group] = self._groups.get(question.group, 0) + 1

    # Running

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Closes a host when the items of its adapter are done."""
        if isinstance(item, SpecItem):
            following = nextitem.question.address if isinstance(nextitem, SpecItem) else None
            if following != item.question.address:
                self.hosts.close(item.question.address)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Any:
        """Attaches the finding to the report, which is how it travels from a worker."""
        report = yield
        if isinstance(item, SpecItem) and report.when == "call" and item.finding is not None:
            message = {"finding": item.finding, "group": item.question.group, "of": self._groups[item.question.group]}
            setattr(report, ATTRIBUTE, json.dumps(message))
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Takes a finding down: in the results, and on the screen."""
        if self.is_worker:
            return
        text = getattr(report, ATTRIBUTE, None)
        if text is None:
            self.errors += bool(report.failed)
            return
        message = json.loads(text)
        self.findings.append(message["finding"])
        if self._writer is not None:
            self._writer.finding(message["finding"])
        self.progress.add(message["finding"], message["group"], message["of"])

    @property
    def progress(self) -> Progress:
        """The lines on the screen."""
        if self._progress is None:
            self._progress = Progress(self.config.pluginmanager.getplugin("terminalreporter"))
        return self._progress

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any, config: pytest.Config) -> tuple[str, str, str] | None:
        """Suppresses pytest's letter per item and counts verdicts: Progress prints one line per implementation and
        dtype."""
        text = getattr(report, ATTRIBUTE, None)
        if text is None:
            return None
        found = json.loads(text)["finding"]
        # Without a letter the item itself leaves no mark; the word stands in the summary, and in the lines of -v.
        word = "known" if is_known(found) else found["verdict"]
        # pytest tells all that is "failed" at length, one by one; defects are told in its place.
        at_length = report.failed and self._detail == "findings"
        return ("failed" if at_length else word), "", word.upper()

    # Reporting

    def pytest_report_header(self) -> list[str]:
        """Says what is missing before the run starts."""
        return [
            *(f"bnconform: {one['adapter']} is left out, {one['needs']} is not installed"
              for one in self.selection.missing),
            *(f"bnconform: {one['adapter']} is left out, it is broken: {one['message']}"
              for one in self.selection.broken),
        ]  # fmt: skip

    def pytest_configure_node(self, node: Any) -> None:
        """Hands the descriptions to a worker, and frees the hosts here."""
        self.hosts.close()
        node.workerinput[ATTRIBUTE] = json.dumps(self.selection.to_json())

    @property
    def status(self) -> int:
        """The exit status that the findings amount to; an error of bnconform's own is never a verdict."""
        if any(is_stale(found) or self._counts(found) for found in self.findings):
            return 1
        faulty = self.selection.broken or any(found.get("fault") == "adapter" for found in self.findings)
        return 2 if self.errors or faulty or not self.findings else 0

    def _counts(self, found: Finding) -> bool:
        """Returns whether a finding is a failure that decides the exit status."""
        prudent = found.get("basis") == "prudence" and not self.config.getoption("bn_strict")
        return found["verdict"] in BAD and not is_known(found) and not prudent

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Ends the results, if the session was not interrupted, and writes the report."""
        self.hosts.close()
        if self.is_worker:
            return
        self.defects = defects_of(self.findings, {one.id: one.chapter for one in all_specs(self.folder)})
        if self._writer is None or self.out is None:
            return
        # 0: passed, 1: some failed, 5: nothing was run; anything else is an interruption and leaves no last line. Nor
        # does an error of bnconform's own, or a lost worker: findings are then missing.
        if exitstatus in (0, 1, 5) and not self.errors:
            self._prove()
            self._writer.end(seconds=time.perf_counter() - self._started, exit_status=self.status)
        with self._writer:
            pass
        write_report([read_results(self.out)], self.out)

    def _prove(self) -> None:
        """Writes the script and the line of each defect, and runs the scripts."""
        if self._writer is None or self.out is None:
            return
        known = {
            one.name: Surroundings(argument="" if offer.address.is_module else offer.address.asked,
                                   variables=offer.address.env)
            for offer in self.selection.offers for one in offer.implementations
        }  # fmt: skip
        self._records = prove(self.defects, self.out, known, workers=os.cpu_count() or 1)
        for record in self._records:
            self._writer.defect(record)

    @property
    def _stale(self) -> list[str]:
        """What the registry of deviations knows and no longer holds, in words."""
        return [found["known"]["words"] for found in self.findings if is_stale(found)]

    @property
    def _detail(self) -> Detail:
        chosen = self.config.getoption("bn_tell")
        return chosen if chosen in DETAILS else "findings"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Says what is wrong, and where the report lies."""
        if not self.is_worker:
            self.progress.summary(
                self.findings, self.out, told(self.defects, self._records, self.out, self._detail, stale=self._stale)
            )
