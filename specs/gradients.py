"""The gradients of a loss in x, γ and β, by the chain rule."""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import LECTURE, PAPER
from bnconform.engine.spec import Subject, equation, spec
from bnconform.oracle.notation import Symbols, mean, sqrt, total
from bnconform.relations import gradients

TRAINING = cases(mode="train")
INFERENCE = cases(mode="infer")
TANGENTS = cases(mode="train", derivatives="tangents")
TANGENTS_OF_INFERENCE = cases(mode="infer", derivatives="tangents")
SECOND = cases(mode="train", derivatives="second_order")
SECOND_OF_INFERENCE = cases(mode="infer", derivatives="second_order")
CHAIN_RULE = f"{PAPER}, section 3: the chain rule through μ_B and σ_B²"
FIXED = f"{PAPER}, section 3.1: in inference the transform is linear, its statistics fixed"


@equation(
    source=CHAIN_RULE,
    given=TRAINING,
)
def sends_gradients_through_the_statistics(bn: Outputs, c: Symbols) -> Equation:
    """In training the gradient of x flows through the batch's mean and variance as well."""
    return bn.dx == c.γ * c.r * (c.g - mean(c.g) - c.h * mean(c.g * c.h))


@equation(
    source=f"{PAPER}, section 3: ∂ℓ/∂γ",
    given=TRAINING,
)
def sums_the_gradient_of_the_scale(bn: Outputs, c: Symbols) -> Equation:
    """In training the gradient of γ is the sum of the cotangent times the normalized values."""
    return bn.dgamma == total(c.g * c.h)


@equation(
    source=f"{PAPER}, section 3: ∂ℓ/∂β",
    given=TRAINING,
)
def sums_the_gradient_of_the_shift(bn: Outputs, c: Symbols) -> Equation:
    """In training the gradient of β is the sum of the cotangent."""
    return bn.dbeta == total(c.g)


@equation(
    source=FIXED,
    given=INFERENCE,
)
def sends_gradients_past_the_running_statistics(bn: Outputs, c: Symbols) -> Equation:
    """In inference the gradient of x is the cotangent scaled, with nothing through the statistics."""
    return bn.dx == c.γ * c.g / sqrt(c.Var + c.ε)


@equation(
    source=FIXED,
    given=INFERENCE,
)
def sums_the_gradient_of_the_scale_in_inference(bn: Outputs, c: Symbols) -> Equation:
    """In inference the gradient of γ is the sum of the cotangent times the values that inference normalized."""
    return bn.dgamma == total(c.g * (c.x - c.E) / sqrt(c.Var + c.ε))


@equation(
    source=FIXED,
    given=INFERENCE,
)
def sums_the_gradient_of_the_shift_in_inference(bn: Outputs, c: Symbols) -> Equation:
    """In inference the gradient of β is the sum of the cotangent."""
    return bn.dbeta == total(c.g)


@spec(
    r"\sum_i \frac{\partial\ell}{\partial x_i} = 0",
    source=f"{LECTURE}: “the effect of b[l] can be cancelled. Thus, we can omit b[l] and the computation "
    "of db[l]”: this sum is db[l] for x = W u + b",
    given=TRAINING,
)
def sends_no_gradient_to_a_bias_before_it(bn: Subject, case: Case) -> Agreement:
    """A bias added to the input gets no gradient: in training the gradients of x sum to zero in each channel."""
    return gradients.total_of_dx(bn(case), case, bn.dialect)


@spec(
    r"\sum_i \frac{\partial\ell}{\partial x_i}\,\hat{x}_i = \frac{\gamma}{\sqrt{\sigma_B^2 + \varepsilon}}\,"
    r"\frac{\varepsilon}{\sigma_B^2 + \varepsilon}\sum_i g_i\,\hat{x}_i",
    source=CHAIN_RULE + ", with the mean of the squares of the normalized values, σ_B²/(σ_B² + ε)",
    given=TRAINING,
)
def leaves_the_share_of_epsilon_along_the_values(bn: Subject, case: Case) -> Agreement:
    """Of the gradient along the normalized values only the share ε/(σ_B² + ε) reaches x."""
    return gradients.total_of_dx_along_h(bn(case), case, bn.dialect)


@spec(
    r"\frac{\partial\,\mathrm{BN}(2x;\, 4\varepsilon)}{\partial(2x)} = \frac{1}{2}\,\frac{\partial\,"
    r"\mathrm{BN}(x;\, \varepsilon)}{\partial x}",
    source=f"{PAPER}, section 3.3: “∂BN((aW)u)/∂(aW) = 1/a · ∂BN(Wu)/∂W”",
    given=TRAINING,
)
def halves_the_gradient_of_a_doubled_input(bn: Subject, case: Case) -> Agreement:
    """Doubling the input, with ε as the variance that it is, halves its gradient."""
    changed = gradients.doubled(case)
    return gradients.gradient_of_doubled(bn(case), changed, bn(changed), case, bn.dialect)


@equation(
    source=CHAIN_RULE + ", forwards",
    given=TANGENTS,
)
def pushes_tangents_through_the_statistics(bn: Outputs, c: Symbols) -> Equation:
    """In training the tangent of y includes what the tangent of x does to the batch's mean and variance."""
    return bn.dot_y == c.γ * c.r * c.P(c.dot_x) + c.dot_γ * c.h + c.dot_β


@spec(
    r"\sum_i g_i\,\dot{y}_i = \sum_i \frac{\partial\ell}{\partial x_i}\,\dot{x}_i + \frac{\partial\ell}{\partial\gamma}"
    r"\,\dot\gamma + \frac{\partial\ell}{\partial\beta}\,\dot\beta",
    source="The derivative is one linear map: its transpose pulls back what it pushes forward",
    given=TANGENTS,
)
def pairs_tangents_with_gradients(bn: Subject, case: Case) -> Agreement:
    """In training forward and reverse differentiation are of the same function: the dot-product test."""
    return gradients.pairing(bn(case), case, bn.dialect)


@equation(
    source=FIXED,
    given=TANGENTS_OF_INFERENCE,
)
def pushes_tangents_past_the_running_statistics(bn: Outputs, c: Symbols) -> Equation:
    """In inference the tangent of y is that of a linear map, with nothing through the statistics."""
    return bn.dot_y == c.γ * c.r * c.dot_x + c.dot_γ * c.h + c.dot_β


@spec(
    r"\sum_i g_i\,\dot{y}_i = \sum_i \frac{\partial\ell}{\partial x_i}\,\dot{x}_i + \frac{\partial\ell}{\partial\gamma}"
    r"\,\dot\gamma + \frac{\partial\ell}{\partial\beta}\,\dot\beta",
    source="The derivative is one linear map: its transpose pulls back what it pushes forward",
    given=TANGENTS_OF_INFERENCE,
)
def pairs_tangents_with_gradients_in_inference(bn: Subject, case: Case) -> Agreement:
    """In inference forward and reverse differentiation are of the same function: the dot-product test."""
    return gradients.pairing(bn(case), case, bn.dialect)


@equation(
    source=CHAIN_RULE + ", applied to its own gradients",
    given=SECOND,
)
def sends_second_gradients_to_the_input(bn: Outputs, c: Symbols) -> Equation:
    """In training the gradients can be differentiated in x, which moves the batch's statistics as well.

    The cotangent p of dγ adds p·P(g)/√(σ_B² + ε).
    """
    inner = c.h * mean(c.w * c.P(c.g)) + mean(c.w * c.h) * c.P(c.g) + mean(c.g * c.h) * c.P(c.w)
    return bn.grad_x == c.p * c.r * c.P(c.g) - c.γ * c.r**2 * inner


@equation(
    source=CHAIN_RULE + ", applied to its own gradients",
    given=SECOND,
)
def sends_second_gradients_to_the_scale(bn: Outputs, c: Symbols) -> Equation:
    """In training the gradient of x can be differentiated in γ, in which it is linear."""
    return bn.grad_gamma == c.r * total(c.w * c.P(c.g))


@equation(
    source=CHAIN_RULE + ", applied to its own gradients: they are linear in g, so this is the tangent along w, p, q",
    given=SECOND,
)
def sends_second_gradients_to_the_cotangent(bn: Outputs, c: Symbols) -> Equation:
    """In training the gradients can be differentiated in the cotangent of y, in which they are linear."""
    return bn.grad_dy == c.γ * c.r * c.P(c.w) + c.p * c.h + c.q


@equation(
    source=CHAIN_RULE + ", applied to its own gradients, for γ = 1",
    given=SECOND,
    asked=gradients.without_scale,
    said=r"\gamma \text{ absent, which counts as } 1,\; p = 0",
)
def needs_no_scale_for_second_gradients(bn: Outputs, c: Symbols) -> Equation:
    """Without γ, and with β, the gradients can still be differentiated."""
    return bn.grad_dy == c.γ * c.r * c.P(c.w) + c.p * c.h + c.q


@equation(
    source=FIXED,
    given=SECOND_OF_INFERENCE,
)
def sends_second_gradients_to_the_input_in_inference(bn: Outputs, c: Symbols) -> Equation:
    """In inference only the gradient of γ depends on x, and linearly."""
    return bn.grad_x == c.p * c.r * c.g


@equation(
    source=FIXED,
    given=SECOND_OF_INFERENCE,
)
def sends_second_gradients_to_the_scale_in_inference(bn: Outputs, c: Symbols) -> Equation:
    """In inference the gradient of x can be differentiated in γ."""
    return bn.grad_gamma == c.r * total(c.w * c.g)


@equation(
    source=FIXED,
    given=SECOND_OF_INFERENCE,
)
def sends_second_gradients_to_the_cotangent_in_inference(bn: Outputs, c: Symbols) -> Equation:
    """In inference the gradients can be differentiated in the cotangent of y."""
    return bn.grad_dy == c.γ * c.r * c.w + c.p * c.h + c.q
