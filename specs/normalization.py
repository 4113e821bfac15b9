"""Normalization in training: by the statistics of the batch, then by scale and shift."""

from bnconform.cases.strategies import cases
from bnconform.contract.axes import to_rows
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import LECTURE, OVERVIEW, PAPER, QUESTIONS, TUTORIAL
from bnconform.engine.spec import Subject, equation, spec
from bnconform.oracle import bounds
from bnconform.oracle.notation import Symbols, at_least, sqrt
from bnconform.relations import affine, comparisons, exact, examples, followups, moments

TRAINING = cases(mode="train")
FORWARD = cases(mode="train", gradients=False, statistics=False)


@equation(
    source=f"{PAPER}, Algorithm 1",
    given=TRAINING,
)
def normalizes_by_the_batch(bn: Outputs, c: Symbols) -> Equation:
    """Training normalizes every value by the mean and the biased variance of its own batch."""
    return bn.y == c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β


@equation(
    source=f"{QUESTIONS}: “There is a subtle difference between training and inferencing, During training, "
    "it is normalized by σ_B²”",
    given=FORWARD,
    said=r"\text{where no averages are kept}",
)
def needs_no_running_statistics(bn: Outputs, c: Symbols) -> Equation:
    """Training normalizes by the batch in the same way where no running statistics are kept."""
    return bn.y == c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β


@spec(
    r"\mu_B = \frac{1}{m}\sum_{i=1}^m x_i \quad\Rightarrow\quad \frac{1}{m}\sum_{i=1}^m y_i = \beta",
    source=f"{LECTURE}: “miu = 1/m * sum(z) <- compute mean”",
    given=TRAINING,
)
def centres_on_the_batch_mean(bn: Subject, case: Case) -> Agreement:
    """The mean that training subtracts is the batch's, so the outputs of a channel average to β."""
    return moments.mean_of_output(bn, case)


@equation(
    source=f"{QUESTIONS}: “During training, it is normalized by σ_B² ← 1/m Σ_i^m (x_i - μ_B)²”",
    given=TRAINING,
)
def divides_by_the_biased_variance(bn: Outputs, c: Symbols) -> Equation:
    """Training divides by the biased variance: seen where the variance is large beside ε."""
    y = c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β
    return (bn.y == y).where(at_least(c.v, 100 * c.ε))


@equation(
    source=f"{OVERVIEW}: “x_hat = (x - μ) / sqrt(σ^2 + ε)”",
    given=TRAINING,
)
def adds_epsilon_inside_the_root(bn: Outputs, c: Symbols) -> Equation:
    """ε is added to the variance, inside the root: seen where the variance is comparable to ε."""
    y = c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β
    return (bn.y == y).where(at_least(c.v, 0.01 * c.ε), at_least(100 * c.ε, c.v))


@spec(
    r"y_i = \gamma\,\hat{x}_i + \beta",
    source=f"{OVERVIEW}: “y = gamma * x_hat + beta”",
    given=FORWARD,
)
def scales_and_shifts(bn: Subject, case: Case) -> Agreement:
    """The output is γ times the output for γ = 1, β = 0, plus β, channel by channel."""
    return affine.by_hand(bn, case)


@spec(
    r"\frac{1}{m}\sum_{i=1}^m \hat{x}_i = 0, \qquad \frac{1}{m}\sum_{i=1}^m \hat{x}_i^2 ="
    r" \frac{\sigma_B^2}{\sigma_B^2 + \varepsilon}",
    source=f"{PAPER}, section 3: mean 0 and variance 1 “if we neglect ε”; here ε is not neglected",
    given=FORWARD,
)
def has_normalized_moments(bn: Subject, case: Case) -> list[Agreement]:
    """Normalized values have mean 0 and variance σ²/(σ² + ε), not 1."""
    return moments.normalized(bn, case)


@spec(
    r"\gamma = \sqrt{\sigma_B^2 + \varepsilon},\; \beta = \mu_B \quad\Rightarrow\quad y_i = x_i",
    source=f"{LECTURE}: “if gamma = sqrt(std_deviation^2 + epsilon) and beta = miu, then z_tilda(i) = z(i)”",
    given=FORWARD,
)
def restores_its_input(bn: Subject, case: Case) -> Agreement:
    """With γ = √(σ² + ε) and β = μ, training gives back its input."""
    return affine.restored(bn, case)


@spec(
    r"\gamma = \sigma_B,\; \beta = \mu_B \quad\Rightarrow\quad y_i = x_i + (x_i - \mu_B)"
    r"\left(\sqrt{\frac{\sigma_B^2}{\sigma_B^2 + \varepsilon}} - 1\right)",
    source=f"{QUESTIONS}: “当γ²=σ², β=μ时是一个原始分布的等价变换” (γ² = σ², β = μ give back the "
    f"original), which holds for ε = 0 only: {LECTURE} has γ = √(σ² + ε)",
    given=TRAINING,
)
def falls_short_of_its_input_without_epsilon_in_the_scale(bn: Subject, case: Case) -> Agreement:
    """With γ² = σ² and β = μ, training misses its input by d(√(σ²/(σ² + ε)) - 1), which ε decides."""
    return affine.restored_but_for_epsilon(bn, case)


@spec(
    r"\frac{1}{m}\sum_{i=1}^m y_i = \beta, \qquad \frac{1}{m}\sum_{i=1}^m (y_i - \beta)^2 ="
    r" \frac{\gamma^2\sigma_B^2}{\sigma_B^2 + \varepsilon}",
    source=f"{LECTURE}: “some fixed mean and variance […] controlled by these parameters gamma and beta”",
    given=TRAINING,
)
def sets_the_moments_of_its_output(bn: Subject, case: Case) -> list[Agreement]:
    """γ and β set the moments of the output: mean β and variance γ²σ²/(σ² + ε)."""
    return moments.about_the_shift(bn, case)


@spec(
    r"y_{nchw} = \mathrm{BN}(x)_{nchw} = \mathrm{BN}(X)_{(nhw)\,c}, \qquad X_{(nhw)\,c} = x_{nchw}",
    source=f"{QUESTIONS}: “BN层计算参数时将整个输入的feature map当做一个特征进行处理” (a whole feature map "
    f"counts as one feature); {PAPER}, section 3.2",
    given=TRAINING.where(ranks={4}, why="the input holds no feature maps"),
)
def takes_a_feature_map_as_one_feature(bn: Subject, case: Case) -> Agreement:
    """The statistics of a feature map are over N·H·W: the output is that of a matrix with a row for each pixel."""
    matrix = followups.as_matrix(case)
    return comparisons.same_output(bn, case, matrix, quantity="y of the matrix", moved=lambda t: to_rows(t, case.axis))


@spec(
    r"\mathrm{BN}_{k'}(\tau x) = \tau\,\mathrm{BN}_k(x), \qquad \tau : \text{axis } k \to k'",
    source=f"{PAPER}, section 3: “we will normalize each scalar feature independently”, wherever it stands",
    given=TRAINING.where(ranks={2, 3, 4}, why="of ranks up to 4 only, as each shape costs some a compilation"),
)
def follows_the_channel_axis(bn: Subject, case: Case) -> Agreement:
    """Moving the channels to another axis moves the outputs there and changes none of them."""
    return comparisons.on_another_axis(bn, case)


@spec(
    r"\mathtt{out} = \mathtt{gamma * ((x - x.mean(axis=0)) / sqrt(x.var(axis=0) + eps)) + beta}",
    source=f"{TUTORIAL}: the listing “def batchnorm(x, gamma, beta, eps=1e-5)”",
    given=TRAINING,
)
def follows_the_listing(bn: Subject, case: Case) -> Agreement:
    """The output is what the listing of document 001 gives if nothing is rounded, a row for each value of a channel."""
    return agree(bn(case).y, exact.listing(case), within=bounds.y(case, bn.dialect), output="y")


@spec(
    r"y_{ntc} = \gamma_c\,\frac{x_{ntc} - \mu_{tc}}{\sqrt{\sigma_{tc}^2 + \varepsilon}} + \beta_c, \qquad"
    r" \mathrm{BN}(X)_{n\,(tc)} = \mathrm{BN}(x_t)_{nc}",
    source=f"{QUESTIONS}: “在RNN中,每个时间点的数据分布不同,需要为每个time-step进行归一化” (each time step "
    f"has a distribution of its own and is normalized by itself); {OVERVIEW}: “recurrent layers”",
    given=TRAINING.where(ranks={3, 5}, examples=2, why="the input holds no sequences, or a single one"),
)
def normalizes_each_time_step_alone(bn: Subject, case: Case) -> Agreement:
    """The statistics of a sequence are per time step: with T·C channels at once or step by step the output is one."""
    return examples.time_steps(bn, case)
