"""The words of the public contract, and the checks of values that an adapter or a caller passes.

Rules: a breach of the contract raises a ContractError with the culprit, the value got and the value expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from bnconform.contract.dtypes import STATE_DTYPES, dtype_name
from bnconform.contract.errors import ContractError

HIGHEST_RANK = 32
LONGEST_EMPTY = 1 << 20
"""Values on an axis of an array that has none in all: a few bytes must not stand for an array of any size."""
State: TypeAlias = Any
"""A mapping of names to arrays, which `check_state` makes sure of: Any, so that arrays can be passed on as **fields."""
LAYERS = ("linear", "convolution", "transposed")
"""The layers that a normalization can be folded into."""


def check_mask(mask: object, shape: tuple[int, ...]) -> None:
    """Raises ContractError unless `mask` is booleans that broadcast to `shape`."""
    boolean = isinstance(mask, np.ndarray) and mask.dtype == bool
    own = np.shape(mask) if isinstance(mask, np.ndarray) else ()
    fits = len(own) == len(shape) and all(m in (1, n) for m, n in zip(own, shape, strict=True))
    if not (boolean and fits):
        raise ContractError(f"Case.mask is {describe(mask)}; expected booleans that broadcast to {shape}")


def check_state(state: object, culprit: str) -> Mapping[str, np.ndarray]:
    """Returns `state` if it is arrays by name; otherwise raises ContractError: culprit, value got and value
    expected."""
    if not isinstance(state, Mapping):
        raise ContractError(f"{culprit} is {describe(state)}; expected a mapping of names to arrays")
    for name, array in state.items():
        if not isinstance(name, str) or not isinstance(array, np.ndarray):
            raise ContractError(f"{culprit} holds {name!r:.60}: {describe(array)}; expected a name and an array")
        if dtype_name(array.dtype) not in STATE_DTYPES:
            raise ContractError(f"{culprit} holds {name} of dtype {array.dtype.name}; expected one of {STATE_DTYPES}")
    return state


def check_layer(layer: object, groups: object, rank: int, channels: int, is_fixed: bool) -> None:
    """Raises ContractError unless a layer of that kind has a weight of that rank, and its channels that many groups.

    is_fixed: whether the normalization is inference by running statistics, since no other one can be folded.
    """
    if layer not in LAYERS:
        raise ContractError(f"Case.layer is {layer!r:.60}; expected one of {LAYERS}, as the case has groups or a bias")
    if (layer == "linear") != (rank == 2):
        raise ContractError(f"Case.layer is {layer!r} of a weight of rank {rank}; expected 'linear' of rank 2 alone")
    if not is_fixed:
        raise ContractError(f"Case.layer is {layer!r} in training; expected inference by running statistics")
    if groups is None:
        return
    is_count = isinstance(groups, int) and not isinstance(groups, bool) and groups >= 1
    if not is_count or layer == "linear" or channels % groups:  # type: ignore[operator]  # a count is an integer
        raise ContractError(
            f"Case.groups is {groups!r:.60}; expected None, or the groups of a convolution's {channels} channels"
        )


def check_extent(name: str, shape: Sequence[int]) -> None:
    """Raises ContractError for an array of a file that has too many axes, or a long axis and yet no values."""
    if len(shape) > HIGHEST_RANK or (0 in shape and max(shape) > LONGEST_EMPTY):
        raise ContractError(
            f"got {name!r:.60} of shape {tuple(shape)!r:.200}; expected at most {HIGHEST_RANK} axes, and of an array "
            f"without values none longer than {LONGEST_EMPTY}"
        )


def describe(value: object) -> str:
    """Returns the words of a message on a value that should have been another."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype.name}"
    return f"{value!r:.60} of type {type(value).__name__}"
