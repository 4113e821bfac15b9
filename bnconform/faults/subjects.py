"""Every fault as an implementation under test, and correct variants beside them: an adapter like any other.

Rules: 16-bit cases are computed in float32, as their Dialect declares; `:narrow` variants compute them in 16 bits.

    bnconform run --adapter bnconform.faults.subjects --implementation 'faults.epsilon_*'
"""

from __future__ import annotations

from functools import partial

from bnconform.dialect import Dialect, Implementation
from bnconform.faults import FAULTS, VARIANTS, Fault, perform

DIALECT = Dialect(stats_dtype="float32", params_dtype="float32")
NARROW = frozenset({"float16", "bfloat16"})


def _implementation(name: str, one: Fault) -> Implementation:
    return Implementation(
        name=name,
        run=partial(perform, one),
        dialect=DIALECT,
        dtypes=one.dtypes,
        features={"tangents", "second_order"},
    )


def _narrow(one: Fault) -> Implementation:
    return Implementation(
        name=f"variants.{one.name}:narrow",
        run=partial(perform, one, narrow=True),
        dtypes=NARROW,
        features={"tangents", "second_order"},
    )


IMPLEMENTATIONS = [
    *[_implementation(f"faults.{one.name}", one) for one in FAULTS],
    *[_implementation(f"variants.{one.name}", one) for one in VARIANTS],
    *[_narrow(one) for one in VARIANTS],
]
