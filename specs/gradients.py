"""What flows back: the gradients of a loss in x, γ and β, by the chain rule."""

from bnconform import bounds, reference
from bnconform.case import Case
from bnconform.spec import Subject, spec
from bnconform.strategies import cases
from bnconform.verdict import Agreement, agree

TRAINING = cases(mode="train")
INFERENCE = cases(mode="infer")


@spec(
    r"\frac{\partial\ell}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma_B^2 + \varepsilon}}\left(g_i -"
    r" \frac{1}{m}\sum_j g_j - \hat{x}_i\,\frac{1}{m}\sum_j g_j\hat{x}_j\right), \qquad g ="
    r" \frac{\partial\ell}{\partial y}",
    source="Ioffe & Szegedy 2015, section 3: the chain rule through μ_B and σ_B²",
    given=TRAINING,
)
def sends_gradients_through_the_statistics(bn: Subject, case: Case) -> Agreement:
    """In training the gradient of x flows through the batch's mean and variance as well."""
    return agree(bn(case).dx, reference.dx(case), within=bounds.dx(case, bn.dialect), quantity="dx")


@spec(
    r"\frac{\partial\ell}{\partial\gamma} = \sum_i g_i\,\hat{x}_i",
    source="Ioffe & Szegedy 2015, section 3: ∂ℓ/∂γ",
    given=TRAINING,
)
def sums_the_gradient_of_the_scale(bn: Subject, case: Case) -> Agreement:
    """In training the gradient of γ is the sum of the cotangent times the normalized values."""
    return agree(bn(case).dgamma, reference.dgamma(case), within=bounds.dgamma(case, bn.dialect), quantity="dgamma")


@spec(
    r"\frac{\partial\ell}{\partial\beta} = \sum_i g_i",
    source="Ioffe & Szegedy 2015, section 3: ∂ℓ/∂β",
    given=TRAINING,
)
def sums_the_gradient_of_the_shift(bn: Subject, case: Case) -> Agreement:
    """In training the gradient of β is the sum of the cotangent."""
    return agree(bn(case).dbeta, reference.dbeta(case), within=bounds.dbeta(case, bn.dialect), quantity="dbeta")


@spec(
    r"\frac{\partial\ell}{\partial x_i} = \frac{\gamma\,g_i}{\sqrt{\mathrm{Var}[x] + \varepsilon}}",
    source="Ioffe & Szegedy 2015, section 3.1: in inference the transform is linear, its statistics fixed",
    given=INFERENCE,
)
def sends_gradients_past_the_running_statistics(bn: Subject, case: Case) -> Agreement:
    """In inference the gradient of x is the cotangent scaled, with nothing through the statistics."""
    return agree(bn(case).dx, reference.dx(case), within=bounds.dx(case, bn.dialect), quantity="dx")


@spec(
    r"\frac{\partial\ell}{\partial\gamma} = \sum_i g_i\,\frac{x_i - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] +"
    r" \varepsilon}}",
    source="Ioffe & Szegedy 2015, section 3.1: in inference the transform is linear, its statistics fixed",
    given=INFERENCE,
)
def sums_the_gradient_of_the_scale_in_inference(bn: Subject, case: Case) -> Agreement:
    """In inference the gradient of γ is the sum of the cotangent times the values that inference normalized."""
    return agree(bn(case).dgamma, reference.dgamma(case), within=bounds.dgamma(case, bn.dialect), quantity="dgamma")


@spec(
    r"\frac{\partial\ell}{\partial\beta} = \sum_i g_i",
    source="Ioffe & Szegedy 2015, section 3.1: in inference the transform is linear, its statistics fixed",
    given=INFERENCE,
)
def sums_the_gradient_of_the_shift_in_inference(bn: Subject, case: Case) -> Agreement:
    """In inference the gradient of β is the sum of the cotangent."""
    return agree(bn(case).dbeta, reference.dbeta(case), within=bounds.dbeta(case, bn.dialect), quantity="dbeta")
