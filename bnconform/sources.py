"""Where adapters come from: an entry point, a module or a .py file that the user names, or a program behind a pipe.

Rules: finding a source imports nothing; `load` is the one place that imports an adapter, and every way in which that
can fail becomes one of three exceptions: NotInstalled (a framework is absent: no error), ContractError (the module is
not what the contract asks for) or AdapterFailure (its import failed).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shlex
import shutil
import sys
import traceback
import zlib
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from types import ModuleType, TracebackType

from bnconform.case import ContractError
from bnconform.dialect import Implementation

GROUP = "bnconform.adapters"
PROGRAM = "pipe:"
PYTHON = "python="
_ELSE = "the path of a .py file, or pipe:COMMAND for a program that answers cases itself"
_EXPECTED = "expected a list of bnconform.Implementation"


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
class AdapterSource:
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
        """The text of an --adapter that names this source."""
        return self.target if self.python is None else f"{PYTHON}{self.python}:{self.target}"

    @property
    def is_file(self) -> bool:
        """Whether `target` is the path of a .py file."""
        return self.target.endswith(".py") and not self.is_program

    @property
    def file(self) -> str:
        """The path of the adapter's own file; "" for a module that is not imported yet."""
        return self.target if self.is_file else str(getattr(sys.modules.get(self.target), "__file__", None) or "")

    def __str__(self) -> str:
        if self.is_program:
            return PROGRAM + " ".join(os.path.basename(word) or word for word in self.program)
        return os.path.basename(self.target) if self.is_file else self.target


def installed_sources() -> list[AdapterSource]:
    """Returns the sources registered under the entry-point group `bnconform.adapters`, by name, none imported.

    An entry point is called "namespace" or "namespace-variant", as in `keras-torch`; its value is a module.
    """
    found = sorted({(point.name, point.module) for point in entry_points(group=GROUP)})
    return [AdapterSource(target=module, namespace=name.partition("-")[0], named=False) for name, module in found]


def named_source(text: str) -> AdapterSource:
    """Returns the source that `--adapter text` names, not yet imported or started; raises ContractError for no such."""
    if text.startswith(PROGRAM):
        return _named_program(text)
    if text.startswith(PYTHON):
        return _named_elsewhere(text)
    if text.endswith(".py"):
        if not os.path.isfile(text):
            raise ContractError(f"--adapter {text}: there is no such file; expected a module or {_ELSE}")
        name = os.path.splitext(os.path.basename(text))[0]
        return AdapterSource(target=os.path.abspath(text), namespace=name, named=True)
    if not all(part.isidentifier() for part in text.split(".")):
        raise ContractError(f"--adapter {text!r} is not the name of a module; expected that or {_ELSE}")
    namespaces = {source.target: source.namespace for source in installed_sources()}
    return AdapterSource(target=text, namespace=namespaces.get(text, text.partition(".")[0]), named=True)


def _named_elsewhere(text: str) -> AdapterSource:
    python, _, adapter = text[len(PYTHON) :].partition(":")
    path = shutil.which(os.path.expanduser(python)) if python else None
    if path is None or not adapter or adapter.startswith((PROGRAM, PYTHON)):
        got = f"{python!r} is no program that can be started" if path is None else f"{adapter!r} is no adapter for it"
        raise ContractError(f"--adapter {text!r}: {got}; expected {PYTHON}INTERPRETER:MODULE or …:FILE.py")
    return replace(named_source(adapter), python=os.path.abspath(path))


def _named_program(text: str) -> AdapterSource:
    try:
        words = shlex.split(text[len(PROGRAM) :])
    except ValueError as error:
        raise ContractError(f"--adapter {text!r}: {error}; expected a command as one types it") from None
    path = shutil.which(words[0]) if words else None
    if path is None:
        got = repr(words[0]) if words else "nothing"
        raise ContractError(f"--adapter {text!r}: {got} is no program that can be started; expected its name or path")
    target = PROGRAM + shlex.join([os.path.abspath(path), *words[1:]])
    return AdapterSource(target=target, namespace="", named=True)


def load(source: AdapterSource) -> list[Implementation]:
    """Imports the adapter and returns its implementations; raises NotInstalled, ContractError or AdapterFailure."""
    try:
        module = _import_file(source.target) if source.is_file else _import_module(source)
    except ModuleNotFoundError as error:
        raise _absent(source, error) from error
    except ContractError as error:
        raise ContractError(f"{source}{_line(source, error.__traceback__)}: {error}") from error
    except (Exception, SystemExit) as error:
        raise AdapterFailure(_failure(source, error)) from error
    return _checked(source, module)


def _import_module(source: AdapterSource) -> ModuleType:
    # A module that the user names may lie in the current folder, as with `python -m`.
    if source.named and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return importlib.import_module(source.target)


def _import_file(path: str) -> ModuleType:
    # Last on the path: a file is often called like the framework it wraps, and must not hide it.
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.append(folder)
    stem = os.path.splitext(os.path.basename(path))[0]
    name = f"bnconform_adapter_{stem}_{zlib.crc32(os.fsencode(path)):08x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise AdapterFailure(f"{path} cannot be imported; expected a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _absent(source: AdapterSource, error: ModuleNotFoundError) -> Exception:
    missing = error.name or str(error)
    own = {"bnconform", source.target.partition(".")[0]}
    # A dotted name is part of a package that is there: the wrong version, not an absent one.
    if source.named or "." in missing or missing in own:
        return AdapterFailure(_failure(source, error))
    return NotInstalled(missing, str(source))


def _failure(source: AdapterSource, error: BaseException) -> str:
    reason = "".join(traceback.format_exception_only(type(error), error)).strip()
    return f"adapter {source}{_line(source, error.__traceback__)} could not be imported: {reason}"


def _line(source: AdapterSource, trace: TracebackType | None) -> str:
    """The last line of the adapter's own file that `trace` passes through, as " (line 3)"; "" if none does."""
    own = source.target if source.is_file else source.target.replace(".", os.sep) + ".py"
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename.endswith(own)]
    return f" (line {lines[-1]})" if lines else ""


def _checked(source: AdapterSource, module: ModuleType) -> list[Implementation]:
    if not hasattr(module, "IMPLEMENTATIONS"):
        raise ContractError(f"{source} has no IMPLEMENTATIONS; {_EXPECTED} under that name")
    return checked(source, module.IMPLEMENTATIONS)


def checked(source: AdapterSource, found: object) -> list[Implementation]:
    """Returns `found` if it is what an adapter has to offer; otherwise raises ContractError."""
    if not isinstance(found, (list, tuple)) or not found:
        raise ContractError(f"{source}: IMPLEMENTATIONS is {found!r:.60} of type {type(found).__name__}; {_EXPECTED}")
    names: dict[str, int] = {}
    for index, item in enumerate(found):
        if not isinstance(item, Implementation):
            got = f"{item!r:.60} of type {type(item).__name__}"
            raise ContractError(f"{source}: IMPLEMENTATIONS[{index}] is {got}; expected a bnconform.Implementation")
        if names.setdefault(item.name, index) != index:
            both = f"IMPLEMENTATIONS[{names[item.name]}] and [{index}]"
            raise ContractError(f"{source}: {both} are both called {item.name!r}; expected names that differ")
    return list(found)
