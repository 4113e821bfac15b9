"""The tables of a witness: the values of its case, and its worst elements beside the expected ones.

Rules: tables are cut to a readable size, always around the worst element, and say so; values that do not fit the
stated shape are left out rather than shown in the wrong place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from bnconform.report.wording import ratio_text, rough_text, value_text
from bnconform.results.records import PER_CHANNEL, CaseRecord, Detail

ROWS, COLUMNS, ELEMENTS = 12, 8, 10


@dataclass(frozen=True, kw_only=True)
class TableCell:
    """One value; `worst` marks the element with the worst ratio."""

    text: str
    worst: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A caption, column heads, rows that begin with their label, and a note on what was left out."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[TableCell, ...]], ...]
    note: str = ""


def settings(case: CaseRecord) -> dict[str, str]:
    """Returns the settings of a case in words."""
    shape = " × ".join(str(size) for size in case["shape"])
    named = {"mode": case["mode"], "dtype": case["dtype"], "shape": shape, "channels on axis": str(case["axis"])}
    return named | {"ε": value_text(case["eps"]), "momentum (of the new)": value_text(case["momentum"])}


def case_tables(detail: Detail) -> list[Table]:
    """Returns the arrays of the witness case: x and dy by rows and channels, the parameters by channels."""
    case = detail.get("case")
    if case is None:
        return []
    worst = _worst_place(detail.get("index"), case)
    tables = [_tensor(name, case[name], case, worst) for name in ("x", "dy")]
    return [table for table in (*tables, _parameters(case, worst)) if table is not None]


def _worst_place(index: list[int] | None, case: CaseRecord) -> tuple[int | None, int | None]:
    """Returns the row and the channel of the worst element, None for what its index does not tell."""
    shape, axis = tuple(case["shape"]), case["axis"]
    if index and len(index) == 1:  # of a value per channel
        return None, index[0]
    if not index or len(index) != len(shape) or not all(0 <= i < size for i, size in zip(index, shape, strict=True)):
        return None, None
    order = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), axis, -1).reshape(-1, shape[axis])
    row, channel = np.argwhere(order == np.ravel_multi_index(index, shape))[0]
    return int(row), int(channel)


def _tensor(name: str, values: Any, case: CaseRecord, worst: tuple[int | None, int | None]) -> Table | None:
    flat, shape = _flat(values), tuple(case["shape"])
    if values is None or len(flat) != math.prod(shape) or not flat:
        return None
    channels = shape[case["axis"]]
    cells = np.empty(len(flat), dtype=object)
    cells[:] = flat
    matrix = np.moveaxis(cells.reshape(shape), case["axis"], -1).reshape(-1, channels)
    rows, columns = _window(len(matrix), ROWS, worst[0]), _window(channels, COLUMNS, worst[1])
    body = tuple(
        (
            f"row {r}",
            tuple(TableCell(text=value_text(matrix[r, c], case["dtype"]), worst=(r, c) == worst) for c in columns),
        )
        for r in rows
    )
    cut = len(rows) < len(matrix) or len(columns) < channels
    note = f"{len(rows)} of {len(matrix)} rows, {len(columns)} of {channels} channels" if cut else ""
    return Table(caption=name, head=("", *(f"channel {c}" for c in columns)), rows=body, note=note)


def _parameters(case: CaseRecord, worst: tuple[int | None, int | None]) -> Table | None:
    channels = case["shape"][case["axis"]]
    columns = _window(channels, COLUMNS, worst[1])
    named = {name: _flat(case[name]) for name in PER_CHANNEL if case[name] is not None}  # type: ignore[literal-required]
    body = tuple(
        (name, tuple(TableCell(text=value_text(values[c], case["dtype"])) for c in columns))
        for name, values in named.items()
        if len(values) == channels
    )
    note = f"{len(columns)} of {channels} channels" if len(columns) < channels else ""
    head = ("", *(f"channel {c}" for c in columns))
    return Table(caption="per channel", head=head, rows=body, note=note) if body else None


def comparison(detail: Detail, quantity: str | None) -> Table | None:
    """Returns the elements that are furthest from what was expected, the worst first, marked where it lies outside."""
    index = detail.get("index") or []
    elements = _elements(detail) or [(tuple(index), *(detail.get(name) for name in ("actual", "expected", "bound")))]
    judged = [(_ratio(*numbers), place, *numbers) for place, *numbers in elements if None not in numbers]
    if not judged:
        return None
    judged.sort(key=lambda element: (-element[0], element[1] != tuple(index)))
    body = tuple(
        (_place(place), tuple(TableCell(text=text, worst=at == 0) for text in _texts(actual, expected, bound, ratio)))
        for at, (ratio, place, actual, expected, bound) in enumerate(judged[:ELEMENTS])
    )
    outside = sum(1 for ratio, *_ in judged if ratio > 1)
    note = f"{outside} of {len(judged)} outside their bound; the {len(body)} worst are shown" if len(judged) > 1 else ""
    head = ("element", "actual", "expected", "error", "bound", "ratio")
    return Table(caption=quantity or "value", head=head, rows=body, note=note)


def _elements(detail: Detail) -> list[tuple[Any, ...]]:
    arrays = [detail.get(name) for name in ("actual_values", "expected_values", "bound_values")]
    if any(values is None for values in arrays):
        return []
    actual, expected, bound = map(_flat, arrays)
    shape = _shape(arrays[0])
    if not len(actual) == len(expected) == len(bound) == math.prod(shape):
        return []
    return list(zip(product(*map(range, shape)), actual, expected, bound, strict=True))


def _texts(actual: Any, expected: Any, bound: Any, ratio: float) -> tuple[str, ...]:
    error = float(actual) - float(expected)
    quotient = "no claim" if float(bound) == math.inf else ratio_text(ratio)
    return value_text(actual), value_text(expected), _rough(error), _rough(bound), quotient


def _rough(value: Any) -> str:
    return rough_text(str(float(value))) if not math.isfinite(float(value)) else rough_text(float(value))


def _ratio(actual: Any, expected: Any, bound: Any) -> float:
    got, wanted, allowed = float(actual), float(expected), float(bound)
    if got == wanted or allowed == math.inf or (math.isnan(got) and math.isnan(wanted)):
        return 0.0
    error = abs(got - wanted)
    return error / allowed if allowed > 0 and math.isfinite(error) else math.inf


def _place(index: tuple[int, ...]) -> str:
    return "[" + ", ".join(str(i) for i in index) + "]"


def _window(size: int, limit: int, around: int | None) -> range:
    start = max(0, min((around or 0) - limit // 2, size - limit))
    return range(start, min(size, start + limit))


def _shape(values: Any) -> tuple[int, ...]:
    return (len(values), *(_shape(values[0]) if values else ())) if isinstance(values, list) else ()


def _flat(values: Any) -> list[Any]:
    return [leaf for value in values for leaf in _flat(value)] if isinstance(values, list) else [values]
