"""Normalization in training: by the statistics of the batch, then by scale and shift."""

import numpy as np

from bnconform.cases.strategies import cases
from bnconform.contract.axes import along, to_rows
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree, not_asked, not_offered
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.spec import Subject, equation, spec
from bnconform.oracle import bounds, reference
from bnconform.oracle.bounds import Bound
from bnconform.oracle.notation import Symbols, at_least, sqrt
from bnconform.relations import comparisons, exact, followups

TRAINING = cases(mode="train")
FORWARD = cases(mode="train", gradients=False, statistics=False)


def _others(case: Case) -> tuple[int, ...]:
    return tuple(axis for axis in range(case.x.ndim) if axis != case.axis % case.x.ndim)


def _per_channel(case: Case, vector: np.ndarray) -> np.ndarray:
    return along(vector, case.x.ndim, case.axis)


@equation(
    source="Ioffe & Szegedy 2015, Algorithm 1",
    given=TRAINING,
)
def normalizes_by_the_batch(bn: Outputs, c: Symbols) -> Equation:
    """Training normalizes every value by the mean and the biased variance of its own batch."""
    return bn.y == c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β


@equation(
    source="002_5b274a8f490b787a.txt: “There is a subtle difference between training and inferencing, During training, "
    "it is normalized by σ_B²”",
    given=FORWARD,
    said=r"\text{where no averages are kept}",
)
def needs_no_running_statistics(bn: Outputs, c: Symbols) -> Equation:
    """Training normalizes by the batch in the same way where no running statistics are kept."""
    return bn.y == c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β


@spec(
    r"\mu_B = \frac{1}{m}\sum_{i=1}^m x_i \quad\Rightarrow\quad \frac{1}{m}\sum_{i=1}^m y_i = \beta",
    source="000_71a86d20c5337979.txt: “miu = 1/m * sum(z) <- compute mean”",
    given=TRAINING,
)
def centres_on_the_batch_mean(bn: Subject, case: Case) -> Agreement:
    """The mean that training subtracts is the batch's, so the outputs of a channel average to β."""
    y, bound, others = bn(case).y, bounds.y(case, bn.dialect), _others(case)
    actual = None if y is None else exact.mean(y, case.axis)
    expected = np.zeros(case.channels) if case.beta is None else case.beta.astype(np.float64)
    # An average of values is off by no more than the average of what each of them may be off.
    within = Bound(bound.allowance.mean(axis=others), bound.scale.mean(axis=others))
    return agree(actual, expected, within=within, output="y", quantity="mean of y")


@equation(
    source="002_5b274a8f490b787a.txt: “During training, it is normalized by σ_B² ← 1/m Σ (x_i - μ_B)²”",
    given=TRAINING,
)
def divides_by_the_biased_variance(bn: Outputs, c: Symbols) -> Equation:
    """Training divides by the biased variance: seen where the variance is large beside ε."""
    y = c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β
    return (bn.y == y).where(at_least(c.v, 100 * c.ε))


@equation(
    source="003_86331cfb1c25e987.txt: “x_hat = (x - μ) / sqrt(σ^2 + ε)”",
    given=TRAINING,
)
def adds_epsilon_inside_the_root(bn: Outputs, c: Symbols) -> Equation:
    """ε is added to the variance, inside the root: seen where the variance is comparable to ε."""
    y = c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β
    return (bn.y == y).where(at_least(c.v, 0.01 * c.ε), at_least(100 * c.ε, c.v))


@spec(
    r"y_i = \gamma\,\hat{x}_i + \beta",
    source="003_86331cfb1c25e987.txt: “y = gamma * x_hat + beta”",
    given=FORWARD,
)
def scales_and_shifts(bn: Subject, case: Case) -> Agreement:
    """The output is γ times the output for γ = 1, β = 0, plus β, channel by channel."""
    plain = followups.unscaled(case)
    gamma = np.ones(case.channels) if case.gamma is None else case.gamma.astype(np.float64)
    beta = np.zeros(case.channels) if case.beta is None else case.beta.astype(np.float64)
    y, h = bn(case).y, bn(plain).y
    if h is None:
        return not_offered("y")
    scale = _per_channel(case, gamma)
    error_of_h = np.abs(scale) * bounds.y(plain, bn.dialect).allowance
    expected = exact.scaled(h, scale, _per_channel(case, beta))
    return agree(y, expected, within=bounds.y(case, bn.dialect) + error_of_h, output="y")


@spec(
    r"\frac{1}{m}\sum_{i=1}^m \hat{x}_i = 0, \qquad \frac{1}{m}\sum_{i=1}^m \hat{x}_i^2 ="
    r" \frac{\sigma_B^2}{\sigma_B^2 + \varepsilon}",
    source="Ioffe & Szegedy 2015, section 3: mean 0 and variance 1 “if we neglect ε”; here ε is not neglected",
    given=FORWARD,
)
def has_normalized_moments(bn: Subject, case: Case) -> list[Agreement]:
    """Normalized values have mean 0 and variance σ²/(σ² + ε), not 1."""
    plain, others = followups.unscaled(case), _others(case)
    h, bound = bn(plain).y, bounds.y(plain, bn.dialect)
    error, size = bound.allowance, np.abs(reference.normalized(plain))
    mean = agree(
        None if h is None else exact.mean(h, case.axis),
        np.zeros(case.channels),
        within=Bound(error.mean(axis=others), bound.scale.mean(axis=others)),
        quantity="mean of the normalized values",
    )
    square = agree(
        None if h is None else exact.mean_square(h, case.axis),
        exact.share_of_variance(plain),
        # (h + e)² - h² = e(2h + e)
        within=Bound((error * (2 * size + error)).mean(axis=others), np.ones(case.channels)),
        quantity="variance of the normalized values",
    )
    return [mean, square]


@spec(
    r"\gamma = \sqrt{\sigma_B^2 + \varepsilon},\; \beta = \mu_B \quad\Rightarrow\quad y_i = x_i",
    source="000_71a86d20c5337979.txt: “if gamma = sqrt(std_deviation^2 + epsilon) and beta = miu, then z_tilda(i) = "
    "z(i)”",
    given=FORWARD,
)
def restores_its_input(bn: Subject, case: Case) -> Agreement:
    """With γ = √(σ² + ε) and β = μ, training gives back its input."""
    undone = followups.restoring(case)
    x = undone.x.astype(np.float64)
    # γ and β are rounded to their dtype, which moves the exact output away from x by a known amount.
    within = bounds.y(undone, bn.dialect) + np.abs(reference.y(undone) - x)
    return agree(bn(undone).y, x, within=within, output="y", quantity="y for γ = √(σ² + ε), β = μ")


@spec(
    r"\gamma = \sigma_B,\; \beta = \mu_B \quad\Rightarrow\quad y_i = x_i + (x_i - \mu_B)"
    r"\left(\sqrt{\frac{\sigma_B^2}{\sigma_B^2 + \varepsilon}} - 1\right)",
    source="002_5b274a8f490b787a.txt: “当γ²=σ², β=μ时是一个原始分布的等价变换” (γ² = σ², β = μ give back the "
    "original), which holds for ε = 0 only: 000_71a86d20c5337979.txt has γ = √(σ² + ε)",
    given=TRAINING,
)
def falls_short_of_its_input_without_epsilon_in_the_scale(bn: Subject, case: Case) -> Agreement:
    """With γ² = σ² and β = μ, training misses its input by d(√(σ²/(σ² + ε)) - 1), which ε decides."""
    undone = followups.restoring_without_epsilon(case)
    expected = exact.short_of_input(undone)
    # γ and β are rounded to their dtype, which moves the exact output by a known amount.
    within = bounds.y(undone, bn.dialect) + np.abs(reference.y(undone) - expected)
    return agree(bn(undone).y, expected, within=within, output="y", quantity="y for γ = σ, β = μ")


@spec(
    r"\frac{1}{m}\sum_{i=1}^m y_i = \beta, \qquad \frac{1}{m}\sum_{i=1}^m (y_i - \beta)^2 ="
    r" \frac{\gamma^2\sigma_B^2}{\sigma_B^2 + \varepsilon}",
    source="000_71a86d20c5337979.txt: “some fixed mean and variance […] controlled by these parameters gamma and beta”",
    given=TRAINING,
)
def sets_the_moments_of_its_output(bn: Subject, case: Case) -> list[Agreement]:
    """γ and β set the moments of the output: mean β and variance γ²σ²/(σ² + ε)."""
    return comparisons.moments_about_the_shift(bn, case)


@spec(
    r"y_{nchw} = \mathrm{BN}(x)_{nchw} = \mathrm{BN}(X)_{(nhw)\,c}, \qquad X_{(nhw)\,c} = x_{nchw}",
    source="002_5b274a8f490b787a.txt: “BN层计算参数时将整个输入的feature map当做一个特征进行处理” (a whole feature map "
    "counts as one feature); Ioffe & Szegedy 2015, section 3.2",
    given=TRAINING,
)
def takes_a_feature_map_as_one_feature(bn: Subject, case: Case) -> Agreement:
    """The statistics of a feature map are over N·H·W: the output is that of a matrix with a row for each pixel."""
    if case.x.ndim != 4:
        return not_asked("the input holds no feature maps", quantity="y")
    matrix = followups.as_matrix(case)
    return comparisons.same_output(bn, case, matrix, quantity="y of the matrix", moved=lambda t: to_rows(t, case.axis))


@spec(
    r"\mathrm{BN}_{k'}(\tau x) = \tau\,\mathrm{BN}_k(x), \qquad \tau : \text{axis } k \to k'",
    source="Ioffe & Szegedy 2015, section 3: “we will normalize each scalar feature independently”, wherever it stands",
    given=TRAINING,
)
def follows_the_channel_axis(bn: Subject, case: Case) -> Agreement:
    """Moving the channels to another axis moves the outputs there and changes none of them."""
    if case.x.ndim > 4:
        return not_asked("of ranks up to 4 only, as each shape costs some a compilation", quantity="y")
    moved, axis = followups.on_next_axis(case), followups.next_axis(case)
    quantity = "y with the channels on another axis"
    return comparisons.same_output(bn, case, moved, quantity=quantity, moved=lambda t: np.moveaxis(t, case.axis, axis))


@spec(
    r"\mathtt{out} = \mathtt{gamma * ((x - x.mean(axis=0)) / sqrt(x.var(axis=0) + eps)) + beta}",
    source="001_f7f910d86693ea68.txt: the listing “def batchnorm(x, gamma, beta, eps=1e-5)”",
    given=TRAINING,
)
def follows_the_listing(bn: Subject, case: Case) -> Agreement:
    """The output is what the listing of document 001 gives if nothing is rounded, a row for each value of a channel."""
    return agree(bn(case).y, exact.listing(case), within=bounds.y(case, bn.dialect), output="y")


@spec(
    r"y_{ntc} = \gamma_c\,\frac{x_{ntc} - \mu_{tc}}{\sqrt{\sigma_{tc}^2 + \varepsilon}} + \beta_c, \qquad"
    r" \mathrm{BN}(X)_{n\,(tc)} = \mathrm{BN}(x_t)_{nc}",
    source="002_5b274a8f490b787a.txt: “在RNN中,每个时间点的数据分布不同,需要为每个time-step进行归一化” (each time step "
    "has a distribution of its own and is normalized by itself); 003_86331cfb1c25e987.txt: “recurrent layers”",
    given=TRAINING,
)
def normalizes_each_time_step_alone(bn: Subject, case: Case) -> Agreement:
    """The statistics of a sequence are per time step: with T·C channels at once or step by step the output is one."""
    if case.x.ndim not in (3, 5) or case.x.shape[0] < 2:
        return not_asked("the input holds no sequences, or a single one", quantity="y")
    whole, alone = followups.time_steps_as_channels(case), followups.time_steps(case)
    quantity, y, parts = "y of time steps as channels", bn(whole).y, [bn(step).y for step in alone]
    if y is None or any(part is None for part in parts):
        return not_offered("y", quantity=quantity)
    at_once, bound = followups.as_sequence(case, y), bounds.y(whole, bn.dialect)
    # What a step by itself may be off adds to what it may be off among the others.
    more = followups.joined(case, [bounds.y(step, bn.dialect).allowance for step in alone])
    within = Bound(
        followups.as_sequence(case, bound.allowance) + more, followups.as_sequence(case, bound.scale), bound.u
    )
    one_by_one = followups.joined(case, [np.asarray(part).astype(np.float64) for part in parts])
    return agree(at_once, one_by_one, within=within, output="y", quantity=quantity)
