"""The Registry holds all known deviations and finds the one that covers a question.

Rules: reading it imports no framework; a deviation that repeats another is refused; one of an unknown spec is a wrong
call if its implementation takes part.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import tomllib

from bnconform.contract.errors import ContractError
from bnconform.contract.files import inside
from bnconform.contract.text import clipped, on_one_line
from bnconform.engine.selection import fits
from bnconform.results.deviations.defects import defects_in
from bnconform.results.deviations.deviation import MOST, Deviation, deviations_of
from bnconform.results.deviations.witnesses import Packed

MOST_DOTS = 200
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
    try:
        read = (_read(inside(folder, path.name), drafts=drafts) for path in sorted(folder.glob("*.toml")))
        found = tuple(islice(chain.from_iterable(read), MOST))
    except ContractError as error:
        raise ContractError(clipped(on_one_line(str(error)), 1000)) from None
    if len(found) == MOST:
        raise ContractError(f"{folder} holds {MOST:,} deviations or more; expected fewer")
    return Registry(found)


def _longest_key(text: str) -> int:
    """Returns how many dots the longest chain of words has that dots join, blanks beside them or not."""
    longest, chain_of, before = 0, 0, ""
    for word in text.split():
        joined = word.startswith(".") or before.endswith(".")
        chain_of, before = chain_of * joined + word.count("."), word
        longest = max(longest, chain_of)
    return longest


def _read(path: Path, *, drafts: bool) -> Iterator[Deviation]:
    try:
        text = path.read_text(encoding="utf-8")
        if _longest_key(text) > MOST_DOTS:  # the parser takes a time that grows with the square
            raise ValueError(f"a key of more than {MOST_DOTS} dots")
        tables: dict[str, Any] = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        why = on_one_line(str(error))[:200]
        raise ContractError(f"{path}: cannot be read: {why}; expected a file of [[cause]] tables") from error
    causes = tables.get("cause")
    if not {"cause"} <= set(tables) <= {"cause", "defects"} or not isinstance(causes, list):
        got = ", ".join(tables)[:200] or "nothing"
        raise ContractError(f"{path}: got {got}; expected [[cause]] and [defects.NAME] tables and nothing else")
    defects = defects_in(tables.get("defects", {}), path.stem, path.name)
    named = [table.get("defect") for table in causes if isinstance(table, dict)]
    idle = [name for name in defects if name not in named]
    if idle:
        raise ContractError(f"{path.name}: no cause is of defects.{min(idle)}; remove it, or name it in a cause")
    packed = Packed(path.with_suffix(".safetensors"))
    for number, table in enumerate(causes, 1):
        yield from deviations_of(table, f"{path.name}, cause {number}", packed, defects, drafts=drafts)
