"""The Registry holds all known deviations and finds the one that covers a question.

Rules: reading it imports no framework; a deviation that repeats another is refused; one of an unknown spec is a wrong
call if its implementation takes part.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomllib

from bnconform.contract.errors import ContractError
from bnconform.engine.selection import fits
from bnconform.results.deviations.defects import defects_in
from bnconform.results.deviations.deviation import Deviation, deviations_of
from bnconform.results.deviations.witnesses import Packed

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Registry:
    """Deviations, found by their subject."""

    deviations: tuple[Deviation, ...] = ()
    _entries: dict[tuple[str, str, str], list[Deviation]] = field(default_factory=lambda: defaultdict(list), repr=False)

    def __post_init__(self) -> None:
        seen: dict[tuple[str, str], Deviation] = {}
        for one in self.deviations:
            key = one.name, str(one.cause.versions)
            if key in seen:
                raise ContractError(f"{one.place}: {one.name} is known already, by {seen[key].place}")
            seen[key] = one
            self._entries[one.spec, one.dtype, one.device].append(one)

    def of(self, spec: str, implementation: str, version: str, dtype: str, device: str) -> Deviation | None:
        """Returns the deviation that covers a question, before a glob the one that gives the name in full."""
        entries = self._entries.get((spec, dtype, device), ())
        covering = [one for one in entries if fits(implementation, [one.implementation]) and one.cause.covers(version)]
        return min(covering, key=lambda one: one.implementation != implementation, default=None)

    def check(self, implementations: Iterable[tuple[str, str]], specs: Collection[str]) -> None:
        """Raises ContractError for a deviation of any of these implementations (name, version) and of none of the
        specs that there are."""
        taking_part = list(implementations)
        for one in self.deviations:
            if one.spec not in specs and any(
                fits(name, [one.implementation]) and one.cause.covers(version) for name, version in taking_part
            ):
                near = difflib.get_close_matches(one.spec, specs, 1, 0.6)
                hint = f"did you mean {near[0]!r}?" if near else "`bnconform list specs` names those that there are"
                raise ContractError(f"{one.place}: there is no spec {one.spec!r}; {hint}")


def load_registry(folder: Path = FOLDER, *, drafts: bool = False) -> Registry:
    """Returns the registry of all TOML files in `folder`; raises ContractError for a wrong entry.

    drafts: whether a reason and a link may be still to be written, as in what `--update` proposed.
    """
    if not folder.is_dir():
        raise ContractError(f"--deviations {folder}: there is no such folder; expected one of TOML files of deviations")
    return Registry(tuple(one for path in sorted(folder.glob("*.toml")) for one in _read(path, drafts=drafts)))


def _read(path: Path, *, drafts: bool) -> Iterator[Deviation]:
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ContractError(f"{path}: cannot be read: {error}; expected a file of [[cause]] tables") from error
    causes = tables.get("cause")
    if not {"cause"} <= set(tables) <= {"cause", "defects"} or not isinstance(causes, list):
        got = ", ".join(tables) or "nothing"
        raise ContractError(f"{path}: got {got}; expected [[cause]] and [defects.NAME] tables and nothing else")
    defects = defects_in(tables.get("defects", {}), path.stem, path.name)
    idle = set(defects) - {table.get("defect") for table in causes if isinstance(table, dict)}
    if idle:
        raise ContractError(f"{path.name}: no cause is of defects.{min(idle)}; remove it, or name it in a cause")
    packed = Packed(path.with_suffix(".safetensors"))
    for number, table in enumerate(causes, 1):
        yield from deviations_of(table, f"{path.name}, cause {number}", packed, defects, drafts=drafts)
