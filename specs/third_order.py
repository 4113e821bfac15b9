"""The derivative of the second gradients: the gradient that a penalty on curvature sends to the input."""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.spec import Subject, spec
from bnconform.relations import gradients


@spec(
    r"\nabla_x\langle z, \nabla_x\langle w, \nabla_x\ell\rangle\rangle = \frac{\gamma}{(\sigma_B^2 +"
    r" \varepsilon)^{3/2}} \sum_{(a, b, c)}\left(2\,\hat{x}\,\overline{a\hat{x}}\;\overline{b\,P(c)} - P(a)"
    r"\left(\overline{b\,P(c)} - 2\,\overline{b\hat{x}}\;\overline{c\hat{x}}\right)\right), \qquad (a, b, c) ="
    r" (z, w, g), (w, g, z), (g, z, w)",
    source="Ioffe & Szegedy 2015, section 3: the chain rule through μ_B and σ_B², applied to its own gradients twice",
    given=cases(mode="train", derivatives="third_order"),
)
def sends_third_gradients_to_the_input(bn: Subject, case: Case) -> Agreement:
    """In training the second gradients can be differentiated in x once more, through the batch's statistics as well."""
    return gradients.third_derivative(bn, case)
