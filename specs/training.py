"""What training makes of the gradients, and what a later layer sees while the earlier ones change.

Rule: an optimizer is no part of an implementation. Its step is computed here, from the implementation's gradients and
from the exact ones, and the bound of the gradients is carried through it.
"""

import numpy as np

from bnconform import bounds, exact, optimizers, reference, variants
from bnconform.bounds import Bound
from bnconform.case import Case
from bnconform.layout import along
from bnconform.optimizers import Optimizer
from bnconform.spec import Subject, spec
from bnconform.strategies import cases
from bnconform.verdict import Agreement, agree

TRAINING = cases(mode="train")
FORWARD = cases(mode="train", gradients=False, statistics=False)


def _steps(bn: Subject, case: Case, optimizer: Optimizer) -> list[Agreement]:
    """Compares the steps of γ and β from the implementation's gradients with those from the exact gradients."""
    found, parameters = bn(case), (("gamma", bounds.dgamma, reference.dgamma), ("beta", bounds.dbeta, reference.dbeta))
    agreements = []
    for name, bound_of, reference_of in parameters:
        actual, bound, expected = getattr(found, f"d{name}"), bound_of(case, bn.dialect), reference_of(case)
        past = optimizers.past_of(bound)
        agreements.append(
            agree(
                None if actual is None else optimizers.step(optimizer, actual, past),
                optimizers.step(optimizer, expected, past),
                within=optimizers.carried(optimizer, expected, bound, past),
                quantity=f"step of {name}",
            )
        )
    return agreements


@spec(
    r"\gamma' = \gamma - \eta\,\frac{\partial \ell}{\partial \gamma}, \qquad \beta' = \beta - \eta\,"
    r"\frac{\partial \ell}{\partial \beta}",
    source="003_86331cfb1c25e987.txt: “the gradients with respect to the parameters gamma and beta are computed and "
    "used to update these parameters using gradient descent”",
    given=TRAINING,
)
def takes_steps_of_gradient_descent(bn: Subject, case: Case) -> list[Agreement]:
    """Gradient descent moves γ and β as the exact gradients would."""
    return _steps(bn, case, optimizers.GRADIENT_DESCENT)


@spec(
    r"s' = \rho\,s + (1 - \rho)\,g^2, \qquad \Delta = -\eta\,\frac{g}{\sqrt{s'} + \delta}, \qquad g ="
    r" \frac{\partial \ell}{\partial \gamma}, \frac{\partial \ell}{\partial \beta}",
    source="000_71a86d20c5337979.txt: “we can use gradient descent, RMS Prop, or adam optimization to update the gamma "
    "and beta”",
    given=TRAINING,
)
def takes_steps_of_rmsprop(bn: Subject, case: Case) -> list[Agreement]:
    """RMSProp moves γ and β as the exact gradients would, from a given average of squares."""
    return _steps(bn, case, optimizers.RMSPROP)


@spec(
    r"p' = \rho_1\,p + (1 - \rho_1)\,g, \quad s' = \rho_2\,s + (1 - \rho_2)\,g^2, \quad \Delta = -\eta\,"
    r"\frac{p' / (1 - \rho_1^t)}{\sqrt{s' / (1 - \rho_2^t)} + \delta}",
    source="000_71a86d20c5337979.txt: “we can use gradient descent, RMS Prop, or adam optimization to update the gamma "
    "and beta”",
    given=TRAINING,
)
def takes_steps_of_adam(bn: Subject, case: Case) -> list[Agreement]:
    """Adam moves γ and β as the exact gradients would, from given averages of gradients and squares."""
    return _steps(bn, case, optimizers.ADAM)


@spec(
    r"\frac{1}{m}\sum_{i=1}^m y_i = \beta, \quad \frac{1}{m}\sum_{i=1}^m (y_i - \beta)^2 = \gamma^2\,"
    r"\frac{\sigma_B^2}{\sigma_B^2 + \varepsilon} \quad\text{for } x \text{ and for } a(x + b)",
    source="000_71a86d20c5337979.txt: “the values z2 can changes, however no matter how they change, the distribution "
    "of the mean and variance stays the same”",
    given=FORWARD,
)
def keeps_its_moments_while_the_input_drifts(bn: Subject, case: Case) -> list[Agreement]:
    """When earlier layers shift and stretch the input, mean and variance of the output stay β and γ², but for ε.

    That the distribution stays as a whole is not claimed: batch normalization fixes two moments and no more.
    """
    drifted = variants.drifted(case)
    y, bound, others = bn(drifted).y, bounds.normalize(drifted, bn.dialect), _others(case)
    beta = np.zeros(case.channels) if case.beta is None else case.beta.astype(np.float64)
    gamma = np.ones(case.channels) if case.gamma is None else case.gamma.astype(np.float64)
    size, error = np.abs(reference.normalize(drifted) - _along(case, beta)), bound.allowance
    mean = agree(
        None if y is None else exact.mean(y, case.axis),
        beta,
        # An average is off by no more than the average of what each value may be off.
        within=Bound(error.mean(axis=others), bound.scale.mean(axis=others), bound.u),
        quantity="mean of y of the drifted input",
    )
    square = agree(
        None if y is None else exact.mean_square(y, case.axis, about=beta),
        exact.share_of_variance(drifted, gamma),
        # (z + e)² - z² = e(2z + e) with z = y - β
        within=Bound((error * (2 * size + error)).mean(axis=others), gamma * gamma, bound.u),
        quantity="variance of y of the drifted input",
    )
    return [mean, square]


def _others(case: Case) -> tuple[int, ...]:
    return tuple(axis for axis in range(case.x.ndim) if axis != case.axis % case.x.ndim)


def _along(case: Case, vector: np.ndarray) -> np.ndarray:
    return along(vector, case.x.ndim, case.axis)
