"""Data of 16 bits beside parameters and averages of 32, as automatic mixed precision has them.

Each statement is that of the paper, with γ, β and the averages as they are: values among them that 16 bits cannot hold
count, and the averages and the gradients of γ and β are as exact as their own type.
"""

from bnconform.cases.strategies import cases
from bnconform.contract.dtypes import NARROW
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import MIXED_PRECISION, PAPER
from bnconform.engine.spec import equation
from bnconform.oracle.notation import Symbols, at_least, sqrt, total

WHY = "data of 16 bits only have parameters of a wider type"
TRAINING = cases(mode="train", channels="wide").where(dtypes=NARROW, why=WHY)
INFERENCE = cases(mode="infer", channels="wide").where(dtypes=NARROW, why=WHY)
REDUCTIONS = f"{MIXED_PRECISION}, section 3.3: “Large reductions […] should be carried out in FP32”"
MASTER = f"{MIXED_PRECISION}, section 3.1: “FP32 master copy of weights”"
BEYOND_FLOAT16 = 65536.0


@equation(
    source=f"{PAPER}, Algorithm 1; {MASTER}",
    given=TRAINING,
)
def normalizes_by_parameters_of_a_wider_type(bn: Outputs, c: Symbols) -> Equation:
    """Training scales and shifts by γ and β as they are, not as the type of the data could hold them."""
    return bn.y == c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β


@equation(
    source=f"{PAPER}, Algorithm 1: “ε is a constant added to the mini-batch variance for numerical stability”",
    given=TRAINING,
)
def adds_an_epsilon_of_a_wider_type(bn: Outputs, c: Symbols) -> list[Equation]:
    """ε counts as it is where the variance is near it, also one that is zero in the type of the data."""
    y = bn.y == c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β
    near = at_least(c.v, 0.01 * c.ε), at_least(100 * c.ε, c.v)
    return [y.where(*near), (bn.dgamma == total(c.g * c.h)).where(*near)]


@equation(
    source=f"{PAPER}, section 3.1; {REDUCTIONS}",
    given=TRAINING,
)
def averages_in_the_type_of_the_averages(bn: Outputs, c: Symbols) -> list[Equation]:
    """The running statistics move in their own type, which is wider than that of the data."""
    biased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.v
    unbiased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.m / (c.m - 1) * c.v
    return [bn.running_mean == (1 - c.ω) * c.E + c.ω * c.μ, unbiased.or_declared("running_var", biased)]


@equation(
    source=f"{PAPER}, Algorithm 1 and section 3.1; {REDUCTIONS}",
    given=TRAINING,
)
def takes_up_variances_beyond_half_precision(bn: Outputs, c: Symbols) -> list[Equation]:
    """A variance of 65,536 or more, which float16 cannot hold, normalizes and is averaged like any other."""
    biased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.v
    unbiased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.m / (c.m - 1) * c.v
    y = bn.y == c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β
    large = at_least(c.v, BEYOND_FLOAT16)
    return [y.where(large), unbiased.where(large).or_declared("running_var", biased.where(large))]


@equation(
    source=f"{PAPER}, section 3: the chain rule through μ_B and σ_B²",
    given=TRAINING,
)
def sends_gradients_by_parameters_of_a_wider_type(bn: Outputs, c: Symbols) -> Equation:
    """The gradient of the data is scaled by γ as it is, and by statistics of a wider type."""
    return bn.dx == c.γ * c.r * c.P(c.g)


@equation(
    source=f"{PAPER}, section 3: ∂ℓ/∂γ and ∂ℓ/∂β; {REDUCTIONS}",
    given=TRAINING,
)
def sums_gradients_in_the_type_of_the_parameters(bn: Outputs, c: Symbols) -> list[Equation]:
    """The gradients of γ and β are summed and returned in their own type, beyond the range of the data's as well."""
    return [bn.dgamma == total(c.g * c.h), bn.dbeta == total(c.g)]


@equation(
    source=f"{PAPER}, Algorithm 2, step 11; {MASTER}",
    given=INFERENCE,
)
def infers_by_statistics_of_a_wider_type(bn: Outputs, c: Symbols) -> Equation:
    """Inference normalizes by averages, γ and β as they are, not as the type of the data could hold them."""
    return bn.y == c.γ * (c.x - c.E) / sqrt(c.Var + c.ε) + c.β


@equation(
    source=f"{PAPER}, Algorithm 2, step 11",
    given=INFERENCE,
)
def infers_by_variances_beyond_half_precision(bn: Outputs, c: Symbols) -> Equation:
    """A running variance of 65,536 or more, which float16 cannot hold, is used as it is."""
    y = bn.y == c.γ * (c.x - c.E) / sqrt(c.Var + c.ε) + c.β
    return y.where(at_least(c.Var, BEYOND_FLOAT16))


@equation(
    source=f"{PAPER}, section 3.1: in inference the transform is linear, its statistics fixed",
    given=INFERENCE,
)
def sends_gradients_past_statistics_of_a_wider_type(bn: Outputs, c: Symbols) -> list[Equation]:
    """In inference the gradients are those of a linear map by averages, γ and β as they are."""
    return [bn.dx == c.γ * c.r * c.g, bn.dgamma == total(c.g * c.h), bn.dbeta == total(c.g)]
