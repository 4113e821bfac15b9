"""What happens where there is nothing to normalize."""

from dataclasses import replace

import numpy as np

from bnconform import bounds
from bnconform.case import Case
from bnconform.layout import along
from bnconform.spec import Subject, spec
from bnconform.strategies import cases
from bnconform.verdict import Agreement, agree, hold

FORWARD = cases(mode="train", gradients=False, statistics=False)
CONSTANT = cases(mode="train", gradients=False, statistics=False, channels="constant")


@spec(
    r"x_1 = \dots = x_m \quad\Rightarrow\quad y_i = \beta",
    source="Ioffe & Szegedy 2015, Algorithm 1, with σ_B² = 0: “ε is a constant added to the mini-batch variance for "
    "numerical stability”",
    given=CONSTANT,
)
def gives_the_shift_for_a_constant_channel(bn: Subject, case: Case) -> Agreement:
    """A channel whose values are all equal gives β."""
    beta = np.zeros(case.channels) if case.beta is None else case.beta.astype(np.float64)
    expected = np.broadcast_to(along(beta, case.x.ndim, case.axis), case.x.shape)
    return agree(bn(case).y, expected, within=bounds.normalize(case, bn.dialect), quantity="y")


@spec(
    r"\sigma_B^2 + \varepsilon > 0 \quad\Rightarrow\quad |y_i| < \infty",
    source="Ioffe & Szegedy 2015, Algorithm 1: “ε is a constant added to the mini-batch variance for numerical "
    "stability”; 003_86331cfb1c25e987.txt: “ε is a small constant added for numerical stability”",
    given=FORWARD,
)
def keeps_finite_values_finite(bn: Subject, case: Case) -> Agreement:
    """Finite values far from overflow give finite outputs: ε keeps the root away from zero and below."""
    y = bn(case).y
    if y is None:
        return Agreement(quantity="finite y", missing="y is not offered")
    # Where a variance that is never negative overflows nothing, nothing excuses a NaN: not even a one-pass variance.
    safe = np.isfinite(bounds.normalize(case, replace(bn.dialect, variance="two-pass")).allowance)
    return hold(np.isfinite(y.astype(np.float64)), quantity="finite y", where=safe)
