"""The words of the public contract, and the checks of what an adapter or a caller may pass.

Rules: what breaks the contract raises a ContractError that says who, what was got and what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import numpy as np

DTYPES = ("float16", "bfloat16", "float32", "float64")
STATE_DTYPES = (*DTYPES, "bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)))
"""What the arrays of a state may be: an implementation may count its steps beside its averages."""
State: TypeAlias = Any
"""A mapping of names to arrays, which `check_state` makes sure of: Any, so that arrays can be passed on as **fields."""


class Unsupported(Exception):
    """Raised by an adapter for what its implementation does not offer, with the reason as its message."""


class ContractError(Exception):
    """A value that breaks the public contract; the message names the culprit, what was got and what was expected."""


@cache
def dtype_name(dtype: np.dtype) -> str:
    """Returns the name of a dtype: NumPy's, or `bfloat16`. NumPy makes the name up anew each time, which is slow."""
    return str(dtype.name)


def check_mask(mask: object, shape: tuple[int, ...]) -> None:
    """Raises ContractError unless `mask` is booleans that broadcast to `shape`."""
    boolean = isinstance(mask, np.ndarray) and mask.dtype == bool
    own = np.shape(mask) if isinstance(mask, np.ndarray) else ()
    fits = len(own) == len(shape) and all(m in (1, n) for m, n in zip(own, shape, strict=True))
    if not (boolean and fits):
        raise ContractError(f"Case.mask is {describe(mask)}; expected booleans that broadcast to {shape}")


def check_state(state: object, culprit: str) -> Mapping[str, np.ndarray]:
    """Returns `state` if it is arrays by name; otherwise raises ContractError: culprit, what was got and expected."""
    if not isinstance(state, Mapping):
        raise ContractError(f"{culprit} is {describe(state)}; expected a mapping of names to arrays")
    for name, array in state.items():
        if not isinstance(name, str) or not isinstance(array, np.ndarray):
            raise ContractError(f"{culprit} holds {name!r:.60}: {describe(array)}; expected a name and an array")
        if dtype_name(array.dtype) not in STATE_DTYPES:
            raise ContractError(f"{culprit} holds {name} of dtype {array.dtype.name}; expected one of {STATE_DTYPES}")
    return state


def describe(value: object) -> str:
    """Returns what a message says of a value that should have been another."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype.name}"
    return f"{value!r:.60} of type {type(value).__name__}"
