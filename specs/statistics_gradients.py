"""Gradients through the statistics themselves: the batch's where they are returned, the running ones in inference."""

from bnconform.cases.strategies import cases
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import PAPER
from bnconform.engine.spec import equation
from bnconform.oracle.notation import Symbols, mean, total

RETURNED = cases(mode="train", statistics=False, derivatives="batch_statistics")
RUNNING = cases(mode="infer", derivatives="running_gradients")
MOMENTS = f"{PAPER}, Algorithm 1: “mini-batch mean”, “mini-batch variance”"
CHAIN_RULE = f"{PAPER}, section 3: the chain rule through μ_B and σ_B²"
FIXED = f"{PAPER}, Algorithm 2, step 11: y is a function of E[x] and Var[x], too"


@equation(
    source=MOMENTS,
    given=RETURNED,
)
def returns_the_mean_of_the_batch(bn: Outputs, c: Symbols) -> Equation:
    """The mean that is returned beside y is that of the batch."""
    return bn.batch_mean == mean(c.x)


@equation(
    source=MOMENTS,
    given=RETURNED,
)
def returns_the_variance_of_the_batch(bn: Outputs, c: Symbols) -> Equation:
    """The variance that is returned beside y is the biased one of the batch."""
    return bn.batch_var == mean((c.x - c.μ) ** 2)


@equation(
    source=CHAIN_RULE + ", where a loss depends on them otherwise than by y as well",
    given=RETURNED,
)
def sends_gradients_through_returned_statistics(bn: Outputs, c: Symbols) -> Equation:
    """What a loss asks of the returned mean and variance reaches x, beside what it asks of y."""
    return bn.dx == c.γ * c.r * c.P(c.g) + c.dμ / c.m + 2 * (c.x - c.μ) / c.m * c.dv


@equation(
    source=FIXED,
    given=RUNNING,
)
def sends_a_true_gradient_to_the_running_mean(bn: Outputs, c: Symbols) -> Equation:
    """In inference the running mean gets a true gradient, if it gets one."""
    return bn.drunning_mean == -(c.γ * c.r * total(c.g))


@equation(
    source=FIXED,
    given=RUNNING,
)
def sends_a_true_gradient_to_the_running_variance(bn: Outputs, c: Symbols) -> Equation:
    """In inference the running variance gets a true gradient, if it gets one."""
    return bn.drunning_var == -(c.γ * c.r**2 / 2 * total(c.g * c.h))
