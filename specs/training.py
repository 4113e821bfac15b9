"""Training: steps of optimizers, inputs that drift while earlier layers change, whole networks, and the batch's noise.

Rules: an optimizer is no part of an implementation. Its step is computed here, from the implementation's gradients and
from the exact ones, and the bound of the gradients is carried through it. A network is judged call by call, each on its
own input, and its first wrong call ends it; a case with a cotangent is such a call by itself.
"""

from collections.abc import Iterable, Iterator

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.sources import LECTURE, OVERVIEW, QUESTIONS, TUTORIAL
from bnconform.engine.spec import Subject, spec
from bnconform.relations import comparisons, moments, network, noise, optimizers

TRAINING = cases(mode="train")
FORWARD = cases(mode="train", gradients=False, statistics=False)
INPUTS = cases(mode="train", channels="inputs", examples=3)
GAUSSIAN = cases(mode="train", channels="gaussian", gradients=False, examples=2)


@spec(
    r"\gamma' = \gamma - \eta\,\frac{\partial \ell}{\partial \gamma}, \qquad \beta' = \beta - \eta\,"
    r"\frac{\partial \ell}{\partial \beta}",
    source=f"{OVERVIEW}: “the gradients with respect to the parameters gamma and beta are computed and "
    "used to update these parameters using gradient descent”",
    given=TRAINING,
)
def takes_steps_of_gradient_descent(bn: Subject, case: Case) -> list[Agreement]:
    """Gradient descent moves γ and β as the exact gradients would."""
    return optimizers.steps(bn, case, optimizers.GRADIENT_DESCENT)


@spec(
    r"s' = \rho\,s + (1 - \rho)\,g^2, \qquad \Delta = -\eta\,\frac{g}{\sqrt{s'} + \delta}, \qquad g ="
    r" \frac{\partial \ell}{\partial \gamma}, \frac{\partial \ell}{\partial \beta}",
    source=f"{LECTURE}: “we can use gradient descent, RMS Prop, or adam optimization to update the gamma and beta”",
    given=TRAINING,
)
def takes_steps_of_rmsprop(bn: Subject, case: Case) -> list[Agreement]:
    """RMSProp moves γ and β as the exact gradients would, from a given average of squares."""
    return optimizers.steps(bn, case, optimizers.RMSPROP)


@spec(
    r"p' = \rho_1\,p + (1 - \rho_1)\,g, \quad s' = \rho_2\,s + (1 - \rho_2)\,g^2, \quad \Delta = -\eta\,"
    r"\frac{p' / (1 - \rho_1^t)}{\sqrt{s' / (1 - \rho_2^t)} + \delta}",
    source=f"{LECTURE}: “we can use gradient descent, RMS Prop, or adam optimization to update the gamma and beta”",
    given=TRAINING,
)
def takes_steps_of_adam(bn: Subject, case: Case) -> list[Agreement]:
    """Adam moves γ and β as the exact gradients would, from given averages of gradients and squares."""
    return optimizers.steps(bn, case, optimizers.ADAM)


@spec(
    r"\frac{1}{m}\sum_{i=1}^m y_i = \beta, \quad \frac{1}{m}\sum_{i=1}^m (y_i - \beta)^2 = \gamma^2\,"
    r"\frac{\sigma_B^2}{\sigma_B^2 + \varepsilon} \quad\text{for } x \text{ and for } a(x + b)",
    source=f"{LECTURE}: “the values z2 can changes, however no matter how they change, the distribution "
    "of the mean and variance stays the same”",
    given=FORWARD,
)
def keeps_its_moments_while_the_input_drifts(bn: Subject, case: Case) -> list[Agreement]:
    """When earlier layers shift and stretch the input, mean and variance of the output stay β and γ², but for ε.

    That the distribution stays as a whole is not claimed: batch normalization fixes two moments and no more.
    """
    return moments.while_the_input_drifts(bn, case)


@spec(
    r"a_l = \max(0,\,\mathrm{BN}(W_l\,a_{l-1} + b_l)), \qquad \theta' = \theta - \eta\,"
    r"\frac{\partial \ell}{\partial \theta}, \qquad \text{20 times}",
    source=f"{OVERVIEW}: “It is typically inserted after the linear transformation and before the "
    f"activation function in each layer”; {LECTURE}: “we compute z_tilda[i] and pass it to the a[i]”",
    given=INPUTS,
)
def trains_a_network_step_by_step(bn: Subject, case: Case) -> Iterator[Agreement]:
    """A network that normalizes before its activations is trained by right outputs, averages and gradients throughout.

    Each call is compared on its own input. A bound on a whole training outgrows the parameters by step 3.
    """
    return network.calls(bn, case, after=False)


@spec(
    r"a_l = \mathrm{BN}(\max(0,\,W_l\,a_{l-1} + b_l)), \qquad \theta' = \theta - \eta\,"
    r"\frac{\partial \ell}{\partial \theta}, \qquad \text{20 times}",
    source=f"{TUTORIAL}: “in post activation normalization, the BN layer is added after the activation "
    "layer computations are done”, and its listing of a network",
    given=INPUTS,
)
def trains_a_network_normalized_after_the_activation(bn: Subject, case: Case) -> Iterator[Agreement]:
    """A network that normalizes after its activations is trained by right outputs, averages and gradients throughout.

    What a rectifier leaves has many zeros, and a channel may be zero throughout.
    """
    return network.calls(bn, case, after=True)


@spec(
    r"\mu_B \sim N\!\left(\mu, \tfrac{\sigma^2}{m}\right), \qquad \frac{m\,\sigma_B^2}{\sigma^2} \sim \chi^2_{m-1}"
    r" \quad\text{for } x \sim N(\mu, \sigma^2)",
    source=f"{QUESTIONS}: “当batch size过小时不建议使用BN,均值和方差具有较大的随机性”; "
    f"{LECTURE}: “if the mini batch size increases, the regularization effect”",
    given=GAUSSIAN,
)
def varies_with_the_batch_as_its_exact_distribution(bn: Subject, case: Case) -> Iterable[Agreement]:
    """Over random batches of 3, 17 and 65 the mean varies as N(μ, σ²/m) and the variance as χ² of m - 1.

    Few channels say nothing of a distribution: of them the averages themselves are compared.
    """
    return noise.of_averages(bn, case) if noise.enough(case) else comparisons.averages(bn, case)


@spec(
    r"\hat{x}_1\sqrt{\frac{m(m-2)}{m - 1 - \hat{x}_1^2}} \sim t_{m-2} \quad\text{for } x_1 = \mu,\; x_i \sim "
    r"N(\mu, \sigma^2)",
    source=f"{LECTURE}: “This add some noise to the values z[l]”; {OVERVIEW}: “by adding "
    f"noise to the inputs during training”; {QUESTIONS}: “相当于为每一层的数据增加了噪声”",
    given=GAUSSIAN,
)
def adds_the_noise_of_the_other_examples(bn: Subject, case: Case) -> Iterable[Agreement]:
    """The output of a fixed example varies with who is drawn beside it by Student's distribution, less as m grows.

    The example is the mean of the distribution of the others. Few channels say nothing of a distribution: for them the
    outputs themselves are compared.
    """
    return noise.of_a_fixed_example(bn, case) if noise.enough(case) else [comparisons.pointwise(bn, case)]
