"""A Defect is what a maintainer would mend: its title, how bad it is and its effect, stated once for all its causes.

Rules: every key and every value is checked; a defect that no cause is of is refused, as is a cause of one that is not
stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bnconform.contract.errors import ContractError
from bnconform.contract.text import on_one_line
from bnconform.results.deviations.checks import check_keys, one_of

SEVERITIES = ("ordinary", "unusual", "loud")
"""Silent on ordinary data; silent on unusual data or use; loud: it raises, crashes or hangs. The worst comes first."""
_KEYS = ("title", "severity", "effect")


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A defect as the registry states it.

    id: the name of its file and its own, as in "torch/third_derivative". title: a maintainer's words for it. severity:
    one of SEVERITIES. effect: a sentence on what users see.
    """

    id: str
    title: str
    severity: str
    effect: str


def defects_in(tables: Any, file: str, place: str) -> dict[str, Defect]:
    """Returns the defects of the `[defects.NAME]` tables of a file, by name; raises ContractError for a wrong one.

    file: the name of the file without its suffix. place: what messages call it.
    """
    if not isinstance(tables, Mapping):
        raise ContractError(f"{place}: defects is {tables!r:.80}; expected [defects.NAME] tables")
    return {name: _defect(table, f"{file}/{name}", f"{place}, [defects.{name}]") for name, table in tables.items()}


def _defect(table: Any, name: str, place: str) -> Defect:
    check_keys(table, place, _KEYS, ())
    for key in _KEYS:
        if not isinstance(table[key], str) or not table[key].strip():
            raise ContractError(f"{place}: {key} is {table[key]!r:.200}; expected a person's words")
    one_of(table["severity"], SEVERITIES, "severity", place)
    title, effect = (on_one_line(" ".join(table[key].split())) for key in ("title", "effect"))
    return Defect(id=name, title=title, severity=table["severity"], effect=effect)


def defect_of(name: Any, stated: Mapping[str, Defect], place: str, reason: str) -> Defect:
    """Returns the defect that a cause names; where it names none, one of its own whose title is the reason."""
    if name is None:
        return Defect(
            id=place.replace(", cause ", "/").replace(".toml", ""), title=reason, severity="unusual", effect=""
        )
    if not isinstance(name, str) or name not in stated:
        raise ContractError(
            f"{place}: defect is {name!r:.200}; expected one of {', '.join(stated) or 'none':.200}, each stated once "
            f"in a table [defects.NAME] with {', '.join(_KEYS)}"
        )
    return stated[name]
