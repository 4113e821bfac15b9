"""How a run begins: the specs and the registry that it takes, and the first line of its results.

Rules: what the first line holds is enough to resume the run, and a run that is resumed keeps the line that it began
with.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from bnconform.cli.session.account import Account
from bnconform.cli.session.resuming import digest, options, resumable
from bnconform.cli.session.run_record import run_record
from bnconform.engine.book import all_specs, specs_folder
from bnconform.engine.selection import Request, Selection
from bnconform.engine.spec import Spec
from bnconform.engine.target import Target
from bnconform.results.deviations import Registry, load_registry
from bnconform.results.proving import Surroundings
from bnconform.results.records import RunRecord
from bnconform.results.writer import ResultsWriter


def in_files(config: pytest.Config, folder: Path, specs: Sequence[Spec]) -> Sequence[Spec]:
    """Returns those of the chapters that a call of pytest names, where it does not name their folder."""
    here = config.invocation_params.dir
    named = {(here / str(word).partition("::")[0]).resolve() for word in config.args}
    if any(path == folder or path in folder.parents for path in named):
        return specs
    return [one for one in specs if folder / f"{one.chapter}.py" in named]


def registry_of(config: pytest.Config, request: Request, folder: Path, about: Sequence[Target]) -> Registry:
    """Returns the known deviations of the implementations that take part; another book of specs has no registry unless
    one is named."""
    named = request.deviations
    if named == "" or (named is None and folder != specs_folder()):
        return Registry()
    registry = load_registry() if named is None else load_registry(config.invocation_params.dir / named)
    taking_part = {(one.implementation.name, one.implementation.version) for one in about}
    registry.check(taking_part, {one.id for one in all_specs(folder)})
    return registry


def first_line(
    config: pytest.Config, request: Request, selection: Selection, specs: Sequence[Spec], about: Sequence[Target]
) -> RunRecord:
    """Returns the first line of the results."""
    typed = config.getoption("bn_command")
    command = shlex.split(typed) if typed else ["pytest", *map(str, config.invocation_params.args)]
    record = run_record(request, selection, specs, command, about)
    addresses = [offer.address for offer in selection.offers]
    record["request"] = options(request, addresses, strict=bool(config.getoption("bn_strict")))
    named = request.deviations
    record["digest"] = digest(addresses, config.invocation_params.dir / named if named else None)
    if config.getoption("bn_cell"):
        record["cell"] = json.loads(config.getoption("bn_cell"))
    return record


def begin_results(account: Account, out: Path, record: RunRecord, *, resume: bool) -> None:
    """Begins the results in `out`, or goes on with the interrupted run there."""
    account.writer = ResultsWriter(out)
    if resume:
        earlier = resumable(out, record)
        account.writer.resume(earlier)
        account.begin(earlier.findings)
        record = earlier.run
    account.writer.run(record)


def resuming(config: pytest.Config, request: Request, out: Path | None) -> list[str]:
    """Returns the call that goes on with a run; none for a call of pytest."""
    if out is None or not config.getoption("bn_command"):
        return []
    named = [f"--adapter={one}" for one in request.adapters]
    return ["bnconform", "run", f"--resume={os.path.relpath(out, config.invocation_params.dir)}", *named]


def surroundings(selection: Selection, request: Request) -> dict[str, Surroundings]:
    """Returns what the scripts of each implementation are run with."""
    limit = request.import_timeout + request.timeout
    return {
        one.name: Surroundings(argument="" if offer.address.is_module else offer.address.asked,
                               variables=offer.address.env, limit=limit)
        for offer in selection.offers for one in offer.implementations
    }  # fmt: skip
