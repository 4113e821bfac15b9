"""Every fault and loss as an implementation under test, and correct variants beside them: an adapter like any other.

Rules: 16-bit cases are computed in float32, as their Dialect declares; `:narrow` variants compute them in 16 bits.

    bnconform run --adapter bnconform.analysis.faults.adapter --implementation 'faults.epsilon_*'
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bnconform.analysis.faults import FAULTS, LOSSES, VARIANTS, Fault, perform
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import NARROW
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.shards import FEATURES as SHARDS

DIALECT = Dialect(stats_dtype="float32", params_dtype="float32")
FEATURES = SHARDS | {
    "tangents", "second_order", "default_eps", "default_momentum", "fold", "wide_parameters",
    "malformed", "between", "wanted", "accumulates", "checkpointed", "earlier", "untracked",
}  # fmt: skip
SETTINGS = Settings(call="perform", eps=Argument("eps", "1e-05"), momentum=Argument("momentum", "0.1"), weighs="new")


def _perform(one: Fault, case: Case, narrow: bool = False) -> Outcome:
    """Performs a fault with the documented default of any argument that the case leaves out, whatever number it
    holds."""
    meant = {"eps": case.default_eps, "momentum": case.default_momentum}
    documented = {name: getattr(SETTINGS, f"default_{name}") for name, asked in meant.items() if asked}
    return perform(one, replace(case, **documented), narrow)


def _implementation(name: str, one: Fault) -> Implementation:
    return Implementation(
        name=name,
        run=partial(_perform, one),
        dialect=DIALECT,
        dtypes=one.dtypes,
        features=FEATURES,
        settings=SETTINGS,
    )


def _narrow(one: Fault) -> Implementation:
    return Implementation(
        name=f"variants.{one.name}:narrow",
        run=partial(_perform, one, narrow=True),
        dtypes=frozenset(NARROW),
        features=FEATURES - {"wide_parameters"},  # which 16 bits cannot keep
        settings=SETTINGS,
    )


IMPLEMENTATIONS = [
    *[_implementation(f"faults.{one.name}", one) for one in FAULTS],
    *[_implementation(f"losses.{one.name}", one) for one in LOSSES],
    *[_implementation(f"variants.{one.name}", one) for one in VARIANTS],
    *[_narrow(one) for one in VARIANTS],
]
