"""The derivative of the second gradients: the gradient that a penalty on curvature sends to the input."""

from bnconform.cases.strategies import cases
from bnconform.contract.dtypes import WIDE
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import PAPER
from bnconform.engine.spec import equation
from bnconform.oracle.notation import Expression, Symbols, mean

THIRD = cases(mode="train", derivatives="third_order")


@equation(
    source=f"{PAPER}, section 3: the chain rule through μ_B and σ_B², applied to its own gradients twice",
    given=THIRD.where(dtypes=WIDE, why="no bound claims anything of third derivatives in 16 bits"),
)
def sends_third_gradients_to_the_input(bn: Outputs, c: Symbols) -> Equation:
    """In training the second gradients can be differentiated in x once more, through the batch's statistics as well."""

    def part(a: Expression, b: Expression, t: Expression) -> Expression:
        q = mean(b * c.P(t))
        return 2 * c.h * mean(a * c.h) * q - c.P(a) * (q - 2 * mean(b * c.h) * mean(t * c.h))

    return bn.third_x == c.γ * c.r**3 * (part(c.z, c.w, c.g) + part(c.w, c.g, c.z) + part(c.g, c.z, c.w))
