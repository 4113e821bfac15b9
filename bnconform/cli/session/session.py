"""The session of pytest once specs are asked for: it collects, orders, judges, reports and writes results.

Rules: implementations are described once, by the process that the user started; workers get these descriptions; results
and all their files are written by that process alone; nothing is written before the whole call was found to be right.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bnconform.cli.session.account import Account, Key
from bnconform.cli.session.interruption import INTERRUPTIONS
from bnconform.cli.session.items import SpecFile, SpecItem
from bnconform.cli.session.progress import Progress
from bnconform.cli.session.resuming import digest, options, resumable
from bnconform.cli.session.run import Question, Run
from bnconform.cli.session.run_record import run_record
from bnconform.cli.session.telling import DETAILS, Detail, asides, told
from bnconform.cli.session.workers import ATTRIBUTE, Workers, handed, is_worker
from bnconform.engine.book import all_specs, specs_folder
from bnconform.engine.selection import Hosts, Request, Selection, choose_specs, select, targets
from bnconform.engine.spec import Spec
from bnconform.results.deviations import Registry, load_registry
from bnconform.results.proving import Surroundings
from bnconform.results.records import is_known, is_stale, told_verdict
from bnconform.results.writer import ResultsWriter


class Conformance:
    """One session of pytest that judges implementations."""

    def __init__(self, config: pytest.Config, request: Request, folder: Path, out: Path | None) -> None:
        self.config, self.request, self.folder, self.out = config, request, folder, out
        self.hosts = Hosts(request=request)
        self.run = Run(self.hosts, out)
        self.account = Account(strict=bool(config.getoption("bn_strict")))
        self.selection = Selection()
        self.workers = Workers()
        self._done: frozenset[Key] = frozenset()
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
        else:
            self.selection = select(self.request, self.hosts)
            specs = self._in_files(choose_specs(all_specs(self.folder), self.request.specs))
        self._known = targets(self.selection, self.request)
        self.run = Run(self.hosts, self.out, self._registry())
        if not self.is_worker:
            self._begin(specs)

    def close(self) -> None:
        """Ends the hosts and releases the folder of the results."""
        self.hosts.close()
        if self.account.writer is not None:
            self.account.writer.close()

    def pytest_unconfigure(self) -> None:
        """Closes what an error left open."""
        self.close()

    def _in_files(self, specs: Sequence[Spec]) -> Sequence[Spec]:
        """Returns those of the chapters that this call of pytest names, where it does not name their folder."""
        here = self.config.invocation_params.dir
        named = {(here / str(word).partition("::")[0]).resolve() for word in self.config.args}
        if any(path == self.folder or path in self.folder.parents for path in named):
            return specs
        return [one for one in specs if self.folder / f"{one.chapter}.py" in named]

    def _begin(self, specs: Sequence[Spec]) -> None:
        """Plans the run and begins its results, or goes on with those that are there."""
        account, about = self.account, [target for _, target in self._known]
        account.faulty = bool(self.selection.broken)
        account.planned = frozenset((one.id, each.implementation.name, each.dtype) for one in specs for each in about)
        if self.out is None:
            return
        record = run_record(self.request, self.selection, specs, self._command(), about)
        addresses = [offer.address for offer in self.selection.offers]
        record["request"] = options(self.request, addresses, strict=account.strict)
        named = self.request.deviations
        record["digest"] = digest(addresses, self.config.invocation_params.dir / named if named else None)
        account.writer = ResultsWriter(self.out)
        if self.config.getoption("bn_resume"):
            earlier = resumable(self.out, record)
            account.writer.resume(earlier)
            account.begin(earlier.findings)
            self._done = account.done
            record = earlier.run
        account.writer.run(record)

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
        self.run.plan(asked)  # with what a run that is resumed has judged, so that each search is what it was
        items[:] = [one for one in items if not (isinstance(one, SpecItem) and one.question.key in self._done)]
        for question in asked:
            if question.key not in self._done:
                self._groups[question.group] = self._groups.get(question.group, 0) + 1

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Counts what is planned and will not be judged."""
        self.account.deselected += sum(isinstance(one, SpecItem) for one in items)

    # Running

    def pytest_runtest_logstart(self) -> None:
        """Interrupts the run where the exception of a signal was dropped."""
        INTERRUPTIONS.check()

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
        message = {"selection": self.selection.to_json(), "done": sorted(self._done)}
        node.workerinput[ATTRIBUTE] = json.dumps(message)

    def pytest_testnodeready(self, node: Any) -> None:
        """Takes note of a worker."""
        self.workers.started(node)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Hands an interruption on to the workers, which would else end the item that they are at."""
        INTERRUPTIONS.stopping()
        self.account.stopped = self.account.stopped or f"interrupted by {INTERRUPTIONS.name or 'Ctrl-C'}"
        self.workers.interrupt()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Ends the results, where all that was planned was judged, and writes the report."""
        self.hosts.close()
        if not self.is_worker:
            chapters = {one.id: one.chapter for one in all_specs(self.folder)}
            self.account.finish(chapters, self._surroundings())

    def _surroundings(self) -> dict[str, Surroundings]:
        """Returns what the scripts of each implementation are run with."""
        return {
            one.name: Surroundings(argument="" if offer.address.is_module else offer.address.asked,
                                   variables=offer.address.env)
            for offer in self.selection.offers for one in offer.implementations
        }  # fmt: skip

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
        more = [*asides(account.findings, self.request, page), *account.words(self._resuming())]
        self.progress.summary(account.findings, page, about, more)

    def _resuming(self) -> list[str]:
        """Returns the call that goes on with this run; none for a call of pytest."""
        if self.out is None or not self.config.getoption("bn_command"):
            return []
        named = [f"--adapter={one}" for one in self.request.adapters]
        return ["bnconform", "run", f"--resume={os.path.relpath(self.out, self.config.invocation_params.dir)}", *named]
