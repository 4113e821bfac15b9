"""The match of an implementation with a fault, on one piece of evidence.

Rules: every output must lie within its allowance of the fault's prediction, and the right formulas must fail to explain
at least one. An output that the fault does not touch has the allowance B. One that it touches has max(B + max(0,
E_wrong - E_right), E_wrong), where B is the derived bound, for every order of the right formula; E_right the running
error bound of the right formula, E_wrong that of the wrong one, both in the same arithmetic and with the rounding of
the output. A value that is wrong by a factor of thirty has thirty times the rounding, and E_wrong admits that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bnconform.analysis.diagnosis.evidence import Evidence
from bnconform.analysis.diagnosis.prediction import Model
from bnconform.analysis.faults import RIGHT, Fault
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.oracle.bounds.overflow import OUTPUT_SHARE
from bnconform.oracle.bounds.ratios import ratios
from bnconform.oracle.bounds.rounding import rounding_of_output
from bnconform.oracle.reference.reductions import Array, Mask


@dataclass(frozen=True, eq=False)
class Match:
    """Evidence that lies within the allowance of a fault: the worst ratio, and whether it speaks for the fault.

    room: how many times the bound of the declared arithmetic that allowance is, where it is that of another arithmetic.
    """

    ratio: float
    shown: bool
    room: float = 1.0


class Exhibit:
    """A piece of evidence beside the right values, ready to be held against faults."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._right = Model(RIGHT, evidence, set())
        self._models: dict[str, Model] = {}
        self._known: dict[str, Match | None] = {}

    @cached_property
    def ratios(self) -> dict[str, Array]:
        """The errors of all outputs by the right formulas, over their bounds; 0 where there is no claim."""
        right = self._right.values
        return {o: self._ratios_within(o, right[o], self.evidence.allowance(o)) for o in self.evidence.outputs}

    def right(self, output: str) -> Array:
        """Returns the right values of an output."""
        return self._right.values[output]

    @cached_property
    def missed(self) -> dict[str, Mask]:
        """Where the right formulas do not explain an output."""
        return {output: ratios > 1 for output, ratios in self.ratios.items()}

    @cached_property
    def odd(self) -> frozenset[str]:
        """The outputs that the right formulas do not explain."""
        return frozenset(output for output, missed in self.missed.items() if missed.any())

    def match(self, fault: Fault, outputs: Collection[str] = ()) -> Match | None:
        """Returns how the evidence matches a fault; None where it does not. outputs: those alone that are compared."""
        key = f"{fault.name} {sorted(outputs)}"
        if key not in self._known:
            self._known[key] = self._matched(fault, [o for o in self._order if not outputs or o in outputs])
        return self._known[key]

    @cached_property
    def _order(self) -> list[str]:
        """The outputs, those first that most faults cannot explain."""
        return sorted(self.evidence.outputs, key=lambda output: -np.count_nonzero(self.missed[output]))

    def _matched(self, fault: Fault, outputs: Sequence[str]) -> Match | None:
        if self.evidence.case.dtype not in fault.dtypes:
            return None
        model = self.model(fault)
        found = self._held(model, outputs)
        if found is None and fault.alter is not None:  # one that remembers may have been given the case before
            found = self._held(model.again(), outputs)
        if found is None and fault.within is not None:
            found = self._rounded(*fault.within(self.evidence.case, self.evidence.dialect), outputs)
        return found

    def _rounded(self, case: Case, dialect: Dialect, outputs: Sequence[str]) -> Match | None:
        """Compares with the right values within the bounds of another arithmetic.

        It shows something where such a bound is narrow enough to make a claim: a wide one admits any mistake.
        """
        other, shown = Evidence(case, {}, dialect), False
        values, worst, rooms = Model(RIGHT, other, set()).values, 0.0, [1.0]
        for output in outputs:
            bound = other.bound(output)
            allowance, shown = bound.allowance, shown or bool((self.missed[output] & bound.claims).any())
            worst = max(worst, float(self._ratios_within(output, values[output], allowance).max(initial=0.0)))
            with np.errstate(all="ignore"):
                room = np.log(allowance / self.evidence.allowance(output))
            rooms.append(float(np.exp(room[np.isfinite(room)].mean())) if np.isfinite(room).any() else 1.0)
        return Match(worst, shown, max(rooms)) if worst <= 1 else None

    def _ratios_within(self, output: str, value: Array, allowance: Array) -> Array:
        return np.where(np.isfinite(allowance), _ratios(self.evidence.outputs[output], value, allowance), 0.0)

    def _held(self, model: Model, outputs: Sequence[str]) -> Match | None:
        found = []
        extended = self.evidence.case.dtype == "float64"
        for output in outputs:
            value, allowance = self.expected(model, output)
            # A value in plain float64 may itself be an allowance off where the data are float64.
            slack = 2.0 if extended and not model.performed else 1.0
            one = self._compared(output, value, slack * allowance)
            if one is None:
                return None
            if slack == 1:
                found.append(one)
        if extended and not model.performed:
            exact = [self._compared(o, model.values[o], self.expected(model, o)[1]) for o in outputs]
            if None in exact:
                return None
            found = [one for one in exact if one is not None]
        return Match(max((one.ratio for one in found), default=0.0), any(one.shown for one in found))

    def model(self, fault: Fault) -> Model:
        """Returns the prediction of a fault here."""
        if fault.name not in self._models:
            self._models[fault.name] = Model(fault, self.evidence, set())
        return self._models[fault.name]

    def expected(self, model: Model, output: str) -> tuple[Array, Array]:
        """Returns a fault's value of an output, and the allowance for it, infinite where there is no claim."""
        value, error = model.estimate(output)
        bound, kind = self.evidence.allowance(output), self.evidence.type_of(output)
        if model.performed:
            return value, bound
        right, own = self._right.estimate(output)
        with np.errstate(all="ignore"):
            wrong = error + rounding_of_output(kind.u, np.abs(value), error)
            more = wrong - own - rounding_of_output(kind.u, np.abs(right), np.zeros(()))
            touched = (value != right) | (error != own)
            allowance = np.where(touched, np.maximum(bound + np.maximum(more, 0.0), wrong), bound)
            fits = np.abs(value) + allowance <= OUTPUT_SHARE * kind.largest  # false where anything is not a number
        return value, np.where(fits, allowance, np.inf)

    def refutes(self, fault: Fault, outputs: Collection[str] = ()) -> bool:
        """Returns whether an element contradicts the fault and agrees with the right formulas."""
        if fault.alter is not None or fault.within is not None:
            return False  # it may have had its way with an earlier case, or add up in another order
        model = self.model(fault)
        for output in self.evidence.outputs:
            if not outputs or output in outputs:
                right = np.isfinite(self.evidence.allowance(output)) & ~self.missed[output]
                if (right & self._contradicted(output, *self.expected(model, output))).any():
                    return True
        return False

    def _contradicted(self, output: str, value: Array, allowance: Array) -> Mask:
        actual, known = self.evidence.outputs[output], np.isfinite(value)
        wrong = known & np.isfinite(allowance) & (_ratios(actual, value, allowance) > 1)
        singular = self.evidence.over(output, self.evidence.degenerate)
        return np.asarray(wrong | (~known & np.isfinite(actual) & ~singular))

    def _compared(self, output: str, value: Array, allowance: Array) -> Match | None:
        """Compares one output; None where an element contradicts it."""
        if self._contradicted(output, value, allowance).any():
            return None
        actual, right = self.evidence.outputs[output], self._right.values[output]
        known, claimed = np.isfinite(value), np.isfinite(value) & np.isfinite(allowance)
        errors = _ratios(actual, value, allowance)
        with np.errstate(all="ignore"):
            tells = (claimed & (np.abs(value - right) > allowance)) | (~known & ~np.isfinite(actual))
        worst = np.where(claimed, errors, 0.0).max(initial=0.0)
        return Match(float(worst), bool((self.missed[output] & tells).any()))


def _ratios(actual: Array, value: Array, allowance: Array) -> Array:
    """Returns error over allowance; one that should be a number and is none is infinitely wrong."""
    with np.errstate(all="ignore"):
        return ratios(actual - value, allowance)
