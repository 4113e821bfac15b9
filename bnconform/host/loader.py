"""The loader of adapters: from an entry point, a module or .py file named by the user, or a program behind a pipe.

Rules: finding a source imports nothing; `load` is the one place that imports an adapter, and every failure of it
becomes one of three exceptions: NotInstalled (a framework is absent: no error), ContractError (the module breaks the
contract) or AdapterFailure (its import failed).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
import zlib
from types import ModuleType, TracebackType

from bnconform.contract.address import AdapterFailure, AdapterSource, NotInstalled
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Implementation

_EXPECTED = "expected a list of bnconform.Implementation"


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
    """Returns `found` if it is a valid list of implementations; otherwise raises ContractError."""
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
