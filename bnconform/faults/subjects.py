"""Every fault as an implementation under test, and the one without a fault: an adapter like any other.

bnconform run --adapter bnconform.faults.subjects --implementation 'faults.epsilon_*'
"""

from functools import partial

from bnconform.dialect import Dialect, Implementation
from bnconform.faults import FAULTS, RIGHT, perform

DIALECT = Dialect(stats_dtype="float32", params_dtype="float32")
IMPLEMENTATIONS = [
    Implementation(
        name=f"faults.{one.name}",
        run=partial(perform, one),
        dialect=DIALECT,
        dtypes=one.dtypes,
        features={"tangents", "second_order"},
    )
    for one in (RIGHT, *FAULTS)
]
