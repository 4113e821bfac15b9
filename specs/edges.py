"""Edges at which an implementation may take another path: no averages, one channel, a zero, one value or none.

Rules: every output is compared with the reference, as anywhere else; feature maps stand for all ranks
where something else is compiled for, since each costs some a second.
"""

from bnconform.cases import delivery
from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import OVERVIEW, PAPER
from bnconform.engine.spec import Subject, equation, spec
from bnconform.oracle.notation import Symbols, sqrt, total
from bnconform.relations import channels, comparisons, edges, gradients, refusals
from bnconform.relations.refusals import Found

TRAINING = cases(mode="train")
SINGLE = cases(mode="train", gradients=False, rows="one")
INFERENCE = cases(mode="infer")
MAPS = TRAINING.where(ranks={4}, why="asked of feature maps only, as each shape costs some a compilation")
CHAIN_RULE = f"{PAPER}, section 3: the chain rule through μ_B and σ_B²"


@equation(
    source=CHAIN_RULE + ", in which no average has a part",
    given=MAPS,
    asked=delivery.without_averages,
    said=r"\text{where no averages are kept}",
)
def sends_gradients_without_running_statistics(bn: Outputs, c: Symbols) -> list[Equation]:
    """In training the gradients are the same where no running statistics are kept."""
    return [bn.dx == c.γ * c.r * c.P(c.g), bn.dgamma == total(c.g * c.h), bn.dbeta == total(c.g)]


@equation(
    source=f"{PAPER}, section 3: “we will normalize each scalar feature independently”, also a single one",
    given=MAPS,
    asked=channels.alone,
    said="C = 1",
)
def treats_a_single_channel_like_any_other(bn: Outputs, c: Symbols) -> list[Equation]:
    """An input of one channel has the output, the averages and the gradients of its equations."""
    biased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.v
    unbiased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.m / (c.m - 1) * c.v
    averages = [bn.running_mean == (1 - c.ω) * c.E + c.ω * c.μ, unbiased.or_declared("running_var", biased)]
    gradients = [bn.dx == c.γ * c.r * c.P(c.g), bn.dgamma == total(c.g * c.h), bn.dbeta == total(c.g)]
    return [bn.y == c.γ * c.h + c.β, *averages, *gradients]


@equation(
    source=f"{PAPER}, section 3: ∂ℓ/∂γ has no γ in it; {OVERVIEW}: “used to update these "
    "parameters using gradient descent”, wherever they begin",
    given=TRAINING,
    asked=edges.with_zero_scales,
    said=r"\gamma_c = 0 \text{ in every second channel}",
)
def learns_a_scale_that_is_zero(bn: Outputs, c: Symbols) -> list[Equation]:
    """Where γ is 0 the output is β and no gradient reaches x, but γ has the gradient that it has anywhere."""
    y = bn.y == c.γ * c.h + c.β
    return [y, bn.dx == c.γ * c.r * c.P(c.g), bn.dgamma == total(c.g * c.h), bn.dbeta == total(c.g)]


@equation(
    source=f"{PAPER}, Algorithm 2, step 11; Algorithm 1: “ε is a constant added to the mini-batch variance "
    "for numerical stability”",
    given=INFERENCE,
    asked=edges.with_zero_variances,
    said=r"\mathrm{Var}[x]_c = 0 \text{ in every second channel}",
)
def infers_by_a_variance_of_zero(bn: Outputs, c: Symbols) -> list[Equation]:
    """A running variance of 0, as constant channels leave it, is used as it stands: ε alone is under the root."""
    y = bn.y == c.γ * (c.x - c.E) / sqrt(c.Var + c.ε) + c.β
    return [y, bn.dx == c.γ * c.r * c.g, bn.dgamma == total(c.g * c.h), bn.dbeta == total(c.g)]


@spec(
    r"m = 1 \quad\Rightarrow\quad \frac{\partial\ell}{\partial x} = \frac{\partial\ell}{\partial\gamma} = 0, \quad"
    r" \frac{\partial\ell}{\partial\beta} = g",
    source=CHAIN_RULE + ": y = β whatever x is",
    given=SINGLE,
)
def sends_no_gradient_to_a_single_value(bn: Subject, case: Case) -> Found:
    """A channel of a single value, where it is not refused, sends a gradient to β alone."""
    single = edges.with_itself_as_cotangent(case)
    return refusals.unless_refused(bn, single, lambda: gradients.gradients(bn, single), "dx")


@spec(
    r"m = 0 \quad\Rightarrow\quad y = () \quad\text{in inference, or an error}",
    source=f"{PAPER}, Algorithm 2, step 11, for no x; no document says what then: what loses least is asked",
    given=INFERENCE,
    basis="prudence",
)
def infers_nothing_for_no_examples(bn: Subject, case: Case) -> Agreement:
    """In inference a batch of no examples gives an empty output or a clear error."""
    return comparisons.refused_or_empty(bn, edges.without_examples(case))
