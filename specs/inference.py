"""Inference: normalization by the running statistics."""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import LECTURE, PAPER, RENORMALIZATION
from bnconform.engine.spec import Subject, equation, spec
from bnconform.oracle import bounds
from bnconform.oracle.notation import Symbols, sqrt
from bnconform.relations import chains, examples, folding, followups

INFERENCE = cases(mode="infer")
TRAINING = cases(mode="train")


@equation(
    source=f"{PAPER}, Algorithm 2, step 11",
    given=INFERENCE,
)
def infers_by_the_running_statistics(bn: Outputs, c: Symbols) -> Equation:
    """Inference normalizes by the running mean and variance, whatever the batch."""
    return bn.y == c.γ * (c.x - c.E) / sqrt(c.Var + c.ε) + c.β


@spec(
    r"y(x_1;\, x_2, \dots, x_N) = y(x_1;\, x'_2, \dots, x'_N)",
    source=f"{PAPER}, section 3.1: “we want the output to depend only on the input, deterministically”; "
    f"{LECTURE}: “the test time you might need to process the examples one at a time”",
    given=INFERENCE.where(examples=2, why="no other example is there"),
)
def infers_each_example_alone(bn: Subject, case: Case) -> Agreement:
    """In inference the output for one example does not depend on the others of its batch."""
    return examples.among_others(bn, case)


@spec(
    r"y(x) = a\,x + y(0), \qquad a = \frac{\gamma}{\sqrt{\mathrm{Var}[x] + \varepsilon}}",
    source=f"{PAPER}, section 3.1: “the normalization is simply a linear transform applied to each activation”",
    given=INFERENCE,
)
def folds_into_one_linear_map(bn: Subject, case: Case) -> Agreement:
    """Inference is one linear map of each channel: what it gives for x lies a·x above what it gives for 0."""
    zero = followups.at_zero(case)
    expected, within = (
        folding.above(case, bn.output(zero, "y")),
        bounds.y(case, bn.dialect) + bounds.y(zero, bn.dialect),
    )
    return agree(bn(case).y, expected, within=within, output="y", quantity="y above the one for 0")


@spec(
    r"\gamma\,\frac{(wz + b) - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] + \varepsilon}} + \beta = (a\,w)\,z +"
    r" (a\,b + \beta - a\,\mathrm{E}[x])",
    source=f"{PAPER}, section 3.1: “It may further be composed with the scaling by γ and shift by β, to "
    "yield a single linear transform”",
    given=INFERENCE,
)
def folds_into_the_layer_before(bn: Subject, case: Case) -> Agreement:
    """Inference after a layer w·z + b is a layer of its own, with the weight a·w and the bias a·b + β - a·E[x]."""
    layered, drift = folding.behind_a_layer(case)
    within = bounds.y(layered, bn.dialect) + drift
    expected, quantity = folding.folded_layer(case), "y behind a linear layer"
    return agree(bn(layered).y, expected, within=within, output="y", quantity=quantity)


@spec(
    r"y(x_1) = y(x_1, \dots, x_N)_1",
    source=f"{LECTURE}: “the test time you might need to process the examples one at a time”",
    given=INFERENCE.where(examples=2, why="the batch is of one example"),
)
def infers_a_single_example(bn: Subject, case: Case) -> Agreement:
    """In inference a batch of one example gives what the example gives in a larger batch."""
    return examples.by_itself(bn, case)


@spec(
    r"y = \gamma\,\frac{x - \mu'}{\sqrt{{\sigma^2}' + \varepsilon}} + \beta, \qquad \mu', {\sigma^2}' \text{ from a"
    r" training step}",
    source=f"{LECTURE}: “What we can do is to take the running average of exponentially "
    "weighted averages over the mean and variance”",
    given=TRAINING,
)
def infers_by_what_training_averaged(bn: Subject, case: Case) -> Agreement:
    """Inference after a training step normalizes by the running statistics that the step returned."""
    return chains.output_after_a_step(bn, case)


@spec(
    r"\frac{x - \mu}{\sigma} = \frac{x - \mu_B}{\sigma_B}\,r + d, \qquad r = \frac{\sigma_B}{\sigma},\;"
    r" d = \frac{\mu_B - \mu}{\sigma}",
    source=f"{RENORMALIZATION}, section 3: x̂ of inference from x̂ of training by r and d",
    given=TRAINING,
)
def drifts_from_training_by_r_and_d(bn: Subject, case: Case) -> Agreement:
    """Inference differs from training by a scale r and a shift d of the normalized values, and by nothing else."""
    return folding.drifted(bn, case)
