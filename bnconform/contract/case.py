"""A Case is one problem for an implementation; an Outcome is the implementation's answer.

Rules: values are frozen; the names and meanings of the fields are the public contract and only grow, each new field
with a default; an adapter may read a Case's arrays, never write to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bnconform.contract.checks import State as State
from bnconform.contract.checks import check_layer, check_mask, check_state, describe
from bnconform.contract.dtypes import DTYPES as DTYPES
from bnconform.contract.dtypes import dtype_name as dtype_name
from bnconform.contract.errors import ContractError as ContractError
from bnconform.contract.errors import Unsupported as Unsupported
from bnconform.contract.shards import EMPTY, EQUAL, UNEQUAL, batch_axis, check_shards, needs_of

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
}
"""Features beyond the fields that every Implementation knows, and the fields of a Case that ask for them; the types of
γ and β ask for wide parameters."""
TENSORS = ("x", "dy", "dot_x", "bar_dx", "bar_grad_x")
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
)
"""Fields of a Case that ask for something and hold no array."""
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
_NOT_ASKED = (None, False, "plain", ())
Layer = Literal["linear", "convolution", "transposed"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One problem: arrays and settings.

    `momentum` weighs the NEW statistics: r' = (1 - momentum) r + momentum s. `dy` is the cotangent of y, of x's shape.
    `shuffled` says that the rows of x and dy stand in random order and admits the sharper bounds on sums; leave it
    False for data in any other order. Raises ContractError for arrays that do not fit together.

    The fields below it reach only an Implementation that names their feature. dot_x, dot_gamma, dot_beta: tangents, for
    dot_y = dy/dt. bar_dx, bar_dgamma, bar_dbeta: cotangents of the gradients, for the gradients of their weighted sum
    in x, gamma and dy. mask: boolean, of x's rank and broadcastable to x; False leaves a value out of the statistics.
    dmean, dvar: cotangents of the batch's mean and biased variance where they are returned; they add to dx. bar_grad_x:
    cotangent of the grad_x that bar_dx alone gives, for its gradient in x. running_gradients: True asks for the
    gradients of the running mean and variance that inference normalizes by. state: the state of an earlier Outcome, to
    go on from, or an empty mapping for a new layer with the implementation's own initial values. Running statistics are
    then part of it, so that the Case has none. memory: one of MEMORY; an adapter with this feature hands arrays on as
    they lie if its implementation takes them so, and copies the others. eager: run without the compilation that is the
    default. default_eps, default_momentum: leave that argument out of the call; the Case holds its documented default.
    shards: how many examples each of several replicas gets, in their order, where the implementation normalizes by the
    statistics of all of them; the Outcome is that of the whole batch, its gradients those of the sum of the replicas'
    losses. Shards of different sizes, and one without an example, are features of their own.
    layer: x is the weight of a layer before this normalization, and the one layer that does the work of both is asked
    for. Its output channels are those of x; of the other axes the first holds the inputs of each group, and the rest
    the kernel. groups: of a convolution; None: one. bias: the layer's, of shape (C,); None: it has none.

    γ, β and the running statistics may have a wider dtype than x, as in mixed precision; where γ or β has, the case
    needs the feature `wide_parameters`, and their gradients and the averages are due in it. Running statistics alone
    are wider where an implementation returned them so and is to go on from there.

    `watched` any implementation can be: one that writes to an array of the case has then raised InputOverwritten.
    """

    mode: Literal["train", "infer"]
    x: np.ndarray
    gamma: np.ndarray | None
    beta: np.ndarray | None
    running_mean: np.ndarray | None
    running_var: np.ndarray | None
    eps: float
    momentum: float
    axis: int = 1
    dy: np.ndarray | None = None
    shuffled: bool = False
    dot_x: np.ndarray | None = None
    dot_gamma: np.ndarray | None = None
    dot_beta: np.ndarray | None = None
    bar_dx: np.ndarray | None = None
    bar_dgamma: np.ndarray | None = None
    bar_dbeta: np.ndarray | None = None
    mask: np.ndarray | None = None
    dmean: np.ndarray | None = None
    dvar: np.ndarray | None = None
    running_gradients: bool = False
    bar_grad_x: np.ndarray | None = None
    state: State | None = None
    memory: Memory = "plain"
    eager: bool = False
    watched: bool = False
    default_eps: bool = False
    default_momentum: bool = False
    shards: tuple[int, ...] = ()
    layer: Layer | None = None
    groups: int | None = None
    bias: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("train", "infer"):
            raise ContractError(f"Case.mode is {self.mode!r:.60}; expected 'train' or 'infer'")
        if self.memory not in MEMORY:
            raise ContractError(f"Case.memory is {self.memory!r:.60}; expected one of {tuple(MEMORY)}")
        if not isinstance(self.x, np.ndarray) or self.x.ndim < 2:
            raise ContractError(f"Case.x is {describe(self.x)}; expected an array of rank 2 or more")
        if not -self.x.ndim <= self.axis < self.x.ndim:
            raise ContractError(f"Case.axis is {self.axis!r:.60}; expected an axis of x, whose rank is {self.x.ndim}")
        for name in TENSORS:
            self._freeze(name, self.x.shape)
        for name in (*PER_CHANNEL, "dot_gamma", "dot_beta", "bar_dgamma", "bar_dbeta", "dmean", "dvar", "bias"):
            self._freeze(name, (self.channels,))
        if self.mask is not None:
            check_mask(self.mask, self.x.shape)
            self._freeze("mask", self.mask.shape)
        if self.state is not None:
            self._freeze_state(self.state)
        object.__setattr__(self, "shards", check_shards(self.shards, self.examples))
        if "fold" in self.needs:
            is_fixed = self.mode == "infer" and self.running_mean is not None and self.running_var is not None
            check_layer(self.layer, self.groups, self.x.ndim, self.channels, is_fixed)

    def _freeze_state(self, state: object) -> None:
        if self.running_mean is not None or self.running_var is not None:
            raise ContractError("Case.state comes with running statistics; expected None for them, as it holds them")
        frozen = {name: array.view() for name, array in check_state(state, "Case.state").items()}
        for view in frozen.values():
            view.flags.writeable = False
        object.__setattr__(self, "state", frozen)

    def _freeze(self, name: str, shape: tuple[int, ...]) -> None:
        array = getattr(self, name)
        if array is None:
            return
        if not isinstance(array, np.ndarray) or array.shape != shape:
            raise ContractError(f"Case.{name} is {describe(array)}; expected an array of shape {shape}")
        view = array.view()
        view.flags.writeable = False
        object.__setattr__(self, name, view)

    @property
    def flags(self) -> dict[str, object]:
        """The values of the FLAGS that the case sets, by name."""
        return {name: getattr(self, name) for name in FLAGS if _is_asked(getattr(self, name))}

    @property
    def needs(self) -> frozenset[str]:
        """The features that an implementation must offer for this case to mean what it says."""
        asked = {feature for feature, names in FEATURES.items() if any(_is_asked(getattr(self, n)) for n in names)}
        return needs_of(self.shards).union(asked, {"wide_parameters"} if self.has_wide_parameters else ())

    @property
    def has_wide_parameters(self) -> bool:
        """Whether γ or β has a wider dtype than x."""
        return any(one is not None and one.itemsize > self.x.itemsize for one in (self.gamma, self.beta))

    @property
    def dtype(self) -> str:
        """The name of x's dtype: NumPy's, or `bfloat16`."""
        return dtype_name(self.x.dtype)

    @property
    def channels(self) -> int:
        """C, the number of channels."""
        return int(self.x.shape[self.axis])

    @property
    def examples(self) -> int:
        """How many examples there are: the extent of the first axis that the channels are not on."""
        return int(self.x.shape[batch_axis(self.x.ndim, self.axis)])

    @property
    def rows(self) -> int:
        """m, the number of values in each channel."""
        return self.x.size // self.channels if self.channels else 0


def _is_asked(value: object) -> bool:
    return isinstance(value, np.ndarray) or value not in _NOT_ASKED
