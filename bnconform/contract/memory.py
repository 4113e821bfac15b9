"""How the arrays of a case lie in memory when an implementation sees them, and whether it wrote to them.

Rules: values stay as they are, bit for bit, and arrays read-only; a case arrives plain, as pipes and files hold it, and
is laid out last, in the process that calls the adapter, as copies; a plain case that is not watched is handed over as
it is; what lies between or beside the elements of an array is not a number, so that whoever reads it shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from bnconform.contract.case import PER_CHANNEL, TENSORS, Case, Memory
from bnconform.contract.errors import Unsupported
from bnconform.contract.outcome import Outcome

Arrays = dict[str, np.ndarray]
Arrange = Callable[[np.ndarray, int], np.ndarray]  # an array, and the axis of the channels if it has x's rank
Lay = Callable[[Arrays, int], Arrays]


class InputOverwritten(Exception):
    """An implementation wrote to arrays of its case. names: which ones."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"it wrote to {' and '.join(names)}, which the caller still holds")
        self.names = tuple(names)


def handed_over(run: Callable[[Case], Outcome], case: Case) -> Outcome:
    """Returns the outcome of `run` for `case`, its arrays laid out in memory as the case asks.

    Raises InputOverwritten if the case is watched and one of them has changed afterwards.
    """
    if case.memory == "plain" and not case.watched:
        return run(case)
    case = laid_out(case)
    before = _contents(case) if case.watched else {}
    outcome = run(case)
    after = _contents(case) if case.watched else {}
    written = [name for name, content in before.items() if after[name] != content]
    if written:
        raise InputOverwritten(written)
    return outcome


def laid_out(case: Case) -> Case:
    """Returns `case` with copies of its arrays, which lie in memory as it asks."""
    return replace(case, **arranged(_arrays(case), case.memory, case.axis))  # type: ignore[arg-type]


def _arrays(case: Case) -> dict[str, np.ndarray]:
    return {name: value for name, value in vars(case).items() if isinstance(value, np.ndarray)}


def in_c_order(case: Case) -> Case:
    """Returns `case` with its arrays as a plain case has them, for an adapter whose implementation takes no others."""
    return case if case.memory == "plain" else laid_out(replace(case, memory="plain"))


def _contents(case: Case) -> dict[str, bytes]:
    """Returns the memory of each array, between its elements too."""
    return {name: _whole(array).tobytes() for name, array in _arrays(case).items()}


def _whole(array: np.ndarray) -> np.ndarray:
    return array.base if isinstance(array.base, np.ndarray) else array


def arranged(arrays: Mapping[str, np.ndarray | None], memory: Memory, axis: int) -> dict[str, np.ndarray | None]:
    """Returns copies of `arrays` that lie in memory in that way, the channels of those that have x's rank on `axis`.

    Raises Unsupported for a type that cannot.
    """
    there = {name: array for name, array in arrays.items() if array is not None}
    return {**dict.fromkeys(arrays), **_LAY[memory](there, axis)}


# One array


def _plain(array: np.ndarray, axis: int) -> np.ndarray:
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def _reversed(array: np.ndarray, axis: int) -> np.ndarray:
    return np.array(array, order="F")


def _strided(array: np.ndarray, axis: int) -> np.ndarray:
    flat = array.ravel()
    buffer = np.empty(2 * flat.size, array.dtype)
    buffer[::2] = flat
    buffer[1::2] = ~flat if array.dtype == np.bool_ else np.nan
    return buffer[::2].reshape(array.shape)


def _backwards(array: np.ndarray, axis: int) -> np.ndarray:
    return np.flip(np.array(np.flip(array), order="C"))


def _flipped(array: np.ndarray, axis: int) -> np.ndarray:
    return np.flip(np.array(np.flip(array, 0), order="C"), 0)


def _misaligned(array: np.ndarray, axis: int) -> np.ndarray:
    values = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    values[...] = array
    return values


def _swapped(array: np.ndarray, axis: int) -> np.ndarray:
    if array.dtype.isbuiltin != 1:
        raise Unsupported(f"NumPy has {array.dtype.name} in the machine's byte order only")
    return array.astype(array.dtype.newbyteorder("S"), order="C")


def _cropped(array: np.ndarray, axis: int) -> np.ndarray:
    inside = _no_numbers([extent + 2 for extent in array.shape], array.dtype)[(slice(1, -1),) * array.ndim]
    inside[...] = array
    return inside


def _channels(to: int, array: np.ndarray, axis: int) -> np.ndarray:
    """Returns `array` with its channels on `axis` still, and in memory as if they were on the axis `to`.

    The stride of an axis of extent 1 means nothing and may be any: it is one element, so that none can be relied on.
    """
    moved = np.moveaxis(np.array(np.moveaxis(array, axis, to), order="C"), to, axis)
    pairs = zip(moved.shape, moved.strides, strict=True)
    strides = tuple(array.itemsize if extent == 1 else stride for extent, stride in pairs)
    return np.lib.stride_tricks.as_strided(moved, strides=strides)


def _broadcast(array: np.ndarray, axis: int) -> np.ndarray:
    bits = np.ascontiguousarray(array).view(f"u{array.itemsize}")
    once = tuple(slice(1) if bits.size and _is_constant(bits, i) else slice(None) for i in range(array.ndim))
    return np.broadcast_to(array[once].copy(), array.shape)


def _is_constant(bits: np.ndarray, axis: int) -> bool:
    return bool((bits == bits.take([0], axis)).all())


# Several arrays


def _each(arrange: Arrange) -> Lay:
    return lambda arrays, axis: {name: arrange(array, axis) for name, array in arrays.items()}


def _only(wanted: Callable[[str], bool], arrange: Arrange) -> Lay:
    return lambda arrays, axis: {
        name: (arrange if wanted(name) else _plain)(array, axis) for name, array in arrays.items()
    }


def _shared(arrays: Arrays, axis: int) -> Arrays:
    kept: dict[object, np.ndarray] = {}
    return {name: kept.setdefault((a.dtype.str, a.shape, a.tobytes()), a.copy()) for name, a in arrays.items()}


def _columns(arrays: Arrays, axis: int) -> Arrays:
    found = {name: _plain(array, axis) for name, array in arrays.items()}
    for dtype, names in _by_dtype({name: found[name] for name in PER_CHANNEL if name in found}).items():
        matrix = _no_numbers((found[names[0]].size, len(names) + 1), dtype)
        for column, name in enumerate(names):
            matrix[:, column] = found[name]
            found[name] = matrix[:, column]
    return found


def _packed(arrays: Arrays, axis: int) -> Arrays:
    found = {}
    for dtype, names in _by_dtype(arrays).items():
        buffer, end = _no_numbers(sum(arrays[name].size + 1 for name in names), dtype), 0
        for name in names:
            start, end = end + 1, end + 1 + arrays[name].size
            buffer[start:end] = arrays[name].ravel()
            found[name] = buffer[start:end].reshape(arrays[name].shape)
    return found


def _overlapping(arrays: Arrays, axis: int) -> Arrays:
    found = {name: _plain(array, axis) for name, array in arrays.items()}
    if "dy" in found and found["dy"].dtype == found["x"].dtype and is_behind(found["x"], found["dy"]):
        buffer = np.append(found["x"].ravel()[:1], found["dy"].ravel())
        found["x"], found["dy"] = (part.reshape(found["x"].shape) for part in (buffer[:-1], buffer[1:]))
    return found


def is_behind(x: np.ndarray, dy: np.ndarray) -> bool:
    """Returns whether dy has, in C order, the values of x from the second one on and one more."""
    return bool(x.size) and x.ravel()[1:].tobytes() == dy.ravel()[:-1].tobytes()


def _by_dtype(arrays: Arrays) -> dict[np.dtype, list[str]]:
    names: dict[np.dtype, list[str]] = {}
    for name, array in arrays.items():
        names.setdefault(array.dtype, []).append(name)
    return names


def _no_numbers(shape: int | tuple[int, ...] | list[int], dtype: np.dtype) -> np.ndarray:
    return np.full(shape, dtype == np.bool_ or np.nan, dtype)


def _is_tensor(name: str) -> bool:
    return name in TENSORS


_is_x, _is_dy = "x".__eq__, "dy".__eq__
_LAY: dict[Memory, Lay] = {
    "plain": _each(_plain),
    "reversed": _each(_reversed),
    "strided": _each(_strided),
    "backwards": _each(_backwards),
    "misaligned": _each(_misaligned),
    "swapped": _each(_swapped),
    "shared": _shared,
    "flipped": _each(_flipped),
    "cropped": _each(_cropped),
    "channels_last": _only(_is_tensor, partial(_channels, -1)),
    "channels_first": _only(_is_tensor, partial(_channels, 1)),
    "x_reversed": _only(_is_x, _reversed),
    "dy_reversed": _only(_is_dy, _reversed),
    "dy_cropped": _only(_is_dy, _cropped),
    "dy_channels_last": _only(_is_dy, partial(_channels, -1)),
    "dy_channels_first": _only(_is_dy, partial(_channels, 1)),
    "dy_broadcast": _only(_is_dy, _broadcast),
    "columns": _columns,
    "packed": _packed,
    "overlapping": _overlapping,
}
