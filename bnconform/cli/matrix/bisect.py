"""`bnconform bisect`: finds the released version from which on a witness is judged otherwise.

Rules: only the witness is replayed, in an environment of each version that is asked; a version that does not install,
does not fit its adapter or gives no verdict is stepped around and told; whether a statement is broken is what is
compared, and where neither end breaks it, the verdict. Nothing in a witness is run: an adapter that is not installed is
typed by the user.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from bnconform.cli.matrix.command import add_environments, environments_of
from bnconform.cli.replay import replayed
from bnconform.contract.address import PYTHON, installed_addresses
from bnconform.contract.errors import CallError, ContractError
from bnconform.contract.text import on_one_line
from bnconform.contract.wire import load_case
from bnconform.engine.agreement import BAD
from bnconform.matrix.bisection import bisect
from bnconform.matrix.cells import Cell
from bnconform.matrix.environments import Environments, NotBuilt

_SILENT = frozenset({"not run", "no answer"})
"""What may be missing of a finding that says nothing of the version."""


def add_bisect(commands: Any) -> None:
    """Adds the command to the subparsers."""
    parser = commands.add_parser("bisect", help="find the version from which on a witness is judged otherwise")
    parser.set_defaults(run=_bisect)
    parser.add_argument("implementation", metavar="IMPLEMENTATION", help="its name")
    parser.add_argument("witness", type=Path, metavar="WITNESS", help="a file of witnesses/")
    words = "a distribution and the range to look in, such as 'flax>=0.6,<=0.12'"
    parser.add_argument("--versions", required=True, metavar="RANGE", help=words)
    parser.add_argument("--beside", action="append", default=[], metavar="PIN", help="installed beside each version")
    parser.add_argument("--python", default=".".join(platform.python_version_tuple()[:2]), metavar="X.Y",
                        help="of the interpreter that answers (that of this call)")  # fmt: skip
    parser.add_argument("--adapter", metavar="ADAPTER", help="a module or .py file, where it is not the witness's own")
    words = "a further word for the installer, as --installer-option=--no-index"
    parser.add_argument("--installer-option", action="append", default=[], metavar="WORD", help=words)
    add_environments(parser)


def _bisect(options: argparse.Namespace) -> int:
    try:
        wanted = Requirement(options.versions)
    except InvalidRequirement as error:
        raise CallError(f"--versions {options.versions!r}: {error}; expected such as 'flax>=0.6,<=0.12'") from None
    if not re.fullmatch(r"3\.\d{1,2}", options.python):
        raise CallError(f"--python {options.python!r:.60}: expected a version such as 3.11")
    adapter = options.adapter or _adapter_of(options.witness)
    versions = released(wanted, options.python, options.installer_option)
    if len(versions) < 2:
        raise CallError(f"--versions {options.versions!r}: {len(versions)} released versions lie in it; expected two")
    print(f"{len(versions)} released versions of {wanted.name}, {versions[0]} to {versions[-1]}")
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    asking = Asking(options, adapter, wanted.name + extras, environments_of(options))
    change = bisect(versions, asking.broken)
    if change is None and not any(asking.is_broken.values()):  # neither end breaks it: the verdicts themselves
        base = next((asking.verdicts[one] for one in versions if one in asking.verdicts), "")
        change = bisect(versions, lambda version: _same(asking.verdict(version), base))
    if change is None:
        print("no change: all that could be judged at both ends came to the same")
        return 1
    before, after = asking.verdicts[change.last], asking.verdicts[change.first]
    print(f"{options.implementation}: {before} in {change.last}, {after} from {change.first} on")
    if change.silent:
        print(f"between them no verdict: {', '.join(change.silent)}; it may be one of these")
    return 0


def _same(verdict: str | None, base: str) -> bool | None:
    return None if verdict is None else verdict == base


class Asking:
    """Asks versions for their verdict on the witness, each once. verdicts, is_broken: of those that gave one."""

    def __init__(
        self, options: argparse.Namespace, adapter: str, distribution: str, environments: Environments
    ) -> None:
        self._options, self._adapter, self._distribution = options, adapter, distribution
        self._environments = environments
        self._asked: dict[str, str | None] = {}
        self.verdicts: dict[str, str] = {}

    @property
    def is_broken(self) -> dict[str, bool]:
        """Whether each version that gave a verdict breaks the statement."""
        return {version: verdict in BAD for version, verdict in self.verdicts.items()}

    def broken(self, version: str) -> bool | None:
        """Returns whether a version breaks the statement; None where that is not known."""
        verdict = self.verdict(version)
        return None if verdict is None else verdict in BAD

    def verdict(self, version: str) -> str | None:
        """Returns the verdict of a version; None, and tells why, where there is none."""
        if version not in self._asked:
            self._asked[version] = self._judged(version)
        return self._asked[version]

    def _judged(self, version: str) -> str | None:
        options = self._options
        name = re.sub(r"\W", "_", self._distribution.partition("[")[0])
        cell = Cell(framework=name, version=version, python=options.python, name=name, labels=("full",),
                    distribution=self._distribution, pins=tuple(options.beside),
                    options=tuple(options.installer_option))  # fmt: skip
        try:
            with self._environments.of(cell) as made:
                (found,) = replayed(options.witness, options.implementation, f"python={made.python}:{self._adapter}")
        except (NotBuilt, CallError, ContractError) as error:
            self._tell_silent(version, str(error))
            return None
        if found.get("fault") in ("adapter", "bnconform") or found.get("missing") in _SILENT:
            self._tell_silent(version, found.get("reason", ""))
            return None
        print(f"  {version}: {found['verdict']}", flush=True)
        self.verdicts[version] = found["verdict"]
        return found["verdict"]

    def _tell_silent(self, version: str, why: str) -> None:
        print(f"  {version}: stepped around, no verdict: {on_one_line(why)[:300]}", flush=True)


def _adapter_of(witness: Path) -> str:
    """Returns the module of the witness's adapter, where it is one that is installed."""
    _, metadata = load_case(witness)
    named = str(metadata.get("adapter", ""))
    if named.startswith(PYTHON):  # of a cell: another interpreter answers now
        named = named.rpartition(":")[2]
    if named not in {address.target for address in installed_addresses()}:
        raise CallError(f"{witness} is of an adapter that is not installed; name it with --adapter if you trust it")
    return named


def released(wanted: Requirement, python: str, options: Sequence[str]) -> list[str]:
    """Returns the released versions in a range that the package index has, the oldest first."""
    command = [sys.executable, "-m", "pip", "index", "versions", wanted.name, "--python-version", python, *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
    told = re.search(r"^Available versions: (.+)$", done.stdout, re.MULTILINE)
    if done.returncode or told is None:
        said = " ".join((done.stderr or done.stdout).split())[-300:]
        raise CallError(f"the versions of {wanted.name} cannot be listed: {said or 'pip said nothing'}")
    found = []
    for text in told[1].split(", "):
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if wanted.specifier.contains(version):
            found.append(version)
    return [str(one) for one in sorted(found)]
