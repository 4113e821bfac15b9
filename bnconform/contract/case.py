"""A Case is one problem for an implementation; an Outcome is the implementation's answer.

Rules: values are frozen; the names and meanings of the fields are the public contract and only grow, each new field
with a default; an adapter may read a Case's arrays, never write to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bnconform.contract.checks import FEATURES as FEATURES
from bnconform.contract.checks import FLAGS as FLAGS
from bnconform.contract.checks import (
    HELD,
    check_layer,
    check_malformed,
    check_mask,
    check_state,
    check_wanted,
    describe,
    malformed_shape,
)
from bnconform.contract.checks import MEMORY as MEMORY
from bnconform.contract.checks import PER_CHANNEL as PER_CHANNEL
from bnconform.contract.checks import TENSORS as TENSORS
from bnconform.contract.checks import Memory as Memory
from bnconform.contract.checks import State as State
from bnconform.contract.dtypes import DTYPES as DTYPES
from bnconform.contract.dtypes import dtype_name as dtype_name
from bnconform.contract.errors import ContractError as ContractError
from bnconform.contract.errors import Unsupported as Unsupported
from bnconform.contract.shards import batch_axis, check_shards, needs_of

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
    malformed: one of MALFORMED: the array that it names has the wrong shape that it says, and is to be handed on so.
    between: the input of a second call of the same layer, of x's shape, behind the first one and before its backward
    pass; all outputs are those of the first call, and the averages those that both leave. between_mode: of the second
    call; None: that of the case. wanted: of which of x, gamma and beta the gradient by dy is asked for; None: of all.
    held_gamma, held_beta: what the gradients of γ and β hold before the backward pass, which adds to it.
    checkpointed: the backward pass runs the forward pass again, of which nothing was kept. earlier: the input, of x's
    shape, of two earlier calls of the same layer, the first in the mode of the case and the second in the other mode.
    In inference without running statistics the layer is one that keeps none, and is `untracked`.

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
    malformed: str | None = None
    between: np.ndarray | None = None
    between_mode: Literal["train", "infer"] | None = None
    wanted: tuple[str, ...] | None = None
    held_gamma: np.ndarray | None = None
    held_beta: np.ndarray | None = None
    checkpointed: bool = False
    earlier: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("train", "infer"):
            raise ContractError(f"Case.mode is {self.mode!r:.60}; expected 'train' or 'infer'")
        if self.between_mode not in (None, "train", "infer") or (self.between_mode and self.between is None):
            raise ContractError(f"Case.between_mode is {self.between_mode!r:.60}; expected that of a call between")
        if self.memory not in MEMORY:
            raise ContractError(f"Case.memory is {self.memory!r:.60}; expected one of {tuple(MEMORY)}")
        if not isinstance(self.x, np.ndarray) or self.x.ndim < 2:
            raise ContractError(f"Case.x is {describe(self.x)}; expected an array of rank 2 or more")
        if not -self.x.ndim <= self.axis < self.x.ndim:
            raise ContractError(f"Case.axis is {self.axis!r:.60}; expected an axis of x, whose rank is {self.x.ndim}")
        if self.malformed is not None:
            check_malformed(self.malformed, vars(self))
        for name in TENSORS:
            self._freeze(name, self.x.shape)
        for name in (*PER_CHANNEL, "dot_gamma", "dot_beta", "bar_dgamma", "bar_dbeta", "dmean", "dvar", "bias", *HELD):
            self._freeze(name, (self.channels,))
        if self.wanted is not None:
            object.__setattr__(self, "wanted", check_wanted(self.wanted, vars(self)))
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
        if self.malformed is not None:
            shape = malformed_shape(self.malformed, name, shape)
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
        wide, untracked = {"wide_parameters"} if self.has_wide_parameters else (), self._is_untracked
        return needs_of(self.shards).union(asked, wide, {"untracked"} if untracked else ())

    def wants(self, name: str) -> bool:
        """Returns whether the gradient of `name`, x, gamma or beta, is asked for, where there is a dy."""
        return self.wanted is None or name in self.wanted

    @property
    def between_trains(self) -> bool:
        """Whether the call between, where there is one, is one of training."""
        return (self.between_mode or self.mode) == "train"

    @property
    def earlier_modes(self) -> tuple[Literal["train", "infer"], ...]:
        """The modes of the earlier calls, in their order; none where there is no such call."""
        if self.earlier is None:
            return ()
        return ("train", "infer") if self.mode == "train" else ("infer", "train")

    @property
    def _is_untracked(self) -> bool:
        is_kept = self.running_mean is not None or self.running_var is not None or self.state is not None
        return self.mode == "infer" and not is_kept

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
