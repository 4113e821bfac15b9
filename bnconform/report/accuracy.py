"""How exact the output of training is, all implementations in one picture for each type: error against κ and against m.

Rules: a line is what one implementation showed at worst in each class of data; one is told by name where it lies far
above the others, by a number beside it and never by colour alone; a type of which nothing was measured has no picture.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

import bnconform.report.columns as who
from bnconform.report.gathered import Gathered
from bnconform.report.pictures import short

NEAR_ZERO = 2.0
"""Data of a smaller κ lie near zero; the error against m is that of such data alone."""
FAR = 8.0
"""How many times the median of all an error must be for its implementation to be told by name."""
FEWEST, VERY_FAR = 3, 100.0
"""Implementations without which there is no median to stand out from, and how many times the error must then be what
rounding the mean costs."""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 250, 46, 14, 12, 40
LEAST, MOST = 0.1, 1e12
"""The ends of the scale of errors, in unit roundoffs."""
Line = list[tuple[float, float]]
"""The worst error at some κ, or m, of one implementation; by growing κ or m."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An implementation that stands out, by its number in the pictures: its largest error, beside the median there."""

    number: int
    name: str
    dtypes: tuple[str, ...]
    at: str
    error: str
    usual: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The picture of a type: against κ ("condition") or m ("size")."""

    dtype: str
    title: str
    picture: Markup


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The pictures, how many implementations are in them, and those that stand out."""

    panels: tuple[Panel, ...]
    implementations: int
    standing: tuple[Standing, ...]


@dataclass(frozen=True, kw_only=True)
class _Far:
    """Where an implementation lies farthest above the median. usual: the median; 0 where too few stand there."""

    times: float
    place: float
    error: float
    usual: float


def accuracy(gathered: Gathered) -> Accuracy:
    """Returns the pictures of what the runs measured."""
    versions = Counter(name for name, _ in {(one.implementation, one.release) for one in gathered.columns})
    points: dict[tuple[str, str], list[list[float]]] = {}
    for one in gathered.findings:
        if measured := one.get("accuracy"):
            name = one["implementation"]
            told = f"{name} {who.column_of(one).release}" if versions[name] > 1 else name
            points.setdefault((one["dtype"], told), []).extend(measured)
    asked = [(dtype, kind, _lines(points, dtype, kind)) for dtype in gathered.dtypes for kind in ("κ", "m")]
    drawn = [(dtype, kind, lines) for dtype, kind, lines in asked if any(len(line) > 1 for line in lines.values())]
    far = {(dtype, kind): _far(lines, kind) for dtype, kind, lines in drawn}
    names = list(dict.fromkeys(name for those in far.values() for name in those))
    numbers = {name: place for place, name in enumerate(names, 1)}

    def panel(dtype: str, kind: str, lines: Mapping[str, Line]) -> Panel:
        told = {name: (numbers[name], one.place) for name, one in far[dtype, kind].items()}
        return Panel(dtype=dtype, title=f"{short(dtype)}, against {kind}", picture=_picture(lines, kind, dtype, told))

    return Accuracy(
        panels=tuple(panel(*one) for one in drawn),
        implementations=len({name for _, _, lines in drawn for name in lines}),
        standing=tuple(_standing(number, name, far) for name, number in numbers.items()),
    )


def _lines(points: Mapping[tuple[str, str], list[list[float]]], dtype: str, kind: str) -> dict[str, Line]:
    """Returns the worst errors of each implementation by classes: half powers of ten of κ, powers of two of m."""
    found = {}
    for (of, name), those in points.items():
        worst: dict[int, tuple[float, float]] = {}
        for kappa, size, error in those:
            place, near = (kappa, True) if kind == "κ" else (size, kappa < NEAR_ZERO)
            place = min(max(place, 1.0), MOST)
            at = _class(kind, place)
            if of == dtype and near and error > worst.get(at, (0.0, -1.0))[1]:
                worst[at] = place, error
        if worst:
            found[name] = [worst[at] for at in sorted(worst)]
    return found


def _class(kind: str, place: float) -> int:
    return int(2 * math.log10(place)) if kind == "κ" else int(place).bit_length()


def _far(lines: Mapping[str, Line], kind: str) -> dict[str, _Far]:
    """Returns the implementations that lie far above the others somewhere, and where they do so most."""
    by_class: dict[int, list[tuple[str, float, float]]] = {}
    for name, line in lines.items():
        for place, error in line:
            by_class.setdefault(_class(kind, place), []).append((name, place, error))
    found: dict[str, _Far] = {}
    for those in by_class.values():
        few, middle = len(those) < FEWEST, max(median(error for _, _, error in those), 1.0)
        for name, place, error in those:
            usual = (place if kind == "κ" else 1.0) if few else middle
            times = error / usual
            if times > (VERY_FAR if few else FAR) and (name not in found or times > found[name].times):
                found[name] = _Far(times=times, place=place, error=error, usual=0.0 if few else usual)
    return dict(sorted(found.items(), key=lambda pair: -pair[1].times))


def _standing(number: int, name: str, far: Mapping[tuple[str, str], Mapping[str, _Far]]) -> Standing:
    places = {(dtype, kind): those[name] for (dtype, kind), those in far.items() if name in those}
    (_, kind), worst = max(places.items(), key=lambda pair: pair[1].times)
    return Standing(
        number=number,
        name=name,
        dtypes=tuple(dict.fromkeys(short(dtype) for dtype, _ in places)),
        at=f"{kind} = {worst.place:.3g}",
        error=_roundoffs(worst.error),
        usual=_roundoffs(worst.usual) if worst.usual else "",
    )


def _roundoffs(error: float) -> str:
    return f"{error:,.0f}" if 10 <= error < 1e6 else "not a number" if error >= MOST**4 else f"{error:.2g}"


def _picture(lines: Mapping[str, Line], kind: str, dtype: str, numbers: Mapping[str, tuple[int, float]]) -> Markup:
    last = max(10.0, *(place for line in lines.values() for place, _ in line))
    top = max(10.0, *(min(error, MOST) for line in lines.values() for _, error in line))
    x_of = _scale(1.0, 10 ** math.ceil(math.log10(last)), LEFT, WIDTH - RIGHT)
    y_of = _scale(LEAST, 10 ** math.ceil(math.log10(top)), HEIGHT - BOTTOM, TOP)
    parts = [*_axes(x_of, y_of, last, top, kind)]
    if kind == "κ":
        end = min(last, top)
        line = '<path class="guide" d="M{:.0f} {:.0f}L{:.0f} {:.0f}"/>'
        parts.append(Markup(line).format(x_of(1), y_of(1), x_of(end), y_of(end)))
    ordered = sorted(lines, key=lambda name: name in numbers)
    for name in ordered:
        parts += _line(lines[name], x_of, y_of, numbers.get(name))
    words = f"Error of y in {dtype} against {kind}, {len(lines)} implementations" + "".join(
        f"; {number} is {name}" for name, (number, _) in numbers.items()
    )
    return Markup('<svg class="pic" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, words, Markup("").join(parts)
    )


def _scale(least: float, most: float, first: float, last: float) -> Callable[[float], float]:
    low, high = math.log10(least), math.log10(most)
    return lambda value: first + (math.log10(min(max(value, least), most)) - low) / (high - low) * (last - first)


def _axes(
    x_of: Callable[[float], float], y_of: Callable[[float], float], last: float, top: float, kind: str
) -> list[Markup]:
    across, up = math.ceil(math.log10(last)), math.ceil(math.log10(top))
    line = Markup('<path class="axes" d="M{0} {1}V{2}H{3}"/>').format(LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT)
    parts = [line]
    for power in range(0, across + 1, 1 + across // 7):
        tick = Markup('<text class="tick mid" x="{:.0f}" y="{}">{}</text>')
        parts.append(tick.format(x_of(10.0**power), HEIGHT - BOTTOM + 15, _power(power)))
    for power in range(0, up + 1, 1 + up // 6):
        y = y_of(10.0**power)
        grid = Markup('<path class="grid" d="M{} {:.0f}H{}"/><text class="tick end" x="{}" y="{:.0f}">{}</text>')
        parts.append(grid.format(LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, _power(power)))
    axis = "κ, distance from zero in deviations" if kind == "κ" else "m, values of a channel; data near zero"
    middle = Markup('<text class="axis mid" x="{}" y="{}">{}</text>')
    return [*parts, middle.format((LEFT + WIDTH - RIGHT) // 2, HEIGHT - 6, axis)]


def _power(power: int) -> str:
    return {0: "1", 1: "10", 2: "100"}.get(
        power, "10" + str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    )


def _line(
    line: Line, x_of: Callable[[float], float], y_of: Callable[[float], float], told: tuple[int, float] | None
) -> list[Markup]:
    """Returns a line; told: the number of one that stands out, and the κ or m at which it does so most."""
    places = [f"{x_of(place):.0f} {y_of(error):.0f}" for place, error in line]
    shape = Markup('<path class="{}" d="M{}"/>').format("rest" if told is None else "far", "L".join(places))
    if told is None:
        return [shape]
    number, at = told
    x, y = x_of(at), y_of(dict(line)[at])
    mark = Markup('<circle class="bad" cx="{0:.0f}" cy="{1:.0f}" r="8"/>').format(x, y)
    return [shape, mark, Markup('<text class="number mid" x="{:.0f}" y="{:.0f}">{}</text>').format(x, y + 4, number)]
