"""The running mean and the running variance after training steps."""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import LECTURE, PAPER, QUESTIONS, TUTORIAL
from bnconform.engine.spec import Subject, equation, spec
from bnconform.oracle.notation import Symbols
from bnconform.relations import averages, followups

TRAINING = cases(mode="train")
INFERENCE = cases(mode="infer")


def _unbiased_variance(bn: Outputs, c: Symbols) -> Equation:
    """Returns the equation of the unbiased variance, from which an implementation may declare to depart."""
    biased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.v
    unbiased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.m / (c.m - 1) * c.v
    return unbiased.unless_declared("running_var", biased)


@equation(
    source=f"{LECTURE}: “take the running average of exponentially weighted averages over the mean and variance”",
    given=TRAINING,
)
def averages_the_running_mean(bn: Outputs, c: Symbols) -> Equation:
    """A training step moves the running mean towards the batch's by the weight of the new value."""
    return bn.running_mean == (1 - c.ω) * c.E + c.ω * c.μ


@equation(
    source=f"{PAPER}, section 3.1; {QUESTIONS}: “Var[x] ← m/(m-1) E_B[σ_B²]”",
    given=TRAINING,
)
def averages_the_unbiased_variance(bn: Outputs, c: Symbols) -> Equation:
    """A training step moves the running variance towards the unbiased variance of the batch."""
    return _unbiased_variance(bn, c)


@spec(
    r"\mathrm{E}[x] = \frac{1}{k}\sum_{j=1}^k \mu_{B_j} \quad\text{with}\quad \omega_j = \tfrac{1}{j}",
    source=f"{PAPER}, Algorithm 2, step 10: “E[x] ← E_B[μ_B]”; {QUESTIONS}: “保留训练时每个batch的均值与方差”",
    given=TRAINING,
)
def averages_the_means_of_all_batches(bn: Subject, case: Case) -> Agreement:
    """With weight 1/k at step k the running mean is the plain average over the batches, whatever it was before."""
    return averages.mean_over_batches(bn, case)


@spec(
    r"\mathrm{Var}[x] = \frac{m}{m-1}\cdot\frac{1}{k}\sum_{j=1}^k \sigma_{B_j}^2 \quad\text{with}\quad \omega_j ="
    r" \tfrac{1}{j}",
    source=f"{QUESTIONS}: “Var[x] ← m/(m-1) E_B[σ_B²]”; {PAPER}, Algorithm 2, step 10",
    given=TRAINING,
)
def averages_the_variances_of_all_batches(bn: Subject, case: Case) -> Agreement:
    """With weight 1/k at step k the running variance is m/(m - 1) times the average of the biased variances."""
    return averages.variance_over_batches(bn, case)


@spec(
    r"\mu^{(k)} = (1 - \omega)^k\,\mu^{(0)} + \omega\sum_{j=1}^k (1 - \omega)^{k-j}\,\mu_{B_j}",
    source=f"{LECTURE}: “take the running average of exponentially weighted averages over the mean and variance”",
    given=TRAINING,
)
def forgets_the_mean_exponentially(bn: Subject, case: Case) -> Agreement:
    """After k steps of one weight every batch's mean counts by its age, and what was there before by (1 - ω)^k."""
    return averages.mean_by_age(bn, case)


@spec(
    r"{\sigma^2}^{(k)} = (1 - \omega)^k\,{\sigma^2}^{(0)} + \omega\,\frac{m}{m-1}\sum_{j=1}^k (1 - \omega)^{k-j}\,"
    r"\sigma_{B_j}^2",
    source=f"{LECTURE}: “take the running average of exponentially weighted averages over the mean and variance”",
    given=TRAINING,
)
def forgets_the_variance_exponentially(bn: Subject, case: Case) -> Agreement:
    """After k steps of one weight every batch's unbiased variance counts by its age, what was there by (1 - ω)^k."""
    return averages.variance_by_age(bn, case)


@spec(
    r"\mu' = \mu, \qquad {\sigma^2}' = \sigma^2 \quad\text{in inference}",
    source=f"{PAPER}, section 3.1: “Since the means and variances are fixed during inference”",
    given=INFERENCE,
)
def leaves_the_statistics_alone_in_inference(bn: Subject, case: Case) -> list[Agreement]:
    """Inference changes neither running mean nor running variance, not by a bit."""
    return averages.left_alone(bn, case)


@equation(
    source=f"{PAPER}, Algorithm 2, steps 8 to 10: the averages are of the forward pass alone",
    given=TRAINING,
    asked=followups.forward_only,
    said=r"\text{without}\; g",
)
def averages_without_a_backward_pass(bn: Outputs, c: Symbols) -> list[Equation]:
    """A training step updates the running statistics in its forward pass, whether gradients are asked for or not."""
    mean = bn.running_mean == (1 - c.ω) * c.E + c.ω * c.μ
    variance = _unbiased_variance(bn, c)
    return [mean.called("running_mean, forward only"), variance.called("running_var, forward only")]


@spec(
    r"\frac{\partial y}{\partial \mu} = \frac{\partial y}{\partial \sigma^2} = 0, \quad"
    r" \frac{\partial \ell}{\partial x}, \frac{\partial \ell}{\partial \gamma}, \frac{\partial \ell}"
    r"{\partial \beta} \text{ free of } \mu, \sigma^2 \text{ in training}",
    source=f"{QUESTIONS}: “BN层的训练参数限定为γ和β”, against {TUTORIAL}: “All these "
    "parameters like M, S, F and B are all trainable”",
    given=TRAINING,
)
def trains_without_the_running_statistics(bn: Subject, case: Case) -> list[Agreement]:
    """Nothing that training returns but the averages depends on the running statistics: only γ and β are trainable.

    The documents contradict each other. A quantity on which nothing depends has the gradient zero, so training cannot
    move it: document 002 holds. That a framework lists no gradient for it is not visible from outside and not claimed.
    """
    return averages.free_of_the_averages(bn, case)
