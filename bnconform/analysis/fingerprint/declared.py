"""Inferred properties compared with the declared ones, or with the equations if nothing is declared.

Rules: only a value contradicts, never "undecided"; an arithmetic better than the declared one contradicts nothing, and
is said; a dtype that a Dialect names counts as its bounds count it, for narrower input only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from bnconform.analysis.fingerprint.bench import ELEMENTWISE
from bnconform.analysis.fingerprint.inferred import Inferred
from bnconform.analysis.fingerprint.probes.formulas import INSIDE, NEW
from bnconform.analysis.fingerprint.probes.sums import COTANGENTS, KEPT, STATISTICS, TYPES
from bnconform.contract.dialect import Dialect
from bnconform.oracle.bounds.formats import arithmetic, effective

Relation = Literal["agrees", "contradicts", "better", ""]
EQUATIONS = {"ε in training": INSIDE, "ε in inference": INSIDE, "variance in y": "biased", "momentum": NEW}
"""Properties that no Dialect can declare otherwise: the paper's equations, and the meaning of Case.momentum."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One inferred property beside its declaration. field: of the Dialect; "" where none speaks of it."""

    inferred: Inferred
    declared: str = ""
    field: str = ""
    relation: Relation = ""


Declared = Callable[[Dialect, str], str]
Judge = Callable[[str, str], Relation]


def _same(inferred: str, declared: str) -> Relation:
    return "agrees" if inferred == declared else "contradicts"


def _as_wide(inferred: str, declared: str) -> Relation:
    mine, stated = TYPES.index(inferred), TYPES.index(declared)
    return "agrees" if mine == stated else "better" if mine > stated else "contradicts"


def _as_strict(inferred: str, declared: str) -> Relation:
    if inferred == "one-pass":
        return _same(inferred, declared)
    return "better" if declared == "one-pass" else "agrees"


def _best(best: str) -> Judge:
    return lambda inferred, declared: (
        "agrees" if inferred == declared else "better" if inferred == best else "contradicts"
    )


def _kept(dialect: Dialect, dtype: str) -> str:
    types = effective(dtype, dialect)
    return (types.stored or types.accumulate).name


FIELDS: dict[str, tuple[str, Declared, Judge]] = {
    ELEMENTWISE: ("elementwise_dtype", lambda d, dtype: effective(dtype, d).elementwise.name, _as_wide),
    STATISTICS: ("stats_dtype", lambda d, dtype: effective(dtype, d).accumulate.name, _as_wide),
    KEPT: ("stored_dtype", _kept, _as_wide),
    COTANGENTS: ("cotangent_dtype", lambda d, dtype: effective(dtype, d).cotangents.name, _as_wide),
    "running variance": ("running_var", lambda d, _: d.running_var, _same),
    "running average": ("average", lambda d, _: d.average, _same),
    "variance algorithm": ("variance", lambda d, _: d.variance, _as_strict),
    "negative variance": (
        "clamps_variance",
        lambda d, _: "clamped" if d.clamps_variance else "occurs",
        _best("clamped"),
    ),
    "dγ in inference": ("backward", lambda d, _: d.backward, _best("centred")),
    "ε and momentum kept in": ("attribute_dtype", lambda d, dtype: d.attribute_dtype or dtype, _as_wide),
    "single value": ("single_value", lambda d, _: d.single_value, _same),
}
"""By property: the field of the Dialect that speaks of it, what it says for data of a dtype, and how they compare."""

UP_TO_FLOAT32 = (ELEMENTWISE, KEPT)
"""Properties that 16-bit outputs do not show beyond float32: what is found to be that may be wider."""


def compared(found: Iterable[Inferred], dialect: Dialect, dtype: str) -> list[Comparison]:
    """Returns each inferred property beside the Dialect's statement for data of `dtype`."""
    return [_compared(one, dialect, dtype) for one in found]


def contradicting(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Returns the comparisons in which the inferred value contradicts the declared one."""
    return [one for one in comparisons if one.relation == "contradicts"]


def _compared(one: Inferred, dialect: Dialect, dtype: str) -> Comparison:
    if one.property in EQUATIONS:
        declared = EQUATIONS[one.property]
        return Comparison(inferred=one, declared=declared, relation=_same(one.value, declared) if one.value else "")
    if one.property not in FIELDS:
        return Comparison(inferred=one)
    field, says, judge = FIELDS[one.property]
    declared = says(dialect, dtype)
    relation = judge(one.value, declared) if one.value else ""
    if one.property in UP_TO_FLOAT32 and one.value == "float32" and arithmetic(dtype).bits == 16:
        relation = relation if declared != "float64" else ""
    return Comparison(inferred=one, declared=declared, field=field, relation=relation)
