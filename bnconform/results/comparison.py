"""Compares two runs finding by finding: what a change of a framework, or of bnconform, made of the verdicts.

Rules: a finding is known by spec, implementation, dtype and device; figures are equal to the last digit or they differ;
what one run has and the other has not is a difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bnconform.results.file import Results
from bnconform.results.records import Finding

MEASURED = ("verdict", "worst_ratio", "quantity", "examples", "compared", "claimed")
"""What was found and how near it came."""
SAID = ("reason", "diagnosis", "explanation", "known")
"""What is said of it."""
Key = tuple[str, str, str, str]


def differences(before: Results, after: Results, fields: tuple[str, ...] = MEASURED) -> Iterator[str]:
    """Yields a line for each finding of two runs in which one of the fields differs."""
    one, other = _by_key(before), _by_key(after)
    for key in dict.fromkeys([*one, *other]):
        name = f"{key[0]} of {key[1]} in {key[2]} on {key[3]}"
        if key not in one or key not in other:
            yield f"{name}: only in {'the first' if key in one else 'the second'} run"
            continue
        words = [_difference(field, one[key], other[key]) for field in fields]
        if any(words):
            yield f"{name}: {'; '.join(word for word in words if word)}"


def _by_key(results: Results) -> dict[Key, Finding]:
    return {(one["spec"], one["implementation"], one["dtype"], one["device"]): one for one in results.findings}


def _difference(field: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    first, second = one.get(field), other.get(field)
    return "" if first == second else f"{field} {_short(first)} became {_short(second)}"


def _short(value: object) -> str:
    return repr(value) if isinstance(value, float) else f"{value!s:.200}"
