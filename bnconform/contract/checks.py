"""The words of the public contract, and the checks of values that an adapter or a caller passes.

Rules: a breach of the contract raises a ContractError with the culprit, the value got and the value expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from bnconform.contract.dtypes import STATE_DTYPES, dtype_name
from bnconform.contract.errors import ContractError
from bnconform.contract.shards import EMPTY, EQUAL, UNEQUAL

PER_CHANNEL = ("gamma", "beta", "running_mean", "running_var")
FEATURES = {
    "tangents": ("dot_x", "dot_gamma", "dot_beta"),
    "second_order": ("bar_dx", "bar_dgamma", "bar_dbeta"),
    "mask": ("mask",),
    "batch_statistics": ("dmean", "dvar"),
    "memory": ("memory",),
    "eager": ("eager",),
    "running_gradients": ("running_gradients",),
    "third_order": ("bar_grad_x",),
    "state": ("state",),
    "default_eps": ("default_eps",),
    "default_momentum": ("default_momentum",),
    EQUAL: ("shards",),
    UNEQUAL: (),
    EMPTY: (),
    "fold": ("layer", "groups", "bias"),
    "wide_parameters": (),
    "malformed": ("malformed",),
    "between": ("between", "between_mode"),
    "wanted": ("wanted",),
    "accumulates": ("held_gamma", "held_beta"),
    "checkpointed": ("checkpointed",),
    "earlier": ("earlier",),
    "untracked": (),
}
"""Features beyond the fields that every Implementation knows, and the fields of a Case that ask for them; the types of
γ and β ask for wide parameters, and inference without running statistics asks for what is untracked."""
HELD = ("held_gamma", "held_beta")
TENSORS = ("x", "dy", "dot_x", "bar_dx", "bar_grad_x", "between", "earlier")
"""Fields of a Case that have x's shape."""
FLAGS = (
    "running_gradients",
    "memory",
    "eager",
    "watched",
    "default_eps",
    "default_momentum",
    "shards",
    "layer",
    "groups",
    "malformed",
    "between_mode",
    "wanted",
    "checkpointed",
)
"""Fields of a Case that ask for something and hold no array."""
HIGHEST_RANK = 32
LONGEST_EMPTY = 1 << 20
"""Values on an axis of an array that has none in all: a few bytes must not stand for an array of any size."""
State: TypeAlias = Any
"""A mapping of names to arrays, which `check_state` makes sure of: Any, so that arrays can be passed on as **fields."""
Memory = Literal[
    "plain",
    "reversed",
    "strided",
    "backwards",
    "misaligned",
    "swapped",
    "shared",
    "flipped",
    "cropped",
    "channels_last",
    "channels_first",
    "x_reversed",
    "dy_reversed",
    "dy_cropped",
    "dy_channels_last",
    "dy_channels_first",
    "dy_broadcast",
    "columns",
    "packed",
    "overlapping",
]
MEMORY: dict[Memory, str] = {
    "plain": "in C order, without gaps, aligned, in the machine's byte order",
    "reversed": "in Fortran order: the first axis varies fastest",
    "strided": "in every second element of a larger array, whose other elements are not numbers",
    "backwards": "from the end of the memory to its start: all strides are negative",
    "misaligned": "one byte behind the start of aligned memory",
    "swapped": "in the byte order that the machine does not have",
    "shared": "arrays of equal content are one and the same array, as γ and β may be",
    "flipped": "with the first axis backwards: its stride alone is negative",
    "cropped": "inside of a larger array, whose margin is not numbers",
    "channels_last": "those of x's shape with their channels varying fastest",
    "channels_first": "those of x's shape as if their channels were on axis 1",
    "x_reversed": "x alone in Fortran order, all others plain",
    "dy_reversed": "dy alone in Fortran order",
    "dy_cropped": "dy alone inside of a larger array, as the gradient of a concatenation lies in that of the whole",
    "dy_channels_last": "dy alone with its channels varying fastest",
    "dy_channels_first": "dy alone as if its channels were on axis 1",
    "dy_broadcast": "dy alone with stride 0 along each axis on which its values are equal, as a sum sends its gradient",
    "columns": "γ, β and the running statistics as columns of one matrix, x and dy plain",
    "packed": "one behind the other in one buffer, with an element between that is not a number",
    "overlapping": "dy begins one element behind x in the memory of x, if its values are those",
}
"""How the arrays of a Case may lie in memory when an adapter sees them. They are read-only in all of these ways."""
LAYERS = ("linear", "convolution", "transposed")
"""The layers that a normalization can be folded into."""
VECTORS = ("gamma", "beta", "running_mean", "running_var")
MALFORMED: dict[str, str] = {
    **{f"{name}_longer": f"{name} has C + 1 values" for name in VECTORS},
    **{f"{name}_shorter": f"{name} has C - 1 values" for name in VECTORS},
    **{f"{name}_single": f"{name} has one value for C channels" for name in VECTORS},
    **{f"{name}_matrix": f"{name} has the shape (1, C)" for name in VECTORS[:2]},
    "dy_longer": "dy has one example more than y",
    "dy_shorter": "dy has one example less than y",
    "dy_single": "dy has one example for those of y",
}
"""What may be wrong with a malformed call, and the words for it. Examples of dy are those of its first axis."""
Shape = tuple[int, ...]


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
            raise ContractError(
                f"{culprit} holds {name!r:.60} of dtype {array.dtype.name}; expected one of {STATE_DTYPES}"
            )
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


def array_of(word: str) -> str:
    """Returns the name of the array that a word of MALFORMED is about."""
    return word.rpartition("_")[0]


def malformed_shape(word: str, name: str, shape: Shape) -> Shape:
    """Returns the shape that the array `name` has in a call that is malformed by `word`; `shape` is the right one."""
    about, _, how = word.rpartition("_")
    if name != about or not shape:
        return shape
    if how == "matrix":
        return (1, *shape)
    first = {"longer": shape[0] + 1, "shorter": shape[0] - 1, "single": 1}[how]
    return (first, *shape[1:])


def is_malformed(word: str, shape: Shape) -> bool:
    """Returns whether an array of the right `shape` has another one, not an empty one, in a call malformed by it."""
    found = malformed_shape(word, array_of(word), shape)
    return found != shape and 0 not in found


def check_malformed(word: object, fields: Mapping[str, object]) -> None:
    """Raises ContractError unless a case with these fields can be malformed by `word`."""
    if word not in MALFORMED:
        raise ContractError(f"Case.malformed is {word!r:.60}; expected one of {tuple(MALFORMED)}")
    if fields[array_of(str(word))] is None:
        raise ContractError(f"Case.malformed is {word!r} and Case.{array_of(str(word))} is None; expected an array")


DIFFERENTIATED = ("x", "gamma", "beta")
"""The arrays whose gradients dy gives, in the order in which they are named."""


def check_wanted(wanted: object, fields: Mapping[str, object]) -> tuple[str, ...]:
    """Returns `wanted` as a tuple if it names arrays that a case with these fields has; otherwise raises
    ContractError."""
    there = tuple(name for name in DIFFERENTIATED if fields[name] is not None)
    named = tuple(wanted) if isinstance(wanted, (tuple, list)) else ()
    if not named or [name for name in there if name in named] != list(named):
        raise ContractError(f"Case.wanted is {wanted!r:.60}; expected some of {there}, in this order")
    return named
