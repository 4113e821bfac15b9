"""A Case as one readable line, and the Case that such a line tells, equal in every bit.

    train float32 axis=1 eps=0.25 momentum=0.5 shape=(2,1) x=[0 0.5] gamma=[1]

Rules: first the mode and the dtype of x, then the settings, the shape of x, and the arrays in the order of the fields;
what has its default is left out, but the axis. An array names its dtype where that is not x's, as in
`gamma:float32=[1]`, and its shape where that does not follow from x's, as in `mask(2,1)=[1 0]`. A number is written
with the fewest digits that give its bits back; a NaN of unusual bits is written as those. What cannot be read gives a
ContractError that names the word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from sys import byteorder
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from bnconform.contract.case import TENSORS, Case
from bnconform.contract.checks import check_extent
from bnconform.contract.dtypes import DTYPES, STATE_DTYPES, dtype_name, dtype_named
from bnconform.contract.errors import ContractError

_STATE = "state"
_NUMBERS = ("axis", "eps", "momentum")
_TUPLES = ("shape", "shards")
_WANTED = "wanted"
_OPTIONS = ("memory", "layer", "groups", "malformed", "between_mode")
_DEFAULTS = {field.name: field.default for field in fields(Case)}
_SWITCHES = tuple(name for name, default in _DEFAULTS.items() if default is False)
_ARRAYS = tuple(
    name
    for name, default in _DEFAULTS.items()
    if default in (None, MISSING) and name not in ("mode", _STATE, _WANTED, *_NUMBERS, *_OPTIONS)
)
_WORDS = re.compile(r"[^\s\[]+=\[[^\]]*\]|\S+")
_ARRAY = re.compile(r"(?P<name>[^:(=]+)(?::(?P<dtype>\w+))?(?:\((?P<shape>[\d,]*)\))?=\[(?P<values>[^\]]*)\]")
_SHAPE = re.compile(r"[\d,]*")
_INTEGER = re.compile(r"-?\d+")
LONGEST = 20_000
"""Characters of a line: many times those of the cases that stand as one."""
_EXPECTED = "a line such as 'train float32 axis=1 eps=0.25 momentum=0.5 shape=(2,1) x=[0 0.5]'"


# Writing


def case_line(case: Case) -> str:
    """Returns `case` as one line."""
    return " ".join(_words(case))


def _words(case: Case) -> Iterator[str]:
    yield from (case.mode, case.dtype)
    yield from (f"{name}={_scalar(getattr(case, name))}" for name in _NUMBERS)
    yield from (name for name in _SWITCHES if getattr(case, name))
    yield from (f"{name}={value}" for name in _OPTIONS if (value := getattr(case, name)) != _DEFAULTS[name])
    if case.wanted is not None:
        yield f"{_WANTED}={','.join(case.wanted)}"
    yield f"shape=({_shape_text(case.x.shape)})"
    if case.shards:
        yield f"shards=({_shape_text(case.shards)})"
    for name in _ARRAYS:
        if getattr(case, name) is not None:
            yield _array_text(name, getattr(case, name), case.x)
    if case.state is not None:
        yield from (_array_text(f"{_STATE}.{quote(name)}", array, case.x) for name, array in case.state.items())
        if not case.state:
            yield _STATE


def _scalar(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def _shape_text(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape))


def _array_text(name: str, array: np.ndarray, x: np.ndarray) -> str:
    dtype = "" if array.dtype == _usual_dtype(name, x.dtype) else f":{dtype_name(array.dtype)}"
    shape = "" if array.shape == _usual_shape(name, array.size, x.shape) else f"({_shape_text(array.shape)})"
    return f"{name}{dtype}{shape}=[{' '.join(map(_value_text, array.ravel()))}]"


def _usual_dtype(name: str, of_x: np.dtype) -> np.dtype:
    return np.dtype(bool) if name == "mask" else of_x


def _usual_shape(name: str, size: int, of_x: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the shape that an array has where its word states none: x's, or that of a vector."""
    return of_x if name in (*TENSORS, "mask") else (size,)


def _value_text(value: Any) -> str:
    if value.dtype.kind in "biu":
        return str(int(value))
    wide = float(value)
    whole = [f"{wide:.0f}"] if abs(wide) < 1e6 else []
    with np.errstate(over="ignore"):  # the largest number, in few digits, may be larger
        for text in (*whole, *(f"{wide:.{digits}g}" for digits in range(1, 18))):
            if _bits(value.dtype.type(float(text))) == _bits(value):
                return text
    return f"0x{_bits(value):x}"


def _bits(value: Any) -> int:
    return int.from_bytes(value.tobytes(), byteorder)


# Reading


def read_case(line: str) -> Case:
    """Returns the Case that `line` tells; raises ContractError, with the word that is wrong, for any other line."""
    if len(line) > LONGEST:
        raise ContractError(f"got a case of {len(line):,} characters; expected a line of at most {LONGEST:,}")
    mode, dtype, *words = [*_WORDS.findall(line), "", ""]
    words = [word for word in words if word]
    if mode not in ("train", "infer") or dtype not in DTYPES:
        raise ContractError(f"got the case {line!r:.80}; expected {_EXPECTED}: a mode, a dtype, settings, arrays")
    values: dict[str, Any] = {}
    for word in words:
        name, value = _read_word(word, dtype)
        if name in values:
            raise ContractError(f"got {name!r:.60} twice in the case {line!r:.80}; expected it once: remove one")
        values[name] = value
    return _built(line, mode, values)


def _read_word(word: str, dtype: str) -> tuple[str, Any]:
    """Returns a word's name and value; that of an array is still to be given x's shape."""
    name, sign, text = word.partition("=")
    if not sign and name in (*_SWITCHES, _STATE):
        return name, True
    if name in _NUMBERS:
        return name, _number(word, text)
    if name in _OPTIONS:
        return name, _number(word, text) if name == "groups" else text
    if name == _WANTED:
        return name, tuple(text.split(","))
    if name in _TUPLES:
        return name, _shape(word, text[1:-1])
    found = _ARRAY.fullmatch(word)
    if found is None or (found["name"] not in _ARRAYS and not found["name"].startswith(f"{_STATE}.")):
        raise ContractError(
            f"got the word {word!r:.60} in a case; expected one of {', '.join((*_NUMBERS, *_OPTIONS, *_TUPLES))} "
            f"behind which = and a value stand, one of {', '.join(_SWITCHES)}, or an array such as x=[0 0.5]"
        )
    return found["name"], _read_array(found, dtype)


def _number(word: str, text: str) -> float | int:
    try:
        number = int(text) if _INTEGER.fullmatch(text) else float(text)
        if word.startswith(("axis=", "groups=")) and not isinstance(number, int):
            raise ValueError
        float(number)
        return number
    except (ValueError, OverflowError):
        raise ContractError(f"got {word!r:.60} in a case; expected a number behind the =") from None


def _shape(word: str, text: str) -> tuple[int, ...]:
    try:
        if not _SHAPE.fullmatch(text):
            raise ValueError
        return tuple(int(part) for part in text.split(",") if part)
    except ValueError:
        raise ContractError(f"got {word!r:.60} in a case; expected a shape such as (2,1)") from None


def _read_array(found: re.Match[str], of_x: str) -> tuple[np.ndarray, tuple[int, ...] | None]:
    """Returns the values of an array's word as a vector, and the shape that it states, if it does."""
    named = found["dtype"] or ("bool" if found["name"] == "mask" else of_x)
    if named not in STATE_DTYPES:
        raise ContractError(f"got {found[0]!r:.60} in a case, of dtype {named!r:.60}; expected one of {STATE_DTYPES}")
    dtype = dtype_named(named)
    try:
        with np.errstate(all="ignore"):  # a number may be too large for the dtype, and is infinite in it
            values = [_value(text, dtype) for text in found["values"].split()]
    except (ValueError, OverflowError) as error:
        raise ContractError(f"got {found[0]!r:.60} in a case ({error!s:.100}); expected values of {named}") from None
    shape = None if found["shape"] is None else _shape(found[0], found["shape"])
    return np.array(values, dtype), shape


def _value(text: str, dtype: np.dtype) -> Any:
    if text.startswith("0x"):
        return np.frombuffer(int(text, 16).to_bytes(dtype.itemsize, byteorder), dtype)[0]
    return dtype.type(int(text) if dtype.kind in "biu" else float(text))


def _built(line: str, mode: str, values: dict[str, Any]) -> Case:
    lacking = [name for name in (*_NUMBERS, "shape", "x") if name not in values]
    if lacking:
        raise ContractError(f"the case {line!r:.80} lacks {', '.join(lacking)}; expected {_EXPECTED}")
    of_x = values.pop("shape")
    empty = values.pop(_STATE, False)
    others = (*_TUPLES, _WANTED)
    told_as_arrays = [name for name, value in values.items() if isinstance(value, tuple) and name not in others]
    arrays = {name: values.pop(name) for name in told_as_arrays}
    shaped = {name: _shaped(name, flat, shape, of_x) for name, (flat, shape) in arrays.items()}
    state = {unquote(name[len(_STATE) + 1 :]): shaped.pop(name) for name in arrays if name not in _ARRAYS}
    needed: dict[str, Any] = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"))
    told = needed | values | shaped | {"state": state if state or empty else None}
    return Case(mode=mode, **told)  # type: ignore[arg-type]  # the mode was checked


def _shaped(name: str, flat: np.ndarray, shape: tuple[int, ...] | None, of_x: tuple[int, ...]) -> np.ndarray:
    wanted = _usual_shape(name, flat.size, of_x) if shape is None else shape
    if math.prod(wanted) != flat.size:
        raise ContractError(
            f"got {flat.size} values of {name!r:.60} in a case; expected those of shape {wanted!r:.200}"
        )
    check_extent(name, wanted)
    return flat.reshape(wanted)
