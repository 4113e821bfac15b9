"""What inference normalizes by."""

import numpy as np

from bnconform import bounds, reference, variants
from bnconform.case import Case
from bnconform.layout import along
from bnconform.spec import Subject, spec
from bnconform.strategies import cases
from bnconform.verdict import Agreement, agree

INFERENCE = cases(mode="infer")


@spec(
    r"y = \frac{\gamma}{\sqrt{\mathrm{Var}[x] + \varepsilon}}\,x + \left(\beta - \frac{\gamma\,\mathrm{E}[x]}"
    r"{\sqrt{\mathrm{Var}[x] + \varepsilon}}\right)",
    source="Ioffe & Szegedy 2015, Algorithm 2, step 11",
    given=INFERENCE,
)
def infers_by_the_running_statistics(bn: Subject, case: Case) -> Agreement:
    """Inference normalizes by the running mean and variance, whatever the batch."""
    return agree(bn(case).y, reference.infer(case), within=bounds.infer(case, bn.dialect), quantity="y")


@spec(
    r"y(x_1;\, x_2, \dots, x_N) = y(x_1;\, x'_2, \dots, x'_N)",
    source="Ioffe & Szegedy 2015, section 3.1: “we want the output to depend only on the input, deterministically”; "
    "000_71a86d20c5337979.txt: “at the test time you might need to process the examples one at a time”",
    given=INFERENCE,
)
def infers_each_example_alone(bn: Subject, case: Case) -> Agreement:
    """In inference the output for one example does not depend on the others of its batch."""
    other = variants.among_others(case)
    expected = bn(other).y
    within = bounds.infer(case, bn.dialect) + bounds.infer(other, bn.dialect)
    if expected is None or case.x.shape[0] == 1:
        return Agreement(quantity="y", missing="y is not offered" if expected is None else "no other example is there")
    first = along(np.arange(case.x.shape[0]) == 0, case.x.ndim, 0)
    return agree(bn(case).y, expected.astype(np.float64), within=within, quantity="y among other examples", where=first)
