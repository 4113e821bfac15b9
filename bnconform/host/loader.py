"""The loader of adapters: from an entry point, a module or .py file named by the user, or a program behind a pipe.

Rules: finding an address imports nothing; `load` is the one place that imports an adapter, and every failure of it
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

from bnconform.contract.address import AdapterFailure, Address, NotInstalled
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Implementation
from bnconform.host.fit import check_fit

_EXPECTED = "expected a list of bnconform.Implementation"


def load(address: Address) -> list[Implementation]:
    """Imports the adapter and returns its implementations; raises NotInstalled, ContractError or AdapterFailure."""
    check_fit(address)
    try:
        module = _import_file(address.target) if address.is_file else _import_module(address)
    except ModuleNotFoundError as error:
        raise _absent(address, error) from error
    except ContractError as error:
        raise ContractError(f"{address}{_line(address, error.__traceback__)}: {error}") from error
    except (Exception, SystemExit) as error:
        raise AdapterFailure(_failure(address, error)) from error
    return _checked(address, module)


def _import_module(address: Address) -> ModuleType:
    # A module that the user names may lie in the current folder, as with `python -m`.
    if address.named and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return importlib.import_module(address.target)


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


def _absent(address: Address, error: ModuleNotFoundError) -> Exception:
    missing = error.name or str(error)
    own = {"bnconform", address.target.partition(".")[0]}
    # A dotted name is part of a package that is there: the wrong version, not an absent one.
    if address.named or "." in missing or missing in own:
        return AdapterFailure(_failure(address, error))
    return NotInstalled(missing, str(address))


def _failure(address: Address, error: BaseException) -> str:
    reason = "".join(traceback.format_exception_only(type(error), error)).strip()
    return f"adapter {address}{_line(address, error.__traceback__)} could not be imported: {reason}"


def _line(address: Address, trace: TracebackType | None) -> str:
    """The last line of the adapter's own file that `trace` passes through, as " (line 3)"; "" if none does."""
    own = address.target if address.is_file else address.target.replace(".", os.sep) + ".py"
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename.endswith(own)]
    return f" (line {lines[-1]})" if lines else ""


def _checked(address: Address, module: ModuleType) -> list[Implementation]:
    if not hasattr(module, "IMPLEMENTATIONS"):
        raise ContractError(f"{address} has no IMPLEMENTATIONS; {_EXPECTED} under that name")
    return checked(address, module.IMPLEMENTATIONS)


def checked(address: Address, found: object) -> list[Implementation]:
    """Returns `found` if it is a valid list of implementations; otherwise raises ContractError."""
    if not isinstance(found, (list, tuple)) or not found:
        raise ContractError(f"{address}: IMPLEMENTATIONS is {found!r:.60} of type {type(found).__name__}; {_EXPECTED}")
    names: dict[str, int] = {}
    for index, item in enumerate(found):
        if not isinstance(item, Implementation):
            got = f"{item!r:.60} of type {type(item).__name__}"
            raise ContractError(f"{address}: IMPLEMENTATIONS[{index}] is {got}; expected a bnconform.Implementation")
        if names.setdefault(item.name, index) != index:
            both = f"IMPLEMENTATIONS[{names[item.name]}] and [{index}]"
            raise ContractError(f"{address}: {both} are both called {item.name!r}; expected names that differ")
    return list(found)
