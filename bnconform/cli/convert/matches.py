"""The comparison of one function in two implementations: equalities, and differences with their reasons and ways out.

Rules: an equation that differs is no match, a rounding that differs is one, within the bounds of both; each reason
names both declarations, with the links.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from bnconform.cli.convert.layer import Layer, settings_of
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import NARROW
from bnconform.contract.implementation import Described

Verdict = Literal["same", "differs", "not offered"]
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "training output": ("training",),
    "gradients": ("training", "gradients"),
    "running mean": ("averages",),
    "running variance": ("averages",),
    "inference output": ("inference",),
    "single value": ("training",),
}
"""The comparisons, and the settings.OFFERS that they take. The output of inference is that by the same statistics."""
AVERAGES = ("running mean", "running variance")
NORMALIZED = ("training output", "gradients", "inference output")
AVERAGED = {
    "exponential": "weighs the new statistics by ω from the first batch on",
    "cumulative": "weighs all batches alike, by 1/k at step k",
    "first copy": "copies the statistics of the first batch and weighs by ω after it",
    "debiased": "starts from zero and divides by 1 - (1 - ω)^k",
}


@dataclass(frozen=True)
class Obstacle:
    """A function without a match: the reason, a way out, and links to the documentation of both sides."""

    why: str
    remedy: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """A function of FUNCTIONS, and whether it is the same; obstacles: why not."""

    function: str
    verdict: Verdict
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True)
class Pair:
    """A layer in one implementation, and the other that it goes to."""

    source: Described
    target: Described
    layer: Layer

    @property
    def dialects(self) -> tuple[Dialect, Dialect]:
        """Of both, for the layer's type."""
        return self.source.dialect_for(self.layer.dtype), self.target.dialect_for(self.layer.dtype)

    def links(self, *names: str) -> tuple[str, ...]:
        """Returns where both document these fields of the Dialect."""
        found = [one.links[name] for name in names for one in self.dialects if name in one.links]
        return tuple(dict.fromkeys(found))


def matches(pair: Pair) -> list[Match]:
    """Returns for each function that the layer has whether the other one has the same."""
    here, there = settings_of(pair.source).offers, settings_of(pair.target).offers
    asked = [name for name, needs in FUNCTIONS.items() if set(needs) <= set(here)]
    if not pair.layer.state:  # then the batch's own statistics are all that there is, at any time
        asked = [name for name in asked if name not in (*AVERAGES, "inference output")]
    obstacles = list(_obstacles(pair))
    found = []
    for name in asked:
        lacking = [need for need in FUNCTIONS[name] if need not in there]
        if lacking:
            why = Obstacle(f"{pair.target.name} does not offer {' and '.join(lacking)}")
            found.append(Match(name, "not offered", (why,)))
            continue
        reasons = tuple(one for functions, one in obstacles if name in functions)
        found.append(Match(name, "differs" if reasons else "same", reasons))
    return found


def _obstacles(pair: Pair) -> Iterator[tuple[tuple[str, ...], Obstacle]]:
    yield from _taken(pair)
    yield from _epsilon(pair)
    if pair.layer.state:
        yield from _average(pair)
        yield from _weight(pair)
        yield from _variance(pair)
        yield from _kept(pair)
    yield from _single_value(pair)


def _taken(pair: Pair) -> Iterator[tuple[tuple[str, ...], Obstacle]]:
    target, layer = pair.target, pair.layer
    if layer.dtype not in target.dtypes:
        yield tuple(FUNCTIONS), Obstacle(f"{target.name} takes {', '.join(target.dtypes)}, not {layer.dtype}")
    if target.ranks and layer.ndim not in target.ranks:
        ranks = ", ".join(map(str, target.ranks))
        remedy = "reshape: all axes but that of the channels may be joined into one, or axes of length 1 added"
        yield tuple(FUNCTIONS), Obstacle(f"{target.name} takes tensors of rank {ranks}, not {layer.ndim}", remedy)


def _epsilon(pair: Pair) -> Iterator[tuple[tuple[str, ...], Obstacle]]:
    if settings_of(pair.target).eps is None:
        yield NORMALIZED, Obstacle(f"{pair.target.name} has no argument for ε")
    here, there = (_held(pair.layer.eps, one, pair.layer.dtype) for one in pair.dialects)
    if here != there:
        why = f"ε is {here!r} in {pair.source.name}, {there!r} in {pair.target.name}: one of them keeps it in float32"
        remedy = "write an ε that float32 holds, such as a power of two"
        yield NORMALIZED, Obstacle(why, remedy, pair.links("attribute_dtype"))


def _held(number: Decimal, dialect: Dialect, dtype: str) -> float:
    """Returns the number as it is kept: in float64, or in float32, which data of that type cannot tell from it."""
    narrow = dialect.attribute_dtype == "float32" and dtype == "float64"
    return float(np.float32(float(number))) if narrow else float(number)


def _average(pair: Pair) -> Iterator[tuple[tuple[str, ...], Obstacle]]:
    wanted, there = pair.layer.average, pair.dialects[1].average
    if wanted == there or (wanted == "cumulative" and settings_of(pair.target).cumulative):
        return
    why = f"{pair.source.name} {AVERAGED[wanted]}; {pair.target.name} {AVERAGED[there]}"
    remedy = "copy stored averages; over k further steps of one ω they approach each other as (1 - ω)^k"
    if "cumulative" in (wanted, there):
        remedy = "copy stored averages; further training differs, unless the weight is set to 1/k before each step k"
    yield AVERAGES, Obstacle(why, remedy, pair.links("average"))


def _weight(pair: Pair) -> Iterator[tuple[tuple[str, ...], Obstacle]]:
    """A weight of the old that leaves nothing to the new, once it is rounded, is another average."""
    new, settings = pair.layer.new, settings_of(pair.target)
    if new is None or new == 0 or settings.weighs != "old":
        return
    kept = np.float32 if pair.dialects[1].attribute_dtype == "float32" else np.float64
    if kept(1) - kept(float(1 - new)) == 0:
        why = f"1 - {new} is 1 in {np.dtype(kept).name}, which would leave no weight to the new statistics"
        yield AVERAGES, Obstacle(why, links=tuple(one.link for one in settings.named("momentum") if one.link))


def _variance(pair: Pair) -> Iterator[tuple[tuple[str, ...], Obstacle]]:
    here, there = (one.running_var for one in pair.dialects)
    if here == there:
        return
    factor = "(m - 1)/m" if here == "unbiased" else "m/(m - 1)"
    why = (
        f"{pair.source.name} averages the {here} variance, {pair.target.name} the {there} one: what each step adds "
        f"differs by the factor {factor}, with m values per channel"
    )
    remedy = (
        "copy stored variances as they are, and inference is the same; no argument makes further training the same. "
        f"Where all batches had one m and the start is long forgotten, stored variances times {factor} are those that "
        f"{pair.target.name} would have"
    )
    yield ("running variance",), Obstacle(why, remedy, pair.links("running_var"))


def _kept(pair: Pair) -> Iterator[tuple[tuple[str, ...], Obstacle]]:
    """16-bit averages are other functions than wide ones: small steps of theirs are rounded away."""
    if pair.layer.dtype not in NARROW:
        return
    here, there = (one.running_dtype or one.params_dtype or pair.layer.dtype for one in pair.dialects)
    if here != there:
        why = f"{pair.source.name} keeps them in {here}, {pair.target.name} in {there}"
        yield AVERAGES, Obstacle(why, "", pair.links("params_dtype", "running_dtype"))


def _single_value(pair: Pair) -> Iterator[tuple[tuple[str, ...], Obstacle]]:
    here, there = (one.single_value for one in pair.dialects)
    if here != there:
        words = {"raises": "refuses a batch of one value per channel", "zero": "takes its variance as 0"}
        why = f"{pair.source.name} {words[here]}; {pair.target.name} {words[there]}"
        remedy = "refuse such batches before the call" if there == "zero" else "do not train on such batches"
        yield ("single value",), Obstacle(why, remedy, pair.links("single_value"))
