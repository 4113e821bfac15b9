"""Faults of an argument that is left out: another default than the one that is documented."""

from dataclasses import replace

from bnconform.analysis.faults.fault import prepared
from bnconform.contract.case import Case


@prepared()
def another_default_epsilon(case: Case) -> Case:
    """Where ε is left out it is a hundred times the documented one, as 1e-3 is where 1e-5 is meant."""
    return replace(case, eps=100.0 * case.eps) if case.default_eps else case


@prepared()
def another_default_epsilon_in_inference(case: Case) -> Case:
    """Where ε is left out it is the documented one in training, and half of it in inference."""
    return replace(case, eps=case.eps / 2.0) if case.default_eps and case.mode == "infer" else case


@prepared()
def default_momentum_of_the_other_convention(case: Case) -> Case:
    """Where the momentum is left out its documented number weighs the old statistics where the new are meant."""
    return replace(case, momentum=1.0 - case.momentum) if case.default_momentum else case
