"""The fingerprint: every probe, ordered so that each follows those on whose results it depends.

Rules: probes look at outputs alone; an implementation's declarations are no input to them.
"""

from __future__ import annotations

from collections.abc import Sequence

from bnconform.analysis.fingerprint.bench import Bench, Probe
from bnconform.analysis.fingerprint.inferred import Inferred
from bnconform.analysis.fingerprint.probes import averages, edges, formulas, inference, sums, variance
from bnconform.engine.spec import Subject

PROBES: tuple[Probe, ...] = (
    sums.elementwise,
    formulas.epsilon,
    formulas.epsilon_in_inference,
    formulas.variance_in_y,
    formulas.momentum,
    formulas.running_variance,
    averages.kind,
    sums.statistics,
    sums.order,
    sums.kept,
    sums.cotangents,
    variance.algorithm,
    variance.clamped,
    inference.folded,
    inference.centred,
    edges.subnormal_results,
    edges.subnormal_inputs,
    edges.attributes,
    edges.single_value,
    edges.empty_batch,
)


def rank_of(ranks: Sequence[int]) -> int:
    """Returns the rank to probe: 4, that of images, where it is offered, otherwise the smallest."""
    return 4 if 4 in ranks else min(ranks)


def fingerprint(subject: Subject, dtype: str, rank: int = 4, axis: int = 1) -> list[Inferred]:
    """Returns the inferences from outputs alone on the arithmetic of `subject`, for data of `dtype` in tensors of
    `rank`.

    axis: of the channels, 1 or -1. Class and order of a sum depend on layout, shape and compiler, so that the answer is
    one for this layout, and for 4 or 12 values per channel.
    """
    bench = Bench(subject, dtype, rank, axis)
    for one in PROBES:
        bench.found[one.name] = one(bench)
    return list(bench.found.values())
