"""Faults of the backward pass of a program: gradients not wanted, held before, or by a forward pass that runs again.

Rule: each is right where all gradients are wanted, none is held, and what the backward pass needs is kept.
"""

from bnconform.analysis.faults.calculation import Calculation, Number
from bnconform.analysis.faults.fault import Formulas, fault, together
from bnconform.analysis.faults.formulas import FORMULAS


@fault("reaching")
def terms_of_dx_missing_without_dgamma(c: Calculation) -> Number:
    """Where dγ is not wanted in training its sums are not taken, and dx lacks the terms that they are in."""
    return FORMULAS["reaching"](c) if c.case.wants("gamma") else c.g


@together()
def parameter_gradients_of_inference_zero_without_dx() -> Formulas:
    """Inference gives zeros for dγ and dβ where dx is not wanted, as no kernel runs."""
    return {"dgamma": lambda c: _unless_frozen(c, "dgamma"), "dbeta": lambda c: _unless_frozen(c, "dbeta")}


def _unless_frozen(c: Calculation, name: str) -> Number:
    right = FORMULAS[name](c)
    return right if c.training or c.case.wants("x") else right * 0.0


@together()
def parameter_gradients_exchanged_without_dx() -> Formulas:
    """Where dx is not wanted dγ and dβ are handed out in each other's place."""
    return {
        "dgamma": lambda c: FORMULAS["dgamma" if c.case.wants("x") else "dbeta"](c),
        "dbeta": lambda c: FORMULAS["dbeta" if c.case.wants("x") else "dgamma"](c),
    }


@together()
def parameters_left_out_without_dgamma() -> Formulas:
    """Where dγ is not wanted, γ and β are taken for none."""
    return {
        "gamma": lambda c: c.vector(c.case.gamma if c.case.wants("gamma") else None, absent=1.0),
        "beta": lambda c: c.vector(c.case.beta if c.case.wants("gamma") else None, absent=0.0),
    }


@together()
def held_gradients_kept() -> Formulas:
    """Where gradients of γ and β are held, the new ones are not added."""
    return {
        "dgamma_behind": lambda c: c.dgamma if c.held_gamma is None else c.held_gamma,
        "dbeta_behind": lambda c: c.dbeta if c.held_beta is None else c.held_beta,
    }


@together()
def held_gradients_overwritten() -> Formulas:
    """The backward pass overwrites the gradients of γ and β that are held."""
    return {"dgamma_behind": lambda c: c.dgamma, "dbeta_behind": lambda c: c.dbeta}


@together()
def gradients_added_twice_to_those_held() -> Formulas:
    """The gradients of γ and β are added twice to those that are held."""
    return {
        "dgamma_behind": lambda c: c.dgamma if c.held_gamma is None else c.held_gamma + c.dgamma + c.dgamma,
        "dbeta_behind": lambda c: c.dbeta if c.held_beta is None else c.held_beta + c.dbeta + c.dbeta,
    }


@together()
def held_gradients_subtracted() -> Formulas:
    """The gradients of γ and β that are held are subtracted from the new ones."""
    return {
        "dgamma_behind": lambda c: c.dgamma if c.held_gamma is None else c.dgamma - c.held_gamma,
        "dbeta_behind": lambda c: c.dbeta if c.held_beta is None else c.dbeta - c.held_beta,
    }


@fault("through")
def nothing_through_the_statistics_of_a_forward_pass_run_again(c: Calculation) -> Number:
    """Where the forward pass runs again in the backward pass, nothing flows through the statistics of training."""
    return c.training and not c.case.checkpointed


@together()
def averages_moved_again_by_a_forward_pass_run_again() -> Formulas:
    """The averages move twice where the forward pass runs again in the backward pass."""
    return {
        "running_mean": lambda c: _moved_again(c, "running_mean", "mean_averaged"),
        "running_var": lambda c: _moved_again(c, "running_var", "variance_averaged"),
    }


def _moved_again(c: Calculation, name: str, new: str) -> Number:
    once = FORMULAS[name](c)
    is_again = c.case.checkpointed and c.training and once is not None
    return once * (1.0 - c.omega) + getattr(c, new) * c.omega if is_again else once
