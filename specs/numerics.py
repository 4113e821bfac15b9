"""Numerics: an implementation loses no more digits than its declared arithmetic.

Rules: probes, not drawn data, and the bounds for rows in any order; an implementation is held to its declared
arithmetic. The variance is read off the running variance: in y the error of the mean would hide the difference between
algorithms. Nothing is claimed of 16-bit data far from zero, which are no longer distinct there.
"""

from dataclasses import replace

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.contract.dtypes import NARROW, WIDE
from bnconform.engine.agreement import Agreement
from bnconform.engine.sources import OVERVIEW, PAPER
from bnconform.engine.spec import Subject, spec
from bnconform.relations import probes, refusals

TRAINING = cases(mode="train")
INFERENCE = cases(mode="infer")


@spec(
    r"x_i \in \{1,\; 1 + 2^{-7}\}, \;\text{half of each} \quad\Rightarrow\quad \mu_B = 1 + 2^{-8}",
    source="flax.linen.BatchNorm, statistics: “By default, computes in float32 precision for stability in half "
    "precision training”; keras.layers.BatchNormalization, call: “BN is prone to overflow with float16/bfloat16 "
    "inputs, so we upcast to float32”",
    given=TRAINING.where(dtypes=NARROW, why="no wider type than that of the input is declared for the sums"),
)
def accumulates_narrow_input_in_the_declared_type(bn: Subject, case: Case) -> Agreement:
    """The statistics of 16-bit input are accumulated in the wider type that is declared."""
    return probes.sums_of_narrow_input(bn, case)


@spec(
    r"|\hat{\sigma}_B^2 - \sigma_B^2| \le E_v(\kappa), \qquad \kappa = \sqrt{1 + \mu_B^2 / \sigma_B^2} \le 10^4",
    source="flax.linen.BatchNorm, use_fast_variance: “use a faster, but less numerically stable, calculation for the "
    f"variance”; {PAPER}, Algorithm 1: σ_B² is an average of squares of x_i - μ_B",
    given=TRAINING.where(dtypes=WIDE, why="nothing is claimed of 16-bit data far from zero"),
)
def loses_no_more_digits_than_its_algorithm(bn: Subject, case: Case) -> Agreement:
    """The variance of data far from zero loses no more digits than the declared algorithm, in one pass or in two."""
    probe = refusals.taken(bn, probes.far_from_zero(case))
    return replace(bn.agrees(probe, "running_var", quantity="variance of data far from zero"), output="")


@spec(
    r"y_i = \frac{x_i - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}} \quad\text{for}\quad |\mu_B| \le 10^4\,\sigma_B",
    source=f"{OVERVIEW}: “The normalization process involves subtracting the mini-batch mean”, however large",
    given=TRAINING.where(dtypes=WIDE, why="nothing is claimed of 16-bit data far from zero"),
)
def normalizes_data_far_from_zero(bn: Subject, case: Case) -> Agreement:
    """Data up to ten thousand standard deviations away from zero are normalized as well as data near it."""
    probe = refusals.taken(bn, probes.far_from_zero(case))
    return bn.agrees(probe, "y", quantity="y of data far from zero")


@spec(
    r"\left|y_i - \gamma\,\frac{x_i - E[x]}{\sqrt{Var[x] + \varepsilon}} - \beta\right| \le c\,u\,\frac{|\gamma|\,"
    r"(|x_i| + |E[x]|)}{\sqrt{Var[x] + \varepsilon}} + \dots",
    source=f"{PAPER}, section 3.1: “it may further be composed with the scaling by γ and shift by β, to "
    "yield a single linear transform”, which rounds E[x]·a where x - E[x] is exact",
    given=INFERENCE.where(dtypes=WIDE, why="nothing is claimed of 16-bit data far from zero"),
)
def infers_data_far_from_zero(bn: Subject, case: Case) -> Agreement:
    """Inference far from zero may fold the mean into one product and one sum, which costs some digits and no more."""
    return bn.agrees(probes.inference_far_from_zero(case), "y", quantity="y of data far from zero in inference")
