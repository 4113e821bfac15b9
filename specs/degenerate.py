"""What happens where there is nothing to normalize."""

import numpy as np

from bnconform import bounds
from bnconform.case import Case
from bnconform.layout import along
from bnconform.spec import Subject, spec
from bnconform.strategies import cases
from bnconform.verdict import Agreement, agree

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
