"""Checks of the values in the registry's TOML files.

Rules: what is wrong is said with its place, what was got and what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from packaging.specifiers import SpecifierSet

from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import LONGEST_NAME

MOST_WORDS = 100
"""Words of one list."""


def check_keys(table: Any, place: str, needed: tuple[str, ...], more: tuple[str, ...]) -> None:
    """Raises ContractError unless `table` has all the keys needed and no other than these and `more`."""
    if not isinstance(table, Mapping):
        raise ContractError(f"{place}: got {table!r:.80}; expected a table with {', '.join(needed)}")
    lacking = [key for key in needed if key not in table]
    unknown = [key for key in table if key not in (*needed, *more)]
    if lacking or unknown:
        got = f"lacks {', '.join(lacking)}" if lacking else f"has {', '.join(unknown):.200}, which nothing reads"
        wanted = f" and, where wanted, {', '.join(more)}" if more else ""
        raise ContractError(f"{place}: {got}; expected {', '.join(needed)}{wanted}")


def one_of(value: Any, allowed: Sequence[str], key: str, place: str) -> str:
    """Returns a value that is among those allowed; raises ContractError for another."""
    if value not in allowed:
        raise ContractError(f"{place}: {key} is {value!r:.200}; expected one of {', '.join(allowed)}")
    return str(value)


def words(value: Any, key: str, place: str, allowed: tuple[str, ...] = ()) -> list[str]:
    """Returns a list of one or more words, each among those allowed where some are given."""
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise ContractError(f"{place}: {key} is {value!r:.200}; expected a list of one or more words")
    if len(value) > MOST_WORDS or max(map(len, value)) > LONGEST_NAME:
        got = f"{len(value)} words, the longest of {max(map(len, value))} characters"
        raise ContractError(f"{place}: {key} has {got}; expected at most {MOST_WORDS}, none longer than {LONGEST_NAME}")
    for one in value if allowed else ():
        one_of(one, allowed, key, place)
    return value


def version_range(value: Any, place: str) -> SpecifierSet:
    """Returns the range of versions that a text states."""
    try:
        fit = isinstance(value, str) and value.strip() and len(value) <= LONGEST_NAME
        return SpecifierSet(value if fit else "no range")
    except ValueError:  # InvalidSpecifier, or a number of thousands of digits
        raise ContractError(
            f"{place}: versions is {value!r:.200}; expected a range of the framework's versions by PEP 440, such as "
            "'>=2.13' or '>=2.13,<2.15'"
        ) from None
