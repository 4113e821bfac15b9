"""The versions that an adapter fits: what it states of them, held against what is installed, before it is imported.

Rules: an adapter states `FITS = {"distribution": ">=1.2,<3"}` as a literal at the top of its module, which is read and
not run, since an import of another version may fail anywhere; an installed version outside is told once, with what is
there and what is wanted, and is never the implementation's failure. The light half has no `packaging`: of a version its
numbers count, and what comes behind them does not.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from bnconform.contract.address import AdapterFailure, Address, NotInstalled
from bnconform.contract.errors import ContractError

NAME = "FITS"
_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)(\.\*)?\s*")
_NUMBERS = re.compile(r"(?:\d+!)?(\d+(?:\.\d+)*)")


def check_fit(address: Address) -> None:
    """Raises NotInstalled for an installed adapter, and AdapterFailure for one that the user named, if what is
    installed here is outside of what the adapter states; ContractError for a statement that cannot be read."""
    path = _source(address)
    for name, wanted in ({} if path is None else stated(path)).items():
        try:
            here = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # what is absent, or called otherwise, the import tells
        if fits(here, wanted):
            continue
        if not address.named:
            raise NotInstalled(f"{name}{wanted} (here is {here})", str(address))
        raise AdapterFailure(
            f"adapter {address} fits {name}{wanted}, and {name} {here} is installed; install one that fits, or name an "
            "adapter of yours that does"
        )


def stated(path: Path) -> dict[str, str]:
    """Returns the ranges that a module states, by name of the distribution; none where it states nothing, or cannot be
    parsed, which its import tells."""
    try:
        parsed = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return {}
    for node in parsed.body:
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == NAME for one in node.targets):
            return _checked(path, node.value)
    return {}


def _checked(path: Path, node: ast.expr) -> dict[str, str]:
    try:
        found = ast.literal_eval(node)
    except ValueError:
        found = None
    if not isinstance(found, Mapping) or not all(isinstance(text, str) for pair in found.items() for text in pair):
        raise ContractError(f'{path.name}: {NAME} is {ast.unparse(node):.100}; expected texts, as {{"flax": ">=0.7"}}')
    for name, text in found.items():
        if not all(_CLAUSE.fullmatch(clause) for clause in text.split(",")):
            raise ContractError(f"{path.name}: {NAME} has {text!r:.100} for {name}; expected a range, as '>=1.2,<3'")
    return dict(found)


def fits(version: str, wanted: str) -> bool:
    """Returns whether the numbers of a version lie in a range, such as '>=1.2,<3' or '==0.7.*'."""
    found = _NUMBERS.match(version)
    return found is None or all(_holds(_numbers(found[1]), clause) for clause in wanted.split(","))


def _holds(here: tuple[int, ...], clause: str) -> bool:
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        return False
    sign, there, is_prefix = found[1], _numbers(found[2]), bool(found[3])
    size = len(there) if is_prefix else max(len(here), len(there))
    left, right = _padded(here, size), _padded(there, size)
    return {
        ">=": left >= right, "<=": left <= right, ">": left > right, "<": left < right,
        "==": left == right, "!=": left != right,
    }[sign]  # fmt: skip


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in text.split("."))


def _padded(numbers: tuple[int, ...], size: int) -> tuple[int, ...]:
    return (*numbers, *(0,) * size)[:size]


def _source(address: Address) -> Path | None:
    """Returns the file of an adapter, found without importing it; None where there is none to read."""
    if address.is_file:
        return Path(address.target)
    try:
        found = importlib.util.find_spec(address.target)
    except (ImportError, ValueError, AttributeError):
        return None
    return None if found is None or not found.origin or not found.origin.endswith(".py") else Path(found.origin)
