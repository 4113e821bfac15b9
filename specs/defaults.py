"""Defaults: an argument left out of the call has the value that the implementation documents.

Rules: one argument is left out at a time, and the case holds its documented default; an implementation takes part if it
documents one at all. A default that everybody shares is not claimed: there is none.
"""

from bnconform.cases.strategies import cases
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import PAPER
from bnconform.engine.spec import equation
from bnconform.oracle.notation import Symbols, sqrt

ENOUGH = 8  # a default is taken or it is not, and each layout costs some a compilation
TRAINING = cases(mode="train", gradients=False, manner="default_eps", examples=ENOUGH)
INFERENCE = cases(mode="infer", gradients=False, manner="default_eps", examples=ENOUGH)
AVERAGING = cases(mode="train", gradients=False, manner="default_momentum", examples=ENOUGH)
SIGNATURE = "The signature in the implementation's own documentation, to which the table of choices links"


@equation(
    source=SIGNATURE + f"; {PAPER}, Algorithm 1: ε is “a constant”, and no value is given",
    given=TRAINING,
    said=r"\varepsilon \text{ as it is documented}",
)
def trains_with_its_documented_epsilon(bn: Outputs, c: Symbols) -> Equation:
    """An ε that is left out in training is the default ε₀ that is documented."""
    return bn.y == c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β


@equation(
    source=SIGNATURE + f"; {PAPER}, Algorithm 2, step 11",
    given=INFERENCE,
    said=r"\varepsilon \text{ as it is documented}",
)
def infers_with_its_documented_epsilon(bn: Outputs, c: Symbols) -> Equation:
    """An ε that is left out in inference is the default ε₀ that is documented."""
    return bn.y == c.γ * (c.x - c.E) / sqrt(c.Var + c.ε) + c.β


@equation(
    source=SIGNATURE + ", whether it weighs the new statistics or the old",
    given=AVERAGING,
    said=r"\omega \text{ as it is documented}",
)
def averages_with_its_documented_momentum(bn: Outputs, c: Symbols) -> list[Equation]:
    """A momentum that is left out is the documented one, and ω₀ the weight that it gives to the new statistics."""
    biased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.v
    unbiased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.m / (c.m - 1) * c.v
    return [bn.running_mean == (1 - c.ω) * c.E + c.ω * c.μ, unbiased.or_declared("running_var", biased)]
