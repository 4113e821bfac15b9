"""Invariances of training under changes of its input.

Rule: two runs of the implementation are compared, so each may be off by its own bound; the effect of rounding the
changed input on the exact output is computed, not guessed. Each relation is blind to most faults: it stands beside the
pointwise specs and names the statement that was not kept.
"""

from bnconform.cases import delivery
from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.sources import LECTURE, OVERVIEW, PAPER, QUESTIONS
from bnconform.engine.spec import Subject, spec
from bnconform.relations import channels, comparisons, examples, followups

TRAINING = cases(mode="train")
STORED = cases(mode="train", manner="stored")
WATCHED = cases(mode="train", manner="watched")
UNCOMPILED = cases(mode="train", manner="uncompiled", examples=8)
FORWARD = cases(mode="train", gradients=False, statistics=False)


@spec(
    r"\mathrm{BN}(x + b) = \mathrm{BN}(x)",
    source=f"{PAPER}, section 3.2: “the bias b can be ignored since its effect will be canceled by the "
    f"subsequent mean subtraction”; {LECTURE}: “the effect of b[l] can be cancelled”",
    given=FORWARD,
)
def ignores_a_shift_of_the_input(bn: Subject, case: Case) -> Agreement:
    """Adding a constant to all values of a channel changes nothing."""
    return comparisons.unchanged_output(bn, case, followups.shifted(case), "y of the shifted input")


@spec(
    r"\mathrm{BN}(2x;\, 4\varepsilon) = \mathrm{BN}(x;\, \varepsilon)",
    source=f"{OVERVIEW}: “x_hat = (x - μ) / sqrt(σ^2 + ε)”, an equation that this follows from",
    given=FORWARD,
)
def weighs_epsilon_as_a_variance(bn: Subject, case: Case) -> Agreement:
    """ε has the unit of a variance: doubling the input and quadrupling ε changes nothing."""
    return comparisons.unchanged_output(bn, case, followups.doubled(case), "y of the doubled input")


@spec(
    r"\mathrm{BN}(x_{\pi(1)}, \dots, x_{\pi(m)})_i = \mathrm{BN}(x_1, \dots, x_m)_{\pi(i)}",
    source=f"{PAPER}, Algorithm 1: μ_B and σ_B² are sums over the batch, in no order",
    given=FORWARD,
)
def follows_the_order_of_the_batch(bn: Subject, case: Case) -> Agreement:
    """Reordering the batch reorders the outputs and changes none of them."""
    return examples.reordered(bn, case)


@spec(
    r"\mathrm{BN}(x, x) = (\mathrm{BN}(x),\, \mathrm{BN}(x))",
    source=f"{QUESTIONS}: “σ_B² ← 1/m Σ_i^m (x_i - μ_B)²”, an average, which this follows from",
    given=FORWARD,
)
def ignores_a_repeated_batch(bn: Subject, case: Case) -> Agreement:
    """Giving a batch twice changes none of its outputs, since mean and biased variance are averages."""
    return examples.repeated(bn, case)


@spec(
    r"\mathrm{BN}(a x;\, a^2\varepsilon) = \mathrm{BN}(x;\, \varepsilon), \qquad a = 3",
    source=f"{PAPER}, section 3.3: “BN(Wu) = BN((aW)u)”, which holds once ε is scaled as well",
    given=TRAINING,
)
def ignores_a_scale_of_the_input(bn: Subject, case: Case) -> Agreement:
    """Multiplying all values by a, here 3, and ε by a² changes nothing."""
    return comparisons.same_output(bn, case, followups.tripled(case), quantity="y of the tripled input")


@spec(
    r"\mathrm{BN}(-x) = 2\beta - \mathrm{BN}(x)",
    source=f"{PAPER}, Algorithm 1: μ_B is odd and σ_B² even in x",
    given=TRAINING,
)
def mirrors_its_input(bn: Subject, case: Case) -> Agreement:
    """Negating the input mirrors the output about β."""
    return comparisons.mirrored_output(bn, case, followups.negated(case))


@spec(
    r"x'_c = x_c \quad\Rightarrow\quad \mathrm{BN}(x')_c = \mathrm{BN}(x)_c",
    source=f"{PAPER}, section 3: “we will normalize each scalar feature independently”; "
    f"{QUESTIONS}: “在每一特征维度上进行归一化” (normalized in each dimension of the features)",
    given=TRAINING,
)
def keeps_channels_apart(bn: Subject, case: Case) -> Agreement:
    """A channel's output does not depend on the values of the other channels."""
    changed, where = channels.zeroed(case), channels.unchanged(case)
    return comparisons.same_output(bn, case, changed, quantity="y beside zeroed channels", where=where)


@spec(
    r"\mathrm{BN}(x_{\pi(1)}, \dots, x_{\pi(C)})_c = \mathrm{BN}(x_1, \dots, x_C)_{\pi(c)}",
    source=f"{PAPER}, section 3: “we will normalize each scalar feature independently”",
    given=TRAINING,
)
def treats_channels_alike(bn: Subject, case: Case) -> Agreement:
    """Reordering the channels, with their γ and β, reorders the outputs and changes none of them."""
    return comparisons.of_reversed_channels(bn, case)


@spec(
    r"f(x) = f(x) \quad\text{bit for bit}",
    source=f"{PAPER}, Algorithm 1: the output is a function of the batch, γ and β, of nothing else",
    given=TRAINING,
)
def repeats_itself(bn: Subject, case: Case) -> list[Agreement]:
    """The same case given again has the same outputs, gradients and averages, bit for bit; so has inference."""
    return comparisons.same_bits_again(bn, case)


@spec(
    r"(y, \mu', {\sigma^2}')\;\text{without}\; \partial\ell/\partial y = (y, \mu', {\sigma^2}')",
    source=f"{PAPER}, Algorithm 1 and section 3.1: neither the output nor the averages involve a gradient",
    given=TRAINING,
)
def needs_no_cotangent(bn: Subject, case: Case) -> list[Agreement]:
    """Where no gradients are asked for, output and running statistics stay the same."""
    alone = followups.forward_only(case)
    output = comparisons.same_output(bn, case, alone, quantity="y without gradients")
    return [output, *comparisons.same_averages(bn, case, alone)]


@spec(
    r"y\;\text{without}\;(\mu, \sigma^2) = y",
    source=f"{PAPER}, Algorithm 1: training involves no running statistics",
    given=TRAINING,
)
def ignores_the_running_statistics_in_training(bn: Subject, case: Case) -> Agreement:
    """Training gives the same output whether or not running statistics are kept."""
    return comparisons.same_output(bn, case, followups.untracked(case), quantity="y without running statistics")


@spec(
    r"\mathrm{BN}(x_{[i]};\, \gamma, \beta) = \mathrm{BN}(x;\, \gamma, \beta) \quad\text{for every map}\; [i]\;"
    r"\text{of elements to addresses}",
    source=f"{PAPER}, Algorithm 1: “Input: Values of x over a mini-batch”, wherever they are stored",
    given=STORED,
)
def reads_every_order_of_memory(bn: Subject, case: Case) -> list[Agreement]:
    """Arrays in Fortran order, with gaps or backwards in memory have the outputs and gradients of their values."""
    return comparisons.same_results_where_stored(bn, case, "reversed", "strided", "backwards")


@spec(
    r"\mathrm{BN}(\mathrm{bytes}(x)) = \mathrm{BN}(x) \quad\text{misaligned, or in the other byte order}",
    source=f"{PAPER}, Algorithm 1: “Input: Values of x over a mini-batch”, however they are represented",
    given=STORED,
)
def reads_misaligned_and_swapped_bytes(bn: Subject, case: Case) -> list[Agreement]:
    """Arrays off their alignment or in the other byte order have the outputs and gradients of their values."""
    return comparisons.same_results_where_stored(bn, case, "misaligned", "swapped")


@spec(
    r"y_i = \gamma\,\hat{x}_i + \beta, \quad \frac{\partial\ell}{\partial\gamma} = \sum_i g_i\,\hat{x}_i, \quad"
    r" \frac{\partial\ell}{\partial\beta} = \sum_i g_i \qquad\text{for}\; \gamma \equiv \beta",
    source=f"{PAPER}, Algorithm 1: “Parameters to be learned: γ, β”, two of them even where they are equal",
    given=STORED,
)
def takes_one_array_for_scale_and_shift(bn: Subject, case: Case) -> list[Agreement]:
    """Where γ and β are one array, each keeps its meaning and has a gradient of its own."""
    return comparisons.same_results_where_stored(bn, case, "shared")


@spec(
    r"(x, \gamma, \beta, \mu, \sigma^2, g)\;\text{after} = (x, \gamma, \beta, \mu, \sigma^2, g)\;\text{before}",
    source=f"{PAPER}, Algorithm 1: x, γ and β are its input, y is its output; section 3 differentiates it",
    given=WATCHED,
)
def leaves_its_inputs_as_they_are(bn: Subject, case: Case) -> Agreement:
    """Forward and backward write to no array that they were given."""
    return comparisons.inputs_left(bn, case)


@spec(
    r"\mathrm{BN}_{\text{compiled}} = \mathrm{BN}_{\text{step by step}} = \mathrm{BN}",
    source=f"{PAPER}, Algorithm 1: the output is given by equations, however they are executed",
    given=UNCOMPILED,
)
def computes_the_same_uncompiled(bn: Subject, case: Case) -> list[Agreement]:
    """What is compiled by default has the same outputs, running statistics and gradients when run step by step."""
    return comparisons.same_results(bn, case, delivery.plain(case))
