"""Settings: the arguments with which a user makes a layer or calls a function, by name, with their defaults.

Rules: a Settings repeats the signature and the documentation, with a link; numbers are kept as they are written there,
since 1e-3 and 0.001 are one number and float32's 0.001 is another; unknown settings are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bnconform.contract.errors import ContractError
from bnconform.contract.text import on_one_line

OFFERS = ("training", "inference", "averages", "gradients", "affine")
"""Abilities of implementations: normalize by the batch or given statistics, average, differentiate, scale and shift."""


@dataclass(frozen=True)
class Argument:
    """One argument of a call.

    default: as Python writes it; "": there is none. on, off: the text of the argument that switches it on or off;
    further arguments follow after a comma. link: where name and default are documented.
    """

    name: str
    default: str = ""
    link: str = ""
    on: str = "True"
    off: str = "False"

    def __post_init__(self) -> None:
        for name, text in vars(self).items():
            if not isinstance(text, str):
                raise ContractError(f"Argument.{name} is {text!r:.200}; expected a text, as Python writes it")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The arguments with which a user makes the layer, or calls the function; None: there is no such argument.

    call: the callable; "{n}" in it stands for the number of axes beside examples and channels, at least 1. eps: the
    number added to the variance. momentum: that of the running averages; weighs: the statistics that it multiplies, the
    "new" or the "old". cumulative: the momentum as written to average all batches alike; "": not offered. scale, shift:
    switches of γ and β alone; affine: one switch of both. state: switch of the running statistics. axis: the argument
    for the axis of the channels. layouts: how it is written by axis, "1" or "-1", "{s}" standing for the letters of the
    other axes; empty: as a number. reduced: the axis argument names the axes that are averaged over, not that of the
    channels. channels: the axis of the channels where there is no such argument. fixed: further arguments that make
    this variant of it. offers: those of OFFERS that it offers.
    """

    call: str
    eps: Argument | None = None
    momentum: Argument | None = None
    weighs: Literal["", "new", "old"] = ""
    cumulative: str = ""
    scale: Argument | None = None
    shift: Argument | None = None
    affine: Argument | None = None
    state: Argument | None = None
    axis: Argument | None = None
    layouts: Mapping[str, str] = field(default_factory=dict)
    reduced: bool = False
    channels: int = 1
    fixed: Mapping[str, str] = field(default_factory=dict)
    offers: tuple[str, ...] = OFFERS

    def __post_init__(self) -> None:
        self._check_kinds()
        if (self.weighs != "") != (self.momentum is not None) or self.weighs not in ("", "new", "old"):
            raise ContractError(
                f"{self._culprit}: weighs is {self.weighs!r:.60}; expected 'new' or 'old' beside a momentum"
            )
        if isinstance(self.offers, str) or not set(self.offers) <= set(OFFERS):
            raise ContractError(f"{self._culprit}: offers is {self.offers!r:.200}; expected some of {OFFERS}")
        for name in ARGUMENTS:
            if not isinstance(getattr(self, name), (Argument, type(None))):
                raise ContractError(
                    f"{self._culprit}: {name} is {getattr(self, name)!r:.200}; expected an Argument or None"
                )

    def _check_kinds(self) -> None:
        texts = [("call", self.call), ("cumulative", self.cumulative)]
        for one in ("layouts", "fixed"):
            pairs = getattr(self, one)
            if not isinstance(pairs, Mapping):
                raise ContractError(f"{self._culprit}: {one} is {pairs!r:.200}; expected texts by text")
            texts += [(one, part) for pair in pairs.items() for part in pair]
        for name, text in texts:
            if not isinstance(text, str):
                raise ContractError(f"{self._culprit}: {name} has {text!r:.200}; expected a text")
        for name, kind in (("reduced", bool), ("channels", int)):
            if type(getattr(self, name)) is not kind:
                got = repr(getattr(self, name))
                raise ContractError(f"{self._culprit}: {name} is {got:.200}; expected {kind.__name__}")

    @property
    def _culprit(self) -> str:
        return on_one_line(str(self.call))[:200]

    def to_json(self) -> dict[str, Any]:
        """Returns the settings as values that JSON can hold."""
        return {**asdict(self), "offers": list(self.offers)}

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Settings:
        """Returns the settings that `to_json` gave as `message`; fields unknown to this version are left out."""
        values = {name: value for name, value in message.items() if name in cls.__dataclass_fields__}
        made = {name: Argument(**values[name]) for name in ARGUMENTS if values.get(name) is not None}
        return cls(**{**values, **made, "offers": tuple(values.get("offers", OFFERS))})

    def named(self, *arguments: str) -> tuple[Argument, ...]:
        """Returns those of the arguments that there are."""
        return tuple(one for one in (getattr(self, name) for name in arguments) if one is not None)

    @property
    def default_eps(self) -> float | None:
        """ε where it is left out; None where nothing is documented, or no number."""
        return _number(self.eps)

    @property
    def default_momentum(self) -> float | None:
        """The weight of the new statistics where the momentum is left out; None where nothing is documented."""
        stated = _number(self.momentum)
        return stated if stated is None or self.weighs == "new" else 1.0 - stated


def _number(argument: Argument | None) -> float | None:
    try:
        return float(argument.default) if argument is not None else None
    except ValueError:
        return None


ARGUMENTS = ("eps", "momentum", "scale", "shift", "affine", "state", "axis")
