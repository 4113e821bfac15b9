"""Evidence: a case, an implementation's outputs for it, and how far rounding alone may take them from a formula.

Rules: only outputs of the catalogue's formulas are evidence; others are left out, and a case that the formulas cannot
calculate is none. All cases that a spec asked on a witness are asked again, so that relations and chains are evidence
too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bnconform.analysis.diagnosis.behind import bound_behind
from bnconform.analysis.faults.formulas import asked_of
from bnconform.contract.axes import along
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.implementation import DEFAULTS
from bnconform.contract.outcome import ELEMENTWISE, Outcome
from bnconform.contract.reply import NotOffered, Reply
from bnconform.contract.shards import FEATURES as SHARDS
from bnconform.contract.wire import pack_case
from bnconform.engine.agreement import Judgement
from bnconform.engine.runner import Ask
from bnconform.engine.spec import Spec, Subject
from bnconform.oracle.bounds import Bound
from bnconform.oracle.bounds.formats import Arithmetic, EffectiveArithmetic, effective_for
from bnconform.oracle.bounds.rounding import Rounding, forward_rounding
from bnconform.oracle.reference.quantities import solution
from bnconform.oracle.reference.reductions import Array, Mask

CALCULABLE = DEFAULTS | SHARDS | {
    "tangents", "second_order", "memory", "eager", "running_gradients", "fold", "wide_parameters",
    "between", "wanted", "accumulates", "checkpointed",
}  # fmt: skip
"""Features of a case that the catalogue's formulas calculate, or that change no value."""
PERFORMABLE = CALCULABLE | {"malformed", "earlier", "untracked"}
"""Features of a case that faults perform, be there bounds for all of their outputs or not."""
STATISTICS = ("running_mean", "running_var")
MOST_CALLS = 12
"""How often an implementation is asked again for one witness."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """One case, the outputs that an implementation gave for it, in float64, and the Dialect that it declares."""

    case: Case
    outputs: dict[str, Array]
    dialect: Dialect

    def allowance(self, output: str) -> Array:
        """Returns the effect that rounding may have on the right output; infinite where there is no claim."""
        return self.bound(output).allowance

    def bound(self, output: str) -> Bound:
        """Returns the bound of the right output."""
        return bound_behind(self.case, self.dialect, output)

    @cached_property
    def content(self) -> tuple[bytes, ...]:
        """What is equal for evidence of equal cases and outputs of one implementation."""
        outputs = sorted(self.outputs.items())
        return pack_case(self.case), *(part for name, array in outputs for part in (name.encode(), array.tobytes()))

    @cached_property
    def types(self) -> EffectiveArithmetic:
        """The arithmetic that the Dialect declares for the case."""
        return effective_for(self.case, self.dialect)

    def type_of(self, output: str) -> Arithmetic:
        """Returns the type of an output."""
        if output in ELEMENTWISE:
            return self.types.output
        return self.types.running if output in STATISTICS else self.types.params

    @cached_property
    def rounding(self) -> Rounding:
        """The arithmetic of the case's sums and products."""
        return forward_rounding(self.case.rows, self.types, self.case.shuffled)

    @cached_property
    def degenerate(self) -> Mask:
        """The channels whose variance is 0, where a division that ε should prevent may give anything."""
        own = solution(self.case)
        variance = own.batch_values.variance if self.case.mode == "train" else own.need("running_var")
        return np.asarray(variance == 0)

    def over(self, output: str, channels: np.ndarray) -> np.ndarray:
        """Returns a value per channel, shaped so that it broadcasts to an output."""
        return along(channels, self.case.x.ndim, self.case.axis) if output in ELEMENTWISE else channels


def evidence(case: Case, outcome: Outcome, dialect: Dialect) -> Evidence | None:
    """Returns the outputs of an outcome that the catalogue's formulas give too; None where that is nothing."""
    if not case.rows or not case.needs <= CALCULABLE:
        return None
    found = {name: getattr(outcome, name) for name in calculated(case)}
    outputs = {name: array.astype(np.float64) for name, array in found.items() if array is not None}
    return Evidence(case, outputs, dialect) if outputs else None


def calculated(case: Case) -> list[str]:
    """Returns the outputs that the catalogue's formulas give for a case."""
    return [name for name in asked_of(case) if name not in STATISTICS or getattr(case, name) is not None]


class _Recorder:
    """Asks an implementation, and remembers the cases and the answers; refuses when it was asked often enough."""

    def __init__(self, ask: Ask) -> None:
        self.told: list[tuple[Case, Reply]] = []
        self._ask = ask

    def __call__(self, case: Case) -> Reply:
        if len(self.told) >= MOST_CALLS:
            return NotOffered("asked often enough")
        reply = self._ask(case)
        self.told.append((case, reply))
        return reply


def told(spec: Spec, witness: Case, ask: Ask, dialect: Dialect) -> tuple[Judgement, list[tuple[Case, Reply]]]:
    """Returns what a spec says of an implementation on a witness, the cases that it asks there, and the answers."""
    recorder = _Recorder(ask)
    return spec.judge(Subject(recorder, dialect), witness), recorder.told


def evidence_of(replies: Iterable[tuple[Case, Reply]], dialect: Dialect) -> list[Evidence]:
    """Returns the evidence among the answers."""
    found = [evidence(case, reply, dialect) for case, reply in replies if isinstance(reply, Outcome)]
    return [one for one in found if one is not None]
