"""The session of pytest once specs are asked for: it collects, orders, judges, reports and writes results.

Rules: implementations are described once, by the process that the user started; workers get these descriptions; results
and all their files are written by that process alone; nothing is written before the whole call was found to be right.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bnconform.cli.session.account import Account, Key
from bnconform.cli.session.beginning import begin_results, first_line, in_files, registry_of, resuming, surroundings
from bnconform.cli.session.budget import Budget, seconds
from bnconform.cli.session.interruption import INTERRUPTIONS
from bnconform.cli.session.items import SpecFile, SpecItem
from bnconform.cli.session.progress import Progress
from bnconform.cli.session.run import Question, Run
from bnconform.cli.session.shards import part
from bnconform.cli.session.telling import DETAILS, Detail, asides, told
from bnconform.cli.session.waiting import Waiting
from bnconform.cli.session.workers import ATTRIBUTE, Workers, handed, is_worker
from bnconform.engine.book import all_specs
from bnconform.engine.selection import Hosts, Request, Selection, choose_specs, is_asked, select, targets
from bnconform.engine.spec import Spec
from bnconform.results.records import is_known, is_stale, told_verdict


class Conformance:
    """One session of pytest that judges implementations."""

    def __init__(self, config: pytest.Config, request: Request, folder: Path, out: Path | None) -> None:
        self.config, self.request, self.folder, self.out = config, request, folder, out
        self.hosts = Hosts(request=request)
        self.run = Run(self.hosts, out)
        self.account = Account(strict=bool(config.getoption("bn_strict")))
        self.selection = Selection()
        self.workers = Workers()
        self.waiting: Waiting | None = None
        self._budget = Budget()
        self._done: frozenset[Key] = frozenset()
        self._left_to_others: frozenset[Key] = frozenset()
        self._known: list[tuple[Any, Any]] = []
        self._groups: dict[str, int] = {}
        self._progress: Progress | None = None

    @property
    def is_worker(self) -> bool:
        """Whether this process works for another one that holds the results."""
        return is_worker(self.config)

    def start(self) -> None:
        """Selects the implementations to judge; raises CallError for a wrong call, before anything was written."""
        if self.is_worker:
            message = handed(self.config)
            self.selection = Selection.from_json(message["selection"])
            self._done = frozenset((spec, name, dtype) for spec, name, dtype in message["done"])
            self._left_to_others = frozenset((spec, name, dtype) for spec, name, dtype in message["left_to_others"])
            self._budget = Budget(float(message["until"]), message["workers"])
        else:
            if self.config.getoption("bn_budget"):
                self._budget = Budget(time.time() + seconds(self.config.getoption("bn_budget")))
            self.waiting = Waiting(os.dup(1))
            with self.waiting.at("what the adapters offer"):
                self.selection = select(self.request, self.hosts)
            specs = in_files(self.config, self.folder, choose_specs(all_specs(self.folder), self.request.specs))
        self._known = targets(self.selection, self.request)
        registry = registry_of(self.config, self.request, self.folder, [target for _, target in self._known])
        self.run = Run(self.hosts, self.out, registry, self._budget)
        if not self.is_worker:
            self._begin(specs)

    def close(self) -> None:
        """Ends the hosts and releases the folder of the results."""
        self.hosts.close()
        if self.waiting is not None:
            self.waiting.close()
        if self.account.writer is not None:
            self.account.writer.close()

    def pytest_unconfigure(self) -> None:
        """Closes what an error left open."""
        self.close()

    def _begin(self, specs: Sequence[Spec]) -> None:
        """Plans the run and begins its results, or goes on with those that are there."""
        self.account.faulty = bool(self.selection.broken)
        about = [target for _, target in self._known]
        every = [Question(one, address, target) for one in specs for address, target in self._known
                 if is_asked(one, target)]  # fmt: skip
        self.account.planned = frozenset(one.key for one in part(every, self.request.shard))
        self._left_to_others = frozenset(one.key for one in every) - self.account.planned
        if self.out is not None:
            record = first_line(self.config, self.request, self.selection, specs, about)
            if self.request.shard:
                record["plan"]["share"] = len(self.account.planned)
            begin_results(self.account, self.out, record, resume=bool(self.config.getoption("bn_resume")))
            self._done = self.account.done

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
        asked = [spec for spec in specs if spec in chosen]
        pairs = [(spec, address, target) for spec in asked for address, target in self._known if is_asked(spec, target)]
        return [Question(*pair) for pair in pairs]

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
        items[:] = _without(items, self._left_to_others)
        asked = [item.question for item in items if isinstance(item, SpecItem)]
        self.run.plan(asked)  # with what a run that is resumed has judged, so that each search is what it was
        items[:] = _without(items, self._done)
        for question in asked:
            if question.key not in self._done:
                self._groups[question.group] = self._groups.get(question.group, 0) + 1

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Counts what is planned and will not be judged."""
        self.account.deselected += sum(isinstance(one, SpecItem) for one in items)

    # Running

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Takes note of an item; interrupts the run where the exception of a signal was dropped."""
        INTERRUPTIONS.check()
        if self.waiting is not None:
            self.waiting.begin(nodeid.rpartition("::")[2])

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Takes note of an item's end."""
        if self.waiting is not None:
            self.waiting.end(nodeid.rpartition("::")[2])

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
            message["files"] = {name: base64.b64encode(blob).decode("ascii") for name, blob in item.files.items()}
            setattr(report, ATTRIBUTE, json.dumps(message))
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Takes a finding down: in the results, and on the screen."""
        if self.is_worker:
            return
        text = getattr(report, ATTRIBUTE, None)
        if text is None:
            self.account.errors += bool(report.failed)
            return
        message = json.loads(text)
        files = {name: base64.b64decode(blob) for name, blob in message["files"].items()}
        try:
            first = self.account.take(message["finding"], files)
        except OSError:
            pytest.exit(self.account.stopped, returncode=2)
        if first:
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
        word = "known" if is_known(found) else "error" if found.get("fault") == "bnconform" else told_verdict(found)
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
        message: dict[str, Any] = {"selection": self.selection.to_json(), "done": sorted(self._done)}
        message |= {"left_to_others": sorted(self._left_to_others)}
        message |= {"until": str(self._budget.until), "workers": len(self.config.getoption("tx") or [""])}
        node.workerinput[ATTRIBUTE] = json.dumps(message)

    def pytest_testnodeready(self, node: Any) -> None:
        """Takes note of a worker."""
        self.workers.started(node)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Hands an interruption on to the workers, which would else end the item that they are at."""
        INTERRUPTIONS.stopping()
        self.account.stopped = (
            self.account.stopped or f"interrupted by {INTERRUPTIONS.name or excinfo.value or 'Ctrl-C'}"
        )
        self.workers.interrupt()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Ends the results, where all that was planned was judged, and writes the report."""
        self.hosts.close()
        if not self.is_worker:
            chapters = {one.id: one.chapter for one in all_specs(self.folder)}
            with contextlib.nullcontext() if self.waiting is None else self.waiting.at("scripts and report"):
                self.account.finish(chapters, surroundings(self.selection, self.request))

    @property
    def _detail(self) -> Detail:
        chosen = self.config.getoption("bn_tell")
        return chosen if chosen in DETAILS else "findings"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Says what is wrong, what is missing, and where the report lies."""
        if self.is_worker:
            return
        account = self.account
        stale = [found["known"]["words"] for found in account.findings if is_stale(found)]
        about = told(account.defects, account.records, self.out, self._detail, stale=stale)
        page = None if self.out is None or account.keeps_earlier else self.out
        more = [
            *asides(account.findings, self.request, page),
            *account.words(resuming(self.config, self.request, self.out)),
        ]
        self.progress.summary(account.findings, page if account.reported else None, about, more)


def _without(items: list[pytest.Item], keys: frozenset[Key]) -> list[pytest.Item]:
    return [one for one in items if not (isinstance(one, SpecItem) and one.question.key in keys)]
