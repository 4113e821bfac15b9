"""A Layer is the meaning of a user's settings in the terms of the equations: ε, ω, parameters present, channel axis.

Rules: numbers are decimal, as they were written, so that 1 - 0.1 is 0.9; to ask for a setting without an argument in
the implementation is a wrong call.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from bnconform.contract.errors import CallError
from bnconform.contract.implementation import Described
from bnconform.contract.settings import Argument, Settings


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The user's settings of the existing layer, in its implementation's own terms; None: the default there."""

    eps: str | None = None
    momentum: str | None = None
    scale: bool = True
    shift: bool = True
    state: bool = True
    axis: int | None = None
    ndim: int | None = None
    dtype: str = "float32"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer in the words of the equations.

    new: weight ω of the new statistics; None where there are no running averages, or none of one weight. average: as
    in Dialect. axis: of the channels, from 0. state: whether there are running statistics, its own or given ones.
    """

    eps: Decimal
    new: Decimal | None
    average: str
    scale: bool
    shift: bool
    state: bool
    axis: int
    ndim: int
    dtype: str


def settings_of(described: Described) -> Settings:
    """Returns the arguments that make the implementation; raises CallError where its adapter does not say."""
    if described.settings is None:
        raise CallError(f"{described.name}: its adapter declares no settings, so nothing is known of its arguments")
    return described.settings


def meant(described: Described, wish: Wish) -> Layer:
    """Returns the meaning of the wished settings in `described`; raises CallError for one without an argument there."""
    settings = settings_of(described)
    _check_switches(described.name, settings, wish)
    ndim = wish.ndim or (4 if 4 in described.ranks or not described.ranks else max(described.ranks))
    if described.ranks and ndim not in described.ranks:
        raise CallError(f"--ndim {ndim}: {described.name} takes {', '.join(map(str, described.ranks))}")
    if wish.dtype not in described.dtypes:
        raise CallError(f"--dtype {wish.dtype}: {described.name} takes {', '.join(described.dtypes)}")
    average = described.dialect_for(wish.dtype).average
    written = _written("--momentum", settings.momentum, wish.momentum, described.name)
    if settings.cumulative and written == settings.cumulative:
        average, written = "cumulative", ""
    new = _number("--momentum", written) if wish.state and written and average != "cumulative" else None
    return Layer(
        eps=_number("--eps", _written("--eps", settings.eps, wish.eps, described.name)),
        new=1 - new if new is not None and settings.weighs == "old" else new,
        average=average,
        scale=wish.scale and "affine" in settings.offers,
        shift=wish.shift and "affine" in settings.offers,
        state=wish.state,
        axis=_axis(described.name, settings, wish.axis, ndim),
        ndim=ndim,
        dtype=wish.dtype,
    )


def _check_switches(name: str, settings: Settings, wish: Wish) -> None:
    one = f"{name} has no argument to do without"
    plain = "affine" not in settings.offers
    if not wish.state and settings.state is None and "averages" in settings.offers:
        raise CallError(f"--no-state: {one} running statistics")
    if not (wish.scale or plain or settings.scale or (settings.affine and not wish.shift)):
        hint = "; it takes --no-scale together with --no-shift" if settings.affine else ""
        raise CallError(f"--no-scale: {one} the scale{' alone' if hint else ''}{hint}")
    if not (wish.shift or plain or settings.shift or (settings.affine and not wish.scale)):
        hint = "; it takes --no-shift together with --no-scale" if settings.affine else ""
        raise CallError(f"--no-shift: {one} the shift{' alone' if hint else ''}{hint}")


def _written(option: str, argument: Argument | None, wished: str | None, name: str) -> str:
    if argument is None:
        if wished is not None:
            raise CallError(f"{option} {wished}: {name} has no such argument")
        return ""
    if wished is None and not argument.default:
        raise CallError(f"{name} has no default for {argument.name}; expected {option} with its value")
    return argument.default if wished is None else wished


def _number(option: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise CallError(f"{option} {text!r}: expected a number") from error
    if not number.is_finite():
        raise CallError(f"{option} {text}: expected a finite number")
    return number


def _axis(name: str, settings: Settings, wished: int | None, ndim: int) -> int:
    default = settings.channels
    if settings.axis is not None and not settings.reduced:
        named = {text.format(s="HW"): int(axis) for axis, text in settings.layouts.items()}
        text = settings.axis.default
        default = named.get(text, settings.channels) if named or not text else int(text)
    if settings.axis is None and wished is not None and wished % ndim != settings.channels % ndim:
        raise CallError(f"--axis {wished}: {name} takes the channels on axis {settings.channels}")
    axis = default if wished is None else wished
    if not -ndim <= axis < ndim or axis % ndim == 0:
        raise CallError(f"--axis {axis}: expected an axis of {ndim} that is not that of the examples")
    return axis % ndim
