"""A Reply is what a host answers to a Case; a Described is what it says of an Implementation.

Rules: plain frozen values of strings and numbers, picklable and writable as JSON; only an Outcome holds arrays; a fault
of the adapter (Broken) is never mixed with what the implementation itself did (all others).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bnconform.case import ContractError, Outcome
from bnconform.dialect import Dialect, Implementation
from bnconform.settings import Settings


@dataclass(frozen=True)
class NotOffered:
    """The implementation does not offer this: its adapter raised Unsupported with `reason`."""

    reason: str


@dataclass(frozen=True)
class Raised:
    """The implementation raised an exception of class `type`; `traceback` holds the adapter's frames and the last."""

    type: str
    message: str
    traceback: str


@dataclass(frozen=True)
class Crashed:
    """The host process ended: `how` is a signal ("SIGABRT") or "exit status 3"; `stderr` its last 4 KiB of text."""

    how: str
    stderr: str


@dataclass(frozen=True)
class TimedOut:
    """No answer came within `seconds`, so the host process was killed."""

    seconds: float


@dataclass(frozen=True)
class Broken:
    """The adapter itself is at fault, as when it breaks the public contract; `message` names the culprit."""

    message: str


Reply = Outcome | NotOffered | Raised | Crashed | TimedOut | Broken
KINDS: dict[str, type] = {kind.__name__: kind for kind in (NotOffered, Raised, Crashed, TimedOut, Broken)}


@dataclass(frozen=True)
class Described:
    """An Implementation without its function: what can travel between processes. `dtypes` and the like are sorted."""

    name: str
    version: str
    dialect: Dialect
    by_dtype: Mapping[str, Dialect] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()
    ranks: tuple[int, ...] = ()
    compiled: bool = False
    devices: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    opt_in: bool = False
    settings: Settings | None = None

    @classmethod
    def of(cls, implementation: Implementation) -> Described:
        """Returns the description of `implementation`; raises ContractError for fields of a wrong kind."""
        return cls(
            name=implementation.name,
            version=str(implementation.version),
            dialect=implementation.dialect,
            by_dtype=_dialects(implementation),
            dtypes=_sorted(implementation, "dtypes", str),
            ranks=_sorted(implementation, "ranks", int),
            compiled=bool(implementation.compiled),
            devices=_sorted(implementation, "devices", str),
            features=_sorted(implementation, "features", str),
            opt_in=bool(implementation.opt_in),
            settings=implementation.settings,
        )

    def dialect_for(self, dtype: str) -> Dialect:
        """Returns the Dialect that holds for inputs of `dtype`."""
        return self.by_dtype.get(dtype, self.dialect)

    def to_json(self) -> dict[str, Any]:
        """Returns the description as values that JSON can hold."""
        message = {field.name: getattr(self, field.name) for field in fields(self)}
        message["dialect"] = _plain(self.dialect)
        message["by_dtype"] = {dtype: _plain(dialect) for dtype, dialect in self.by_dtype.items()}
        message["settings"] = None if self.settings is None else self.settings.to_json()
        return message

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Described:
        """Returns the description that `to_json` gave as `message`."""
        values = dict(message)
        values["dialect"] = Dialect(**values["dialect"])
        values["by_dtype"] = {dtype: Dialect(**dialect) for dtype, dialect in values["by_dtype"].items()}
        if values.get("settings") is not None:
            values["settings"] = Settings.from_json(values["settings"])
        for name in ("dtypes", "ranks", "devices", "features"):
            values[name] = tuple(values[name])
        return cls(**values)


def _plain(dialect: Dialect) -> dict[str, Any]:
    values = {field.name: getattr(dialect, field.name) for field in fields(dialect)}
    return {**values, "links": dict(dialect.links)}


def _dialects(implementation: Implementation) -> dict[str, Dialect]:
    by_dtype = implementation.by_dtype
    if not isinstance(by_dtype, Mapping) or not all(isinstance(dialect, Dialect) for dialect in by_dtype.values()):
        raise ContractError(f"{implementation.name}: by_dtype is {by_dtype!r}; expected Dialects by name of dtype")
    return dict(by_dtype)


def _sorted(implementation: Implementation, name: str, kind: type) -> tuple[Any, ...]:
    values = getattr(implementation, name)
    if isinstance(values, str) or not hasattr(values, "__iter__") or not all(isinstance(v, kind) for v in values):
        raise ContractError(f"{implementation.name}: {name} is {values!r}; expected a collection of {kind.__name__}")
    return tuple(sorted(values))
