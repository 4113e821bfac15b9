"""The arguments that make a Layer in an implementation, and the steps to take by hand beside them.

Rules: ε, momentum and axis are always written, since defaults change; a number is written in the fewest digits that
read back as it; a switch is written where it differs from its default.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bnconform.cli.convert.layer import Layer
from bnconform.contract.settings import Argument, Settings


@dataclass(frozen=True)
class Written:
    """The arguments by name, as they are written, the function to call, and the steps to take by hand."""

    call: str
    arguments: dict[str, str]
    by_hand: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The call as it is written, without the arguments that say nothing of the function."""
        return f"{self.call}({', '.join(f'{name}={value}' for name, value in self.arguments.items())})"


def number_text(number: Decimal) -> str:
    """Returns a number as Python reads it back: as a float is printed where that is the number, else in all digits."""
    short = repr(float(number))
    return short if Decimal(short) == number else format(number.normalize(), "g")


def written(settings: Settings, layer: Layer) -> Written:
    """Returns the arguments that make `layer`."""
    arguments: dict[str, str] = {}
    if settings.eps is not None:
        arguments[settings.eps.name] = number_text(layer.eps)
    if settings.momentum is not None and layer.state:
        arguments |= _momentum(settings, settings.momentum, layer)
    axis, moved = _axis(settings, layer)
    switches, untrained = _affine(settings, layer)
    state, kept = _state(settings, layer)
    call = settings.call.replace("{n}", str(max(1, layer.ndim - 2)))
    return Written(call, {**arguments, **axis, **switches, **state, **settings.fixed}, (*moved, *untrained, *kept))


def _momentum(settings: Settings, argument: Argument, layer: Layer) -> dict[str, str]:
    if layer.average == "cumulative":
        return {argument.name: settings.cumulative} if settings.cumulative else {}
    if layer.new is None:
        return {}
    return {argument.name: number_text(layer.new if settings.weighs == "new" else 1 - layer.new)}


def _axis(settings: Settings, layer: Layer) -> tuple[dict[str, str], tuple[str, ...]]:
    axis, last = layer.axis, layer.ndim - 1
    if settings.axis is not None and settings.reduced:
        others = ", ".join(str(place) for place in range(layer.ndim) if place != axis)
        return {settings.axis.name: f"({others}{',' * (layer.ndim == 2)})"}, ()
    if settings.axis is not None and not settings.layouts:
        return {settings.axis.name: "-1" if axis == last else str(axis)}, ()
    letters = {3: "L", 4: "HW", 5: "DHW"}.get(layer.ndim, "")
    places = {int(place) % layer.ndim: text.format(s=letters) for place, text in settings.layouts.items()}
    if settings.axis is not None and axis in places:
        return {settings.axis.name: places[axis]}, ()
    goal = next(iter(places), settings.channels % layer.ndim)
    named = {settings.axis.name: places[goal]} if settings.axis is not None else {}
    if axis == goal:
        return named, ()
    return named, (f"move the channels from axis {axis} to axis {goal} before the call, and back behind it",)


def _affine(settings: Settings, layer: Layer) -> tuple[dict[str, str], tuple[str, ...]]:
    """Returns the switches of γ and β; a parameter without a switch stays at 1 or 0 and changes no function."""
    wanted = {"scale": layer.scale, "shift": layer.shift}
    if "affine" not in settings.offers:
        steps = {"scale": "multiply by the scale", "shift": "add the shift"}
        return {}, tuple(f"{step} behind the call" for name, step in steps.items() if wanted[name])
    if settings.affine is not None and not any(wanted.values()):
        return _switch(settings.affine, False), ()
    found: dict[str, str] = {}
    by_hand: list[str] = []
    for name, there in wanted.items():
        switch: Argument | None = getattr(settings, name)
        if switch is not None:
            found |= _switch(switch, there)
        elif not there:
            value = "the scale at 1" if name == "scale" else "the shift at 0"
            by_hand.append(f"keep {value} and do not train it: it cannot be left out by itself")
    return found, tuple(by_hand)


def _state(settings: Settings, layer: Layer) -> tuple[dict[str, str], tuple[str, ...]]:
    if settings.state is not None:
        return _switch(settings.state, layer.state), ()
    if not layer.state and "averages" in settings.offers and "training" in settings.offers:
        return {}, ("it keeps running statistics all the same: normalize by the batch, as in training, at any time",)
    return {}, ()


def _switch(argument: Argument, there: bool) -> dict[str, str]:
    """Returns a switch as it is written, and the arguments beside it; nothing where that is its default."""
    text = argument.on if there else argument.off
    if text == argument.default:
        return {}
    value, *beside = text.split(", ")
    return {argument.name: value, **dict(one.split("=") for one in beside)}
