"""A hint about an error that no known fault explains: it may be one of rounding, and of the named term.

Rules: an error counts as rounding's where a bound of that size would still make a claim; the largest term of the bound
there says where to look. It is never a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnconform.analysis.diagnosis.dominant_term import dominating
from bnconform.analysis.diagnosis.matching import Exhibit
from bnconform.oracle.bounds import LEAST_ROUNDINGS, LEAST_SHARE


def rounding_failure(exhibits: Sequence[Exhibit]) -> str:
    """Returns in words which term of the bound the worst error belongs to; empty where it is too large for rounding."""
    worst = max(
        ((exhibit, output) for exhibit in exhibits for output in sorted(exhibit.odd)),
        key=lambda pair: pair[0].ratios[pair[1]].max(),
        default=None,
    )
    return "" if worst is None else _told(*worst)


def _told(exhibit: Exhibit, output: str) -> str:
    evidence, ratios = exhibit.evidence, exhibit.ratios[output]
    index = tuple(int(i) for i in np.unravel_index(int(ratios.argmax()), ratios.shape))
    bound = evidence.bound(output)
    share = float(ratios[index] * bound.allowance[index] / bound.scale[index])
    if not share <= max(LEAST_SHARE, LEAST_ROUNDINGS * bound.u):
        return ""
    term = dominating(evidence.case, evidence.dialect, output, index)
    where = "" if term is None else f"; if rounding makes it, {100 * term[1]:.0f} % of the bound is for {term[0]}"
    return f"the error of {output} is {share:.2g} of the size of its terms{where}"
