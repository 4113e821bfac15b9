"""An Implementation is one entry point under test; a Described is the same without its function.

Rules: a Described is a frozen value that travels between processes and can be written as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bnconform.contract.case import FEATURES, Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import ContractError
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Settings
from bnconform.contract.snippet import Snippet
from bnconform.contract.versions import environment

LONGEST_NAME = 200
"""Characters of an implementation's name, at most, and of every other name in results."""


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """One batch-normalization entry point under test.

    name: dotted, unique in a run. run: takes a Case, returns an Outcome, raises Unsupported. dtypes: those it takes.
    ranks: ranks of x that it takes. compiled: a new shape costs a compilation, so shapes come from a fixed pool.
    version: of the framework. devices: "cpu", "cuda". by_dtype: Dialects of single dtypes that differ from `dialect`.
    features: those of bnconform.contract.case.FEATURES that it offers: a case that asks for another never reaches it.
    opt_in: it takes part only where `--implementation` names it, by a glob such as '*' too: a variant of another one.
    settings: the arguments with which a user makes or calls it; None: not known. snippet: the call that stands in for
    its adapter in scripts; None: there is none. versions: of what it consists of, by name of the distribution, as
    `bnconform.installed("torch")` gives them; empty: `version`, by the first part of its name. fixed_eps,
    fixed_momentum: the ε, and the weight of the new statistics, that it has whatever a Case says: it is judged at these
    and never asked for another; None: it takes what the Case has. only: the features of which a case must ask for one
    to reach it, as of what folds and normalizes nothing itself; empty: any case may reach it.
    """

    name: str
    run: Callable[[Case], Outcome]
    dialect: Dialect = Dialect()  # noqa: RUF009  # it is frozen, so one may serve all
    dtypes: Collection[str] = frozenset({"float32", "float64"})
    ranks: Collection[int] = frozenset({2, 3, 4, 5})
    compiled: bool = False
    version: str = ""
    devices: Collection[str] = frozenset({"cpu"})
    by_dtype: Mapping[str, Dialect] = field(default_factory=dict)
    features: Collection[str] = frozenset()
    opt_in: bool = False
    settings: Settings | None = None
    snippet: Snippet | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    fixed_eps: float | None = None
    fixed_momentum: float | None = None
    only: Collection[str] = frozenset()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or not self.name.isprintable() or " " in self.name:
            raise ContractError(f"Implementation.name is {self.name!r:.200}; expected a dotted name without spaces")
        if len(self.name) > LONGEST_NAME:
            raise ContractError(
                f"Implementation.name has {len(self.name):,} characters and begins with {self.name[:60]!r}; expected "
                f"at most {LONGEST_NAME}"
            )
        if not callable(self.run):
            raise ContractError(f"{self.name}: run is {self.run!r:.200}; expected a function that takes a Case")
        if not isinstance(self.dialect, Dialect):
            raise ContractError(f"{self.name}: dialect is {self.dialect!r:.200}; expected a bnconform.Dialect")
        if isinstance(self.dtypes, str) or not self.dtypes or not set(self.dtypes) <= set(DTYPES):
            raise ContractError(f"{self.name}: dtypes is {self.dtypes!r:.200}; expected some of {DTYPES}")
        if isinstance(self.features, str) or not set(self.features) <= set(FEATURES):
            raise ContractError(f"{self.name}: features is {self.features!r:.200}; expected some of {tuple(FEATURES)}")
        if isinstance(self.only, str) or not set(self.only) <= set(self.features):
            raise ContractError(f"{self.name}: only is {self.only!r:.200}; expected some of its own features")
        if self.settings is not None and not isinstance(self.settings, Settings):
            raise ContractError(f"{self.name}: settings is {self.settings!r:.200}; expected a bnconform.Settings")
        if self.snippet is not None and not isinstance(self.snippet, Snippet):
            raise ContractError(f"{self.name}: snippet is {self.snippet!r:.60}; expected a bnconform.Snippet")
        if not isinstance(self.versions, Mapping) or not all(
            isinstance(text, str) for pair in self.versions.items() for text in pair
        ):
            raise ContractError(
                f"{self.name}: versions is {self.versions!r:.200}; expected versions by distribution, as texts"
            )
        for name in ("fixed_eps", "fixed_momentum"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or value != value):
                raise ContractError(f"{self.name}: {name} is {value!r:.200}; expected a number, or None")
        for name in DEFAULTS.intersection(self.features):
            if getattr(self.settings, name, None) is None:
                raise ContractError(f"{self.name}: it offers {name!r:.200}; expected settings that document a default")

    def dialect_for(self, dtype: str) -> Dialect:
        """Returns the Dialect that holds for inputs of `dtype`."""
        return self.by_dtype.get(dtype, self.dialect)


DEFAULTS = frozenset({"default_eps", "default_momentum"})
"""Features of implementations whose documented default can be left out of the call."""


@dataclass(frozen=True)
class Described:
    """An Implementation without its function: what can travel between processes. `dtypes` and the like are sorted.

    environment: the Python in which it runs, and what is installed there that a host needs, by name; empty: unknown.
    """

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
    snippet: Snippet | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    fixed_eps: float | None = None
    fixed_momentum: float | None = None
    only: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

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
            snippet=implementation.snippet,
            versions=dict(implementation.versions) or _own_version(implementation),
            fixed_eps=_number(implementation.fixed_eps),
            fixed_momentum=_number(implementation.fixed_momentum),
            only=_sorted(implementation, "only", str),
            environment=environment(),
        )

    def dialect_for(self, dtype: str) -> Dialect:
        """Returns the Dialect that holds for inputs of `dtype`."""
        return self.by_dtype.get(dtype, self.dialect)

    def to_json(self) -> dict[str, Any]:
        """Returns the description as values that JSON can hold."""
        message = {field.name: getattr(self, field.name) for field in fields(self)}
        message["dialect"] = _plain(self.dialect)
        message["by_dtype"] = {dtype: _plain(dialect) for dtype, dialect in self.by_dtype.items()}
        for name in ("settings", "snippet"):
            stated = getattr(self, name)
            message[name] = None if stated is None else stated.to_json()
        return message

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Described:
        """Returns the description that `to_json` gave as `message`."""
        values = dict(message)
        values["dialect"] = Dialect(**values["dialect"])
        values["by_dtype"] = {dtype: Dialect(**dialect) for dtype, dialect in values["by_dtype"].items()}
        if values.get("settings") is not None:
            values["settings"] = Settings.from_json(values["settings"])
        if values.get("snippet") is not None:
            values["snippet"] = Snippet.from_json(values["snippet"])
        for name in ("dtypes", "ranks", "devices", "features", "only"):
            values[name] = tuple(values[name])
        return cls(**values)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _own_version(implementation: Implementation) -> dict[str, str]:
    version = str(implementation.version)
    return {implementation.name.partition(".")[0]: version} if version else {}


def _plain(dialect: Dialect) -> dict[str, Any]:
    values = {field.name: getattr(dialect, field.name) for field in fields(dialect)}
    return {**values, "links": dict(dialect.links)}


def _dialects(implementation: Implementation) -> dict[str, Dialect]:
    by_dtype = implementation.by_dtype
    if not isinstance(by_dtype, Mapping) or not all(isinstance(dialect, Dialect) for dialect in by_dtype.values()):
        raise ContractError(f"{implementation.name}: by_dtype is {by_dtype!r:.200}; expected Dialects by name of dtype")
    return dict(by_dtype)


def _sorted(implementation: Implementation, name: str, kind: type) -> tuple[Any, ...]:
    values = getattr(implementation, name)
    if isinstance(values, str) or not hasattr(values, "__iter__") or not all(isinstance(v, kind) for v in values):
        raise ContractError(
            f"{implementation.name}: {name} is {values!r:.200}; expected a collection of {kind.__name__}"
        )
    return tuple(sorted(values))
