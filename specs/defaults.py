"""What an implementation takes for an argument that is left out of the call: what it documents as the default.

Rules: one argument is left out at a time, and the case holds what is documented for it; an implementation has a part in
this where it documents a default at all. A default that everybody shares is not claimed: there is none.
"""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.spec import Subject, spec
from bnconform.relations import comparisons

ENOUGH = 8  # a default is taken or it is not, and each layout costs some a compilation
TRAINING = cases(mode="train", gradients=False, manner="default_eps", examples=ENOUGH)
INFERENCE = cases(mode="infer", gradients=False, manner="default_eps", examples=ENOUGH)
AVERAGING = cases(mode="train", gradients=False, manner="default_momentum", examples=ENOUGH)
SIGNATURE = "The signature in the implementation's own documentation, to which the table of choices links"


@spec(
    r"y = \gamma\,\frac{x - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon_0}} + \beta",
    source=SIGNATURE + "; Ioffe & Szegedy 2015, Algorithm 1: ε is “a constant”, and no value is given",
    given=TRAINING,
)
def trains_with_its_documented_epsilon(bn: Subject, case: Case) -> Agreement:
    """An ε that is left out in training is the default ε₀ that is documented."""
    return comparisons.pointwise(bn, case)


@spec(
    r"y = \gamma\,\frac{x - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] + \varepsilon_0}} + \beta",
    source=SIGNATURE + "; Ioffe & Szegedy 2015, Algorithm 2, step 11",
    given=INFERENCE,
)
def infers_with_its_documented_epsilon(bn: Subject, case: Case) -> Agreement:
    """An ε that is left out in inference is the default ε₀ that is documented."""
    return bn.agrees(case, "y")


@spec(
    r"\mu' = (1 - \omega_0)\,\mu + \omega_0\,\mu_B, \qquad"
    r" {\sigma^2}' = (1 - \omega_0)\,{\sigma^2} + \omega_0\,s_B^2",
    source=SIGNATURE + ", whether it weighs the new statistics or the old",
    given=AVERAGING,
)
def averages_with_its_documented_momentum(bn: Subject, case: Case) -> list[Agreement]:
    """A momentum that is left out is the documented one, and ω₀ the weight that it gives to the new statistics."""
    return comparisons.averages(bn, case)
