"""The statements of training and inference at the sizes of real layers, and around the sizes where kernels change.

The data are zero but for a few sentinels, so that one row, block, tail or thread's share that is lost or counted twice
shows in every output, and the bounds hardly grow with the number of values.
"""

from collections.abc import Iterable

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.large import sizes
from bnconform.engine.sources import PAPER
from bnconform.engine.spec import Subject, spec

TRAINING = cases(mode="train", channels="sentinels", examples=6)
INFERENCE = cases(mode="infer", channels="sentinels", examples=3)
EACH_CHANNEL = f"{PAPER}, section 3.2: m' = |B| = m·p·q values for feature maps of size p × q, whatever m, p and q are"


@spec(
    r"y_i = \gamma\,\frac{x_i - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}} + \beta, \qquad i = 1, \dots, m",
    source=f"{PAPER}, Algorithm 1; {EACH_CHANNEL}",
    given=TRAINING,
)
def normalizes_batches_of_any_size(bn: Subject, case: Case) -> Iterable[Agreement]:
    """Training normalizes every value of a large batch, or of many channels, by all values of its channel."""
    return sizes.outputs(bn, case, "y")


@spec(
    r"\frac{\partial \ell}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma_B^2 + \varepsilon}}\left(g_i -"
    r" \frac{1}{m}\sum_{j=1}^m g_j - \frac{\hat{x}_i}{m}\sum_{j=1}^m g_j\hat{x}_j\right), \qquad i = 1, \dots, m",
    source=f"{PAPER}, section 3: the chain rule through μ_B and σ_B²; {EACH_CHANNEL}",
    given=TRAINING,
)
def sends_gradients_through_large_batches(bn: Subject, case: Case) -> Iterable[Agreement]:
    """The gradient of x reaches every value of a large batch, through the statistics of all of them."""
    return sizes.outputs(bn, case, "dx")


@spec(
    r"\frac{\partial \ell}{\partial \gamma} = \sum_{i=1}^m g_i\hat{x}_i, \qquad"
    r" \frac{\partial \ell}{\partial \beta} = \sum_{i=1}^m g_i",
    source=f"{PAPER}, section 3: ∂ℓ/∂γ and ∂ℓ/∂β; {EACH_CHANNEL}",
    given=TRAINING,
)
def sums_gradients_over_large_batches(bn: Subject, case: Case) -> Iterable[Agreement]:
    """The gradients of γ and β are sums over all values of a large batch, each of which counts once."""
    return sizes.outputs(bn, case, "dgamma", "dbeta")


@spec(
    r"\mathrm{E}' = (1 - \omega)\,\mathrm{E} + \omega\mu_B, \qquad"
    r" \mathrm{Var}' = (1 - \omega)\,\mathrm{Var} + \omega\,\frac{m}{m - 1}\sigma_B^2",
    source=f"{PAPER}, section 3.1: moving averages; Algorithm 2; {EACH_CHANNEL}",
    given=TRAINING,
)
def averages_statistics_of_large_batches(bn: Subject, case: Case) -> Iterable[Agreement]:
    """The running statistics take up the mean and the variance of all values of a large batch."""
    return sizes.outputs(bn, case, "running_mean", "running_var")


@spec(
    r"y_i = \gamma\,\frac{x_i - \mathrm{E}}{\sqrt{\mathrm{Var} + \varepsilon}} + \beta, \qquad i = 1, \dots, m",
    source=f"{PAPER}, Algorithm 2, inference; {EACH_CHANNEL}",
    given=INFERENCE,
)
def infers_inputs_of_any_size(bn: Subject, case: Case) -> Iterable[Agreement]:
    """Inference normalizes every value of a large input by the running statistics of its channel."""
    return sizes.outputs(bn, case, "y")


@spec(
    r"\frac{\partial \ell}{\partial x_i} = \frac{\gamma\,g_i}{\sqrt{\mathrm{Var} + \varepsilon}}, \qquad"
    r" \frac{\partial \ell}{\partial \gamma} = \sum_{i=1}^m g_i\hat{x}_i, \qquad"
    r" \frac{\partial \ell}{\partial \beta} = \sum_{i=1}^m g_i",
    source=f"{PAPER}, section 3.1: in inference the transform is linear, its statistics fixed; {EACH_CHANNEL}",
    given=INFERENCE,
)
def sends_gradients_past_statistics_at_any_size(bn: Subject, case: Case) -> Iterable[Agreement]:
    """In inference the gradients of a large input are those of a linear function, summed over all its values."""
    return sizes.outputs(bn, case, "dx", "dgamma", "dbeta")
