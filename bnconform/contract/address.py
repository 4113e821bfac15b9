"""Addresses of adapters: an entry point, a module or a .py file that the user names, or a program behind a pipe.

Rules: finding an address imports nothing.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass, replace
from importlib.metadata import entry_points

from bnconform.contract.errors import ContractError

GROUP = "bnconform.adapters"


PROGRAM = "pipe:"


PYTHON = "python="


_PATH = re.compile(r"(?<![^\s=:'\"])/(?!/)[^\s:'\"]+")
_ELSE = "the path of a .py file, or pipe:COMMAND for a program that answers cases itself"


class AdapterFailure(ContractError):
    """An adapter that could not be imported; the message says which, where and why."""


class NotInstalled(Exception):
    """An installed adapter wraps the package `needs`, which is absent: nothing is wrong, there is nothing to judge."""

    def __init__(self, needs: str, target: str = "") -> None:
        super().__init__(f"{target or 'the adapter'} needs {needs}, which is not installed")
        self.needs = needs
        self.target = target

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.needs, self.target)


@dataclass(frozen=True)
class Address:
    """An adapter not yet imported.

    target: module name, path of a .py file, or "pipe:" and a command. namespace: first part of its implementations'
    names, "" where unknown. named: the user asked for it, so that an absent framework is an error. python: interpreter
    for its host; None: this one. env: further environment variables for its host, as pairs.
    """

    target: str
    namespace: str
    named: bool
    python: str | None = None
    env: tuple[tuple[str, str], ...] = ()

    @property
    def is_program(self) -> bool:
        """Whether `target` is a program that answers cases itself, as pipe.md says, and nothing to import."""
        return self.target.startswith(PROGRAM)

    @property
    def program(self) -> list[str]:
        """The words of the program's command."""
        return shlex.split(self.target[len(PROGRAM) :])

    @property
    def asked(self) -> str:
        """The text of an --adapter that names this address."""
        return self.target if self.python is None else f"{PYTHON}{self.python}:{self.target}"

    @property
    def told(self) -> str:
        """The text of an --adapter that names this address from the current folder on, which is what files hold: of
        what lies elsewhere on this machine, the name alone."""
        if self.is_program:
            first, *more = map(without_folders, self.program)
            path = f".{os.sep}{first}" if os.sep not in first and _is_here(self.program[0]) else first
            return PROGRAM + shlex.join([path, *more])
        name = _from_here(self.target) if self.is_file else self.target
        return name if self.python is None else f"{PYTHON}{os.path.basename(self.python)}:{name}"

    def told_from(self, folder: str | os.PathLike[str]) -> str:
        """Returns `told` for a file that lies in `folder`: an adapter's file is given from there on, where both lie in
        the current folder."""
        if self.is_file and self.python is None and _is_here(self.target) and _is_here(os.path.abspath(folder)):
            return os.path.relpath(self.target, folder).replace(os.sep, "/")
        return self.told

    @property
    def is_file(self) -> bool:
        """Whether `target` is the path of a .py file."""
        return self.target.endswith(".py") and not self.is_program

    @property
    def is_module(self) -> bool:
        """Whether `target` is a module for this interpreter, which any process of it can import."""
        return self.python is None and not self.is_file and not self.is_program

    @property
    def file(self) -> str:
        """The path of the adapter's own file; "" for a module that is not imported yet."""
        return self.target if self.is_file else str(getattr(sys.modules.get(self.target), "__file__", None) or "")

    def __str__(self) -> str:
        if self.is_program:
            return PROGRAM + " ".join(os.path.basename(word) or word for word in self.program)
        return os.path.basename(self.target) if self.is_file else self.target


def _is_here(path: str) -> bool:
    """Returns whether a whole path lies in the current folder; in that of all paths nothing does."""
    here = os.getcwd()
    return here != os.path.dirname(here) and path.startswith(here + os.sep)


def _from_here(path: str) -> str:
    return os.path.relpath(path) if _is_here(path) else os.path.basename(path)


def without_folders(word: str) -> str:
    """Returns a word of a command with each path in it, also behind `=` or `:`, told from the current folder on; of one
    that lies elsewhere, its name alone."""
    return _PATH.sub(lambda found: _from_here(found[0]) or found[0], word)


def installed_addresses() -> list[Address]:
    """Returns the addresses registered under the entry-point group `bnconform.adapters`, by name, none imported.

    An entry point is called "namespace" or "namespace-variant", as in `keras-torch`; its value is a module.
    """
    found = sorted({(point.name, point.module) for point in entry_points(group=GROUP)})
    return [Address(target=module, namespace=name.partition("-")[0], named=False) for name, module in found]


def installed_names() -> dict[str, str]:
    """Returns the modules registered under the entry-point group, by the names of their entry points."""
    return dict(sorted((point.name, point.module) for point in entry_points(group=GROUP)))


def named_address(text: str) -> Address:
    """Returns the address that `--adapter text` names, nothing imported or started; raises ContractError for none."""
    if text.startswith(PROGRAM):
        return _named_program(text)
    if text.startswith(PYTHON):
        return _named_elsewhere(text)
    if text.endswith(".py"):
        if not os.path.isfile(text):
            raise ContractError(f"--adapter {text}: there is no such file; expected a module or {_ELSE}")
        name = os.path.splitext(os.path.basename(text))[0]
        return Address(target=os.path.abspath(text), namespace=name, named=True)
    if not all(part.isidentifier() for part in text.split(".")):
        raise ContractError(f"--adapter {text!r} is not the name of a module; expected that or {_ELSE}")
    namespaces = {address.target: address.namespace for address in installed_addresses()}
    return Address(target=text, namespace=namespaces.get(text, text.partition(".")[0]), named=True)


def _named_elsewhere(text: str) -> Address:
    python, _, adapter = text[len(PYTHON) :].partition(":")
    path = shutil.which(os.path.expanduser(python)) if python else None
    if path is None or not adapter or adapter.startswith((PROGRAM, PYTHON)):
        got = f"{python!r} is no program that can be started" if path is None else f"{adapter!r} is no adapter for it"
        raise ContractError(f"--adapter {text!r}: {got}; expected {PYTHON}INTERPRETER:MODULE or …:FILE.py")
    return replace(named_address(adapter), python=os.path.abspath(path))


def _named_program(text: str) -> Address:
    try:
        words = shlex.split(text[len(PROGRAM) :])
    except ValueError as error:
        raise ContractError(f"--adapter {text!r}: {error}; expected a command as one types it") from None
    path = shutil.which(words[0]) if words else None
    if path is None:
        got = repr(words[0]) if words else "nothing"
        raise ContractError(f"--adapter {text!r}: {got} is no program that can be started; expected its name or path")
    target = PROGRAM + shlex.join([os.path.abspath(path), *words[1:]])
    return Address(target=target, namespace="", named=True)
