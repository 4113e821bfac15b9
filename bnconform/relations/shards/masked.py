"""Masks that differ between the replicas of a batch: unequal shards of a program that is one for all devices.

Rules: a mask shows or hides whole examples, since that is what fills up a last batch, and every layer that takes a mask
takes such a one; the shown values are judged as those of one batch, by the rules of `masks`.
"""

from __future__ import annotations

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement, not_asked
from bnconform.engine.spec import Subject
from bnconform.relations import masks


@once
def hiding_unequally(case: Case) -> masks.Masked:
    """Returns the case with the last r examples of shard r hidden, but for the first of each shard."""
    return masks.under_mask(case, _by_example(case, [min(r, size - 1) for r, size in enumerate(case.shards)]))


@once
def hiding_the_last(case: Case) -> masks.Masked:
    """Returns the case with every example of the last shard hidden."""
    return masks.under_mask(case, _by_example(case, [*[0] * (len(case.shards) - 1), case.shards[-1]]))


def under_unequal_masks(bn: Subject, case: Case) -> list[Agreement]:
    """Compares outputs, averages and gradient with those of the shown values alone."""
    if len(case.shards) < 2 or max(case.shards) < 2:
        return [not_asked("a mask leaves something of each shard, and these have one example each", quantity="y")]
    return _shown(bn, hiding_unequally(case), "under unequal masks")


def beside_a_hidden_shard(bn: Subject, case: Case) -> list[Agreement]:
    """Compares outputs, averages and gradient with those of the other shards alone."""
    if len(case.shards) < 2:
        return [not_asked("there is one shard, which cannot be left out", quantity="y")]
    if (len(case.shards) - 1) * case.rows < 2 * len(case.shards):
        return [not_asked("the other shards have one value in all", quantity="y")]
    return _shown(bn, hiding_the_last(case), "beside a hidden shard")


def _shown(bn: Subject, masked: masks.Masked, how: str) -> list[Agreement]:
    return [*masks.shown_everything(bn, masked.case, masked, how), masks.shown_gradient(bn, masked, how)]


def _by_example(case: Case, hidden: list[int]) -> np.ndarray:
    """Returns the mask of one value per example that hides so many at the end of each shard."""
    shown = [np.arange(size) < size - few for size, few in zip(case.shards, hidden, strict=True)]
    return np.concatenate(shown).reshape([-1] + [1] * (case.x.ndim - 1))
