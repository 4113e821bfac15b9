"""What flows back: the gradients of a loss in x, γ and β, by the chain rule."""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.spec import Subject, spec
from bnconform.relations import gradients

TRAINING = cases(mode="train")
INFERENCE = cases(mode="infer")
TANGENTS = cases(mode="train", derivatives="tangents")
TANGENTS_OF_INFERENCE = cases(mode="infer", derivatives="tangents")
SECOND = cases(mode="train", derivatives="second_order")
SECOND_OF_INFERENCE = cases(mode="infer", derivatives="second_order")
CHAIN_RULE = "Ioffe & Szegedy 2015, section 3: the chain rule through μ_B and σ_B²"
FIXED = "Ioffe & Szegedy 2015, section 3.1: in inference the transform is linear, its statistics fixed"


@spec(
    r"\frac{\partial\ell}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma_B^2 + \varepsilon}}\left(g_i -"
    r" \frac{1}{m}\sum_j g_j - \hat{x}_i\,\frac{1}{m}\sum_j g_j\hat{x}_j\right), \qquad g ="
    r" \frac{\partial\ell}{\partial y}",
    source=CHAIN_RULE,
    given=TRAINING,
)
def sends_gradients_through_the_statistics(bn: Subject, case: Case) -> Agreement:
    """In training the gradient of x flows through the batch's mean and variance as well."""
    return bn.agrees(case, "dx")


@spec(
    r"\frac{\partial\ell}{\partial\gamma} = \sum_i g_i\,\hat{x}_i",
    source="Ioffe & Szegedy 2015, section 3: ∂ℓ/∂γ",
    given=TRAINING,
)
def sums_the_gradient_of_the_scale(bn: Subject, case: Case) -> Agreement:
    """In training the gradient of γ is the sum of the cotangent times the normalized values."""
    return bn.agrees(case, "dgamma")


@spec(
    r"\frac{\partial\ell}{\partial\beta} = \sum_i g_i",
    source="Ioffe & Szegedy 2015, section 3: ∂ℓ/∂β",
    given=TRAINING,
)
def sums_the_gradient_of_the_shift(bn: Subject, case: Case) -> Agreement:
    """In training the gradient of β is the sum of the cotangent."""
    return bn.agrees(case, "dbeta")


@spec(
    r"\frac{\partial\ell}{\partial x_i} = \frac{\gamma\,g_i}{\sqrt{\mathrm{Var}[x] + \varepsilon}}",
    source=FIXED,
    given=INFERENCE,
)
def sends_gradients_past_the_running_statistics(bn: Subject, case: Case) -> Agreement:
    """In inference the gradient of x is the cotangent scaled, with nothing through the statistics."""
    return bn.agrees(case, "dx")


@spec(
    r"\frac{\partial\ell}{\partial\gamma} = \sum_i g_i\,\frac{x_i - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] +"
    r" \varepsilon}}",
    source=FIXED,
    given=INFERENCE,
)
def sums_the_gradient_of_the_scale_in_inference(bn: Subject, case: Case) -> Agreement:
    """In inference the gradient of γ is the sum of the cotangent times the values that inference normalized."""
    return bn.agrees(case, "dgamma")


@spec(
    r"\frac{\partial\ell}{\partial\beta} = \sum_i g_i",
    source=FIXED,
    given=INFERENCE,
)
def sums_the_gradient_of_the_shift_in_inference(bn: Subject, case: Case) -> Agreement:
    """In inference the gradient of β is the sum of the cotangent."""
    return bn.agrees(case, "dbeta")


@spec(
    r"\sum_i \frac{\partial\ell}{\partial x_i} = 0",
    source="000_71a86d20c5337979.txt: “the effect of b[l] can be cancelled. Thus, we can omit b[l] and the computation "
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
    source="Ioffe & Szegedy 2015, section 3.3: “∂BN((aW)u)/∂(aW) = 1/a · ∂BN(Wu)/∂W”",
    given=TRAINING,
)
def halves_the_gradient_of_a_doubled_input(bn: Subject, case: Case) -> Agreement:
    """Doubling the input, with ε as the variance that it is, halves its gradient."""
    changed = gradients.doubled(case)
    return gradients.gradient_of_doubled(bn(case), changed, bn(changed), case, bn.dialect)


@spec(
    r"\dot{y} = \frac{\gamma}{\sqrt{\sigma_B^2 + \varepsilon}}\left(\dot{x}_i - \frac{1}{m}\sum_j\dot{x}_j -"
    r" \hat{x}_i\,\frac{1}{m}\sum_j\dot{x}_j\hat{x}_j\right) + \dot\gamma\,\hat{x}_i + \dot\beta",
    source=CHAIN_RULE + ", forwards",
    given=TANGENTS,
)
def pushes_tangents_through_the_statistics(bn: Subject, case: Case) -> Agreement:
    """In training the tangent of y includes what the tangent of x does to the batch's mean and variance."""
    return bn.agrees(case, "dot_y")


@spec(
    r"\sum_i g_i\,\dot{y}_i = \sum_i \frac{\partial\ell}{\partial x_i}\,\dot{x}_i + \frac{\partial\ell}{\partial\gamma}"
    r"\,\dot\gamma + \frac{\partial\ell}{\partial\beta}\,\dot\beta",
    source="The derivative is one linear map: its transpose pulls back what it pushes forward",
    given=TANGENTS,
)
def pairs_tangents_with_gradients(bn: Subject, case: Case) -> Agreement:
    """In training forward and reverse differentiation are of the same function: the dot-product test."""
    return gradients.pairing(bn(case), case, bn.dialect)


@spec(
    r"\dot{y}_i = \frac{\gamma\,\dot{x}_i + \dot\gamma\,(x_i - \mathrm{E}[x])}{\sqrt{\mathrm{Var}[x] + \varepsilon}} +"
    r" \dot\beta",
    source=FIXED,
    given=TANGENTS_OF_INFERENCE,
)
def pushes_tangents_past_the_running_statistics(bn: Subject, case: Case) -> Agreement:
    """In inference the tangent of y is that of a linear map, with nothing through the statistics."""
    return bn.agrees(case, "dot_y")


@spec(
    r"\sum_i g_i\,\dot{y}_i = \sum_i \frac{\partial\ell}{\partial x_i}\,\dot{x}_i + \frac{\partial\ell}{\partial\gamma}"
    r"\,\dot\gamma + \frac{\partial\ell}{\partial\beta}\,\dot\beta",
    source="The derivative is one linear map: its transpose pulls back what it pushes forward",
    given=TANGENTS_OF_INFERENCE,
)
def pairs_tangents_with_gradients_in_inference(bn: Subject, case: Case) -> Agreement:
    """In inference forward and reverse differentiation are of the same function: the dot-product test."""
    return gradients.pairing(bn(case), case, bn.dialect)


@spec(
    r"\nabla_x\langle w, \nabla_x\ell\rangle = -\frac{\gamma}{\sigma_B^2 + \varepsilon}\left(\hat{x}\,"
    r"\overline{w\,P(g)} + \overline{w\hat{x}}\,P(g) + \overline{g\hat{x}}\,P(w)\right), \qquad P(t) = t - \bar{t} -"
    r" \hat{x}\,\overline{t\hat{x}}",
    source=CHAIN_RULE + ", applied to its own gradients",
    given=SECOND,
)
def sends_second_gradients_to_the_input(bn: Subject, case: Case) -> Agreement:
    """In training the gradients can be differentiated in x, which moves the batch's statistics as well.

    The cotangent p of dγ adds p·P(g)/√(σ_B² + ε).
    """
    return bn.agrees(case, "grad_x")


@spec(
    r"\frac{\partial}{\partial\gamma}\langle w, \nabla_x\ell\rangle = \frac{1}{\sqrt{\sigma_B^2 + \varepsilon}}"
    r"\sum_i w_i\left(g_i - \bar{g} - \hat{x}_i\,\overline{g\hat{x}}\right)",
    source=CHAIN_RULE + ", applied to its own gradients",
    given=SECOND,
)
def sends_second_gradients_to_the_scale(bn: Subject, case: Case) -> Agreement:
    """In training the gradient of x can be differentiated in γ, in which it is linear."""
    return bn.agrees(case, "grad_gamma")


@spec(
    r"\nabla_g\left(\langle w, \nabla_x\ell\rangle + p\,\frac{\partial\ell}{\partial\gamma} + q\,"
    r"\frac{\partial\ell}{\partial\beta}\right) = \frac{\gamma}{\sqrt{\sigma_B^2 + \varepsilon}}\left(w - \bar{w} -"
    r" \hat{x}\,\overline{w\hat{x}}\right) + p\,\hat{x} + q",
    source=CHAIN_RULE + ", applied to its own gradients: they are linear in g, so this is the tangent along w, p, q",
    given=SECOND,
)
def sends_second_gradients_to_the_cotangent(bn: Subject, case: Case) -> Agreement:
    """In training the gradients can be differentiated in the cotangent of y, in which they are linear."""
    return bn.agrees(case, "grad_dy")


@spec(
    r"\nabla_g\left(\langle w, \nabla_x\ell\rangle + q\,\frac{\partial\ell}{\partial\beta}\right) ="
    r" \frac{1}{\sqrt{\sigma_B^2 + \varepsilon}}\left(w - \bar{w} - \hat{x}\,\overline{w\hat{x}}\right) + q \quad"
    r" (\gamma \text{ absent})",
    source=CHAIN_RULE + ", applied to its own gradients, for γ = 1",
    given=SECOND,
)
def needs_no_scale_for_second_gradients(bn: Subject, case: Case) -> Agreement:
    """Without γ, and with β, the gradients can still be differentiated."""
    return bn.agrees(gradients.without_scale(case), "grad_dy")


@spec(
    r"\nabla_x\left(\langle w, \nabla_x\ell\rangle + p\,\frac{\partial\ell}{\partial\gamma}\right) ="
    r" \frac{p\,g}{\sqrt{\mathrm{Var}[x] + \varepsilon}}",
    source=FIXED,
    given=SECOND_OF_INFERENCE,
)
def sends_second_gradients_to_the_input_in_inference(bn: Subject, case: Case) -> Agreement:
    """In inference only the gradient of γ depends on x, and linearly."""
    return bn.agrees(case, "grad_x")


@spec(
    r"\frac{\partial}{\partial\gamma}\langle w, \nabla_x\ell\rangle = \frac{1}{\sqrt{\mathrm{Var}[x] + \varepsilon}}"
    r"\sum_i w_i\,g_i",
    source=FIXED,
    given=SECOND_OF_INFERENCE,
)
def sends_second_gradients_to_the_scale_in_inference(bn: Subject, case: Case) -> Agreement:
    """In inference the gradient of x can be differentiated in γ."""
    return bn.agrees(case, "grad_gamma")


@spec(
    r"\nabla_g\left(\langle w, \nabla_x\ell\rangle + p\,\frac{\partial\ell}{\partial\gamma} + q\,"
    r"\frac{\partial\ell}{\partial\beta}\right) = \frac{\gamma\,w + p\,(x - \mathrm{E}[x])}{\sqrt{\mathrm{Var}[x] +"
    r" \varepsilon}} + q",
    source=FIXED,
    given=SECOND_OF_INFERENCE,
)
def sends_second_gradients_to_the_cotangent_in_inference(bn: Subject, case: Case) -> Agreement:
    """In inference the gradients can be differentiated in the cotangent of y."""
    return bn.agrees(case, "grad_dy")
