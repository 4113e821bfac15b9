"""What flows through the statistics themselves: the batch's where they are returned, the running ones in inference."""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.spec import Subject, spec

RETURNED = cases(mode="train", statistics=False, derivatives="batch_statistics")
RUNNING = cases(mode="infer", derivatives="running_gradients")
MOMENTS = "Ioffe & Szegedy 2015, Algorithm 1: “mini-batch mean”, “mini-batch variance”"
CHAIN_RULE = "Ioffe & Szegedy 2015, section 3: the chain rule through μ_B and σ_B²"
FIXED = "Ioffe & Szegedy 2015, Algorithm 2, step 11: y is a function of E[x] and Var[x], too"


@spec(
    r"\mu_B = \frac{1}{m}\sum_i x_i",
    source=MOMENTS,
    given=RETURNED,
)
def returns_the_mean_of_the_batch(bn: Subject, case: Case) -> Agreement:
    """The mean that is returned beside y is that of the batch."""
    return bn.agrees(case, "batch_mean")


@spec(
    r"\sigma_B^2 = \frac{1}{m}\sum_i (x_i - \mu_B)^2",
    source=MOMENTS,
    given=RETURNED,
)
def returns_the_variance_of_the_batch(bn: Subject, case: Case) -> Agreement:
    """The variance that is returned beside y is the biased one of the batch."""
    return bn.agrees(case, "batch_var")


@spec(
    r"\frac{\partial\ell}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma_B^2 + \varepsilon}}\,P(g)_i + \frac{1}{m}\,"
    r"\frac{\partial\ell}{\partial\mu_B} + \frac{2\,(x_i - \mu_B)}{m}\,\frac{\partial\ell}{\partial\sigma_B^2}",
    source=CHAIN_RULE + ", where a loss depends on them otherwise than by y as well",
    given=RETURNED,
)
def sends_gradients_through_returned_statistics(bn: Subject, case: Case) -> Agreement:
    """What a loss asks of the returned mean and variance reaches x, beside what it asks of y."""
    return bn.agrees(case, "dx")


@spec(
    r"\frac{\partial\ell}{\partial\,\mathrm{E}[x]} = -\frac{\gamma}{\sqrt{\mathrm{Var}[x] + \varepsilon}}\sum_i g_i",
    source=FIXED,
    given=RUNNING,
)
def sends_a_true_gradient_to_the_running_mean(bn: Subject, case: Case) -> Agreement:
    """In inference the running mean gets a true gradient, if it gets one."""
    return bn.agrees(case, "drunning_mean")


@spec(
    r"\frac{\partial\ell}{\partial\,\mathrm{Var}[x]} = -\frac{\gamma}{2\,(\mathrm{Var}[x] + \varepsilon)^{3/2}}"
    r"\sum_i g_i\,(x_i - \mathrm{E}[x])",
    source=FIXED,
    given=RUNNING,
)
def sends_a_true_gradient_to_the_running_variance(bn: Subject, case: Case) -> Agreement:
    """In inference the running variance gets a true gradient, if it gets one."""
    return bn.agrees(case, "drunning_var")
