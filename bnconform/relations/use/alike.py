"""The same output of two uses of an implementation, which are to differ in rounding at most.

Rules: an implementation is judged by its own output of the plain use, which is judged elsewhere, so that what is wrong
there is not told again; two values that both lie within the bound T of the same exact one lie within 2·T of each other.
Of a value that is no number in plain use nothing is asked.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree, not_offered
from bnconform.engine.spec import Subject
from bnconform.oracle.bounds import Bound


def alike(bn: Subject, asked: Case, due: np.ndarray | None, bound: Bound, name: str, how: str) -> Agreement:
    """Compares an output of `asked` with the implementation's own, `due`; both are within the bound of one value."""
    if due is None:
        return not_offered(name, quantity=f"{name} {how}")
    twice, right = Bound(2.0 * bound.allowance, bound.scale, bound.u), due.astype(np.float64)
    found = agree(getattr(bn(asked), name), right, within=twice, output=name, quantity=f"{name} {how}",
                  where=np.isfinite(right))  # fmt: skip
    return replace(found, aspect=how)
