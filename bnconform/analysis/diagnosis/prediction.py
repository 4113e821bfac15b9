"""The prediction of a fault for a piece of evidence: the values of its outputs, and how far rounding may take them.

Rules: a formula is calculated beyond the dtype, with its running error in the declared arithmetic beside it; a fault of
rounding alone, or a change of the outcome, is performed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from bnconform.analysis.diagnosis.evidence import Evidence
from bnconform.analysis.diagnosis.running_error import Uncertain, Uncertainty
from bnconform.analysis.faults import Fault, values
from bnconform.analysis.faults.calculation import Formula
from bnconform.analysis.faults.fault import Asked, calculation_of, shaped
from bnconform.analysis.faults.formulas import handed_out
from bnconform.contract.dialect import Dialect
from bnconform.oracle.reference.reductions import Array


def in_dialect(fault: Fault, dialect: Dialect) -> Fault:
    """Returns the fault of an implementation that has it beside the choices that it declares."""
    declared: Mapping[str, Formula] = {"correction": lambda c: 1.0}
    chosen = declared if dialect.running_var == "biased" else {}
    return replace(fault, formulas={**chosen, **fault.formulas})


class Model:
    """The prediction of a fault for a piece of evidence: values of each output, and how far rounding may take them.

    asked: the earlier cases, for a fault that remembers them.
    """

    def __init__(self, fault: Fault, evidence: Evidence, asked: Asked) -> None:
        self._asked = asked
        self.fault, self._evidence = in_dialect(fault, evidence.dialect), evidence
        self._calculation = calculation_of(self.fault, evidence.case, Uncertainty(evidence.rounding))
        self._estimates: dict[str, tuple[Array, Array]] = {}

    @property
    def performed(self) -> bool:
        """Whether the fault is nothing but rounding or changes the outcome: it is performed, not calculated."""
        return self.fault.rounding or self.fault.alter is not None

    def again(self) -> Model:
        """Returns the model of the same case, given once more."""
        return Model(self.fault, self._evidence, set(self._asked))

    def estimate(self, output: str) -> tuple[Array, Array]:
        """Returns values in plain float64, and a bound on the error of any implementation that computes them."""
        if output not in self._estimates:
            if self.performed:
                self._estimates[output] = self.values[output], np.zeros(())
            else:
                self._estimates[output] = self._calculated(output)
        return self._estimates[output]

    @cached_property
    def values(self) -> dict[str, Array]:
        """The values of all outputs, rounded to float64 only at the end.

        Beyond float64 a product is split, which overflows earlier than the product: there the plain value stands.
        """
        narrow = self._evidence.types.accumulate.bits == 16
        found = values(self.fault, self._evidence.case, narrow, self._asked)
        if self.performed or self._evidence.case.dtype != "float64":
            return found
        lost = {name for name, array in found.items() if not np.isfinite(array).all()}
        plain = {name: self.estimate(name)[0] for name in lost}
        return found | {name: np.where(np.isfinite(found[name]), found[name], plain[name]) for name in lost}

    def _calculated(self, output: str) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            number: Uncertain = handed_out(self._calculation, output)
            error = np.broadcast_to(number.error, number.value.shape)
            posed = self._calculation.case
            value, error = (shaped(posed, self._evidence.case, output, t) for t in (number.value, error))
            return value, error
