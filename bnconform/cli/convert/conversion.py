"""A Conversion is a layer of one implementation written for another, with the equalities and differences of the two.

Rules: it is computed from two descriptions alone; neither framework is needed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bnconform.cli.convert.layer import Layer, Wish, meant, settings_of
from bnconform.cli.convert.matches import Match, Pair, matches
from bnconform.cli.convert.written import Written, written
from bnconform.contract.implementation import Described

ARITHMETIC = ("variance", "stats_dtype", "elementwise_dtype")
"""Fields of a Dialect that change roundings and no function; a reader who ports a model wants to know them still."""


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """source, target: their names. before, after: the arguments written there. notes: roundings that differ."""

    source: str
    target: str
    layer: Layer
    before: Written
    after: Written
    matches: tuple[Match, ...]
    notes: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every function of the layer is matched."""
        return all(one.verdict == "same" for one in self.matches)

    def to_json(self) -> dict[str, Any]:
        """Returns the conversion as values that JSON can hold."""
        return {
            "from": self.source,
            "to": self.target,
            "before": self.before.text,
            "call": self.after.text,
            "arguments": self.after.arguments,
            "by_hand": list(self.after.by_hand),
            "functions": [asdict(one) for one in self.matches],
            "notes": list(self.notes),
            "links": list(self.links),
            "complete": self.complete,
        }


def convert(source: Described, target: Described, wish: Wish | None = None) -> Conversion:
    """Returns the conversion to `target` of the layer that `wish` describes in `source`."""
    layer = meant(source, wish or Wish())
    pair = Pair(source, target, layer)
    both = settings_of(source), settings_of(target)
    before, after = (written(one, layer) for one in both)
    return Conversion(
        source=source.name,
        target=target.name,
        layer=layer,
        before=before,
        after=after,
        matches=tuple(matches(pair)),
        notes=tuple(_notes(pair)),
        links=tuple(dict.fromkeys(one.link for one in both[1].named("eps", "momentum", "axis") if one.link)),
    )


def _notes(pair: Pair) -> list[str]:
    here, there = pair.dialects
    found = []
    for name in ARITHMETIC:
        mine, theirs = (getattr(one, name) or pair.layer.dtype for one in (here, there))
        narrow = name == "variance" or pair.layer.dtype in ("float16", "bfloat16")
        if mine != theirs and narrow:
            where = "".join(f"; {link}" for link in pair.links(name))
            found.append(f"{name} is {mine} in {pair.source.name}, {theirs} in {pair.target.name}{where}")
    return found
