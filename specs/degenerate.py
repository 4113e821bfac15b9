"""Degenerate batches: nothing to normalize."""

from dataclasses import replace
from functools import partial

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import LECTURE, OVERVIEW, PAPER, QUESTIONS, TUTORIAL
from bnconform.engine.spec import Subject, equation, spec
from bnconform.oracle import bounds
from bnconform.oracle.notation import Symbols
from bnconform.relations import channels, comparisons, edges, refusals
from bnconform.relations.refusals import Found

TRAINING = cases(mode="train")
FORWARD = cases(mode="train", gradients=False, statistics=False)
CONSTANT = cases(mode="train", gradients=False, statistics=False, channels="constant")
SINGLE = cases(mode="train", gradients=False, rows="one")
INFERENCE = cases(mode="infer")


@equation(
    source=f"{PAPER}, Algorithm 1, with σ_B² = 0: “ε is a constant added to the mini-batch variance for "
    "numerical stability”",
    given=CONSTANT,
    said=r"x_1 = \dots = x_m",
)
def gives_the_shift_for_a_constant_channel(bn: Outputs, c: Symbols) -> Equation:
    """A channel whose values are all equal gives β."""
    return bn.y == c.β


@spec(
    r"\sigma_B^2 + \varepsilon > 0 \quad\Rightarrow\quad |y_i| < \infty",
    source=f"{PAPER}, Algorithm 1: “ε is a constant added to the mini-batch variance for numerical "
    f"stability”; {OVERVIEW}: “ε is a small constant added for numerical stability”",
    given=FORWARD,
)
def keeps_finite_values_finite(bn: Subject, case: Case) -> Agreement:
    """Finite values far from overflow give finite outputs: ε keeps the root away from zero and below."""
    # Where a variance that is never negative overflows nothing, nothing excuses a NaN: not even a one-pass variance.
    bounded = bounds.y(case, replace(bn.dialect, variance="two-pass"))
    return comparisons.finite(bn(case).y, "y", where=bounded.is_finite)


@spec(
    r"m = 1 \quad\Rightarrow\quad y = \beta",
    source=f"{PAPER}, Algorithm 1, with μ_B = x and σ_B² = 0; {QUESTIONS}: “当batch "
    "size过小时不建议使用BN” (BN is not advised for too small a batch)",
    given=SINGLE,
)
def gives_the_shift_for_a_single_value(bn: Subject, case: Case) -> Agreement:
    """A channel of a single value gives β; an implementation may declare that it refuses such a batch."""
    return comparisons.shift_or_refusal(bn, case)


@spec(
    r"m = 1 \quad\Rightarrow\quad |\mu'| < \infty,\; {\sigma^2}' < \infty \quad\text{or an error}",
    source=f"{QUESTIONS}: “Var[x] ← m/(m-1) E_B[σ_B²]”, which is 0/0 for m = 1; no document says what "
    "then: what loses least is asked",
    given=SINGLE,
    basis="prudence",
)
def keeps_its_averages_through_a_single_value(bn: Subject, case: Case) -> Found:
    """A batch of a single value per channel is refused, or leaves the running statistics finite."""
    return comparisons.finite_averages(bn, case)


@spec(
    r"m = 0 \quad\Rightarrow\quad |\mu'| < \infty,\; {\sigma^2}' < \infty \quad\text{or an error}",
    source=f"{PAPER}, Algorithm 1: a mean over no values is not defined; no document says what then: what "
    "loses least is asked",
    given=SINGLE,
    basis="prudence",
)
def keeps_its_averages_through_an_empty_batch(bn: Subject, case: Case) -> Found:
    """A batch of no examples is refused, or leaves the running statistics finite."""
    return comparisons.finite_averages(bn, edges.without_examples(case))


@spec(
    r"\varepsilon = 0,\; \sigma_B^2 > 0 \quad\Rightarrow\quad y_i = \gamma\,\frac{x_i - \mu_B}{\sigma_B} + \beta",
    source=f"{OVERVIEW}: “The normalized inputs x_hat have zero mean and unit variance”, which holds for "
    f"ε = 0 only; {TUTORIAL}: “Z = (X-M) / S”",
    given=TRAINING,
)
def divides_by_the_deviation_alone_without_epsilon(bn: Subject, case: Case) -> Found:
    """With ε = 0, where it is not refused, training divides by the standard deviation itself."""
    return comparisons.pointwise_unless_refused(bn, edges.without_epsilon(case), "y for ε = 0")


@spec(
    r"\omega = 0 \quad\Rightarrow\quad \mu' = \mu,\; {\sigma^2}' = \sigma^2",
    source=f"{LECTURE}: “exponentially weighted averages”, with no weight on the new value",
    given=TRAINING,
)
def keeps_its_averages_where_the_new_weigh_nothing(bn: Subject, case: Case) -> list[Agreement]:
    """With no weight on the new statistics, where it is not refused, a step leaves the running ones as they were."""
    return comparisons.averages(bn, refusals.taken(bn, edges.kept(case)))


@spec(
    r"\omega = 1 \quad\Rightarrow\quad \mu' = \mu_B,\; {\sigma^2}' = \tfrac{m}{m-1}\,\sigma_B^2",
    source=f"{LECTURE}: “exponentially weighted averages”, with all weight on the new value",
    given=TRAINING,
)
def replaces_its_averages_where_the_new_weigh_all(bn: Subject, case: Case) -> list[Agreement]:
    """With all weight on the new statistics, where it is not refused, they replace the running ones.

    The variance is the one that the Dialect declares.
    """
    return comparisons.averages(bn, refusals.taken(bn, edges.replaced(case)))


@spec(
    r"x_c = \mathrm{NaN}, \pm\infty \quad\Rightarrow\quad y_{c'} \text{ as before}, \qquad c' \ne c",
    source=f"{PAPER}, section 3: “we will normalize each scalar feature independently”",
    given=TRAINING,
)
def keeps_a_nan_in_its_channel(bn: Subject, case: Case) -> Agreement:
    """A NaN or an infinity in one channel, where it is not refused, changes nothing in the others."""
    spoilt, where = refusals.taken(bn, channels.spoilt(case), ordinary=case), channels.unchanged(case)
    return comparisons.same_output(bn, case, spoilt, quantity="y beside spoilt channels", where=where)


@spec(
    r"m\,x^2 \lesssim \max \quad\Rightarrow\quad y_i = \gamma\,\frac{x_i - \mu_B}"
    r"{\sqrt{\sigma_B^2 + \varepsilon}} + \beta",
    source=f"{PAPER}, Algorithm 1, for the largest numbers whose squares have a sum; for float16 with "
    "wider sums, the largest numbers",
    given=TRAINING,
)
def normalizes_the_largest_magnitudes(bn: Subject, case: Case) -> Agreement:
    """Values whose squares nearly overflow the type of the sums are normalized like any others."""
    return comparisons.pointwise(bn, edges.largest(case), "y of the largest magnitudes")


@spec(
    r"\mathrm{BN}(2^{-k}x;\, 4^{-k}\varepsilon) = \mathrm{BN}(x;\, \varepsilon), \qquad"
    r" |x| < \min \Rightarrow y_i \approx \beta",
    source=f"{OVERVIEW}: “ε is a small constant added for numerical stability”",
    given=TRAINING,
)
def normalizes_the_smallest_magnitudes(bn: Subject, case: Case) -> list[Agreement]:
    """Values whose squares nearly underflow are normalized like any others, and subnormal ones beside ε give β."""
    small, smaller = edges.shrunk(case), edges.subnormal(case)
    shrunk = comparisons.pointwise(bn, small, "y of the shrunk input")
    subnormal = comparisons.pointwise(bn, smaller, "y of the subnormal input")
    return [replace(shrunk, aspect="normal"), replace(subnormal, aspect="subnormal")]


@spec(
    r"C = 0 \quad\Rightarrow\quad y = () \quad\text{or an error}",
    source=f"{PAPER}, section 3: “we will normalize each scalar feature independently”, of which there is "
    "none; no document says what then: what loses least is asked",
    given=TRAINING,
    basis="prudence",
)
def takes_no_channels_or_refuses_them(bn: Subject, case: Case) -> list[Agreement]:
    """An input without any channel gives an empty output or a clear error, in training and in inference."""
    empty = edges.without_channels(case)
    return [comparisons.refused_or_empty(bn, empty), comparisons.refused_or_empty(bn, replace(empty, mode="infer"))]


@spec(
    r"\varepsilon < 0 < \sigma_B^2 + \varepsilon \quad\Rightarrow\quad y_i = \gamma\,\frac{x_i - \mu_B}"
    r"{\sqrt{\sigma_B^2 + \varepsilon}} + \beta",
    source=f"{PAPER}, Algorithm 1, as it is written; {OVERVIEW}: “ε is a small constant "
    "added for numerical stability”, which a negative one is not: it may be refused",
    given=TRAINING,
)
def adds_a_negative_epsilon_as_it_stands(bn: Subject, case: Case) -> Found:
    """A negative ε, where it is not refused, is added as it stands, in every channel whose variance exceeds it.

    Nothing is claimed of channels where the root would be of a negative number.
    """
    return comparisons.pointwise_unless_refused(bn, edges.with_negative_epsilon(case), "y for ε < 0")


@spec(
    r"\varepsilon < 0 \quad\Rightarrow\quad \mu' = (1 - \omega)\,\mu + \omega\,\mu_B, \; {\sigma^2}' = (1 - \omega)\,"
    r"\sigma^2 + \omega\,\tfrac{m}{m-1}\,\sigma_B^2 \quad\text{or an error}",
    source=f"{PAPER}, Algorithm 2: no average has an ε in it; specs/README.md: the rule of least loss, no "
    "NaN in state that outlives the call",
    given=TRAINING,
    basis="prudence",
)
def keeps_its_averages_with_a_negative_epsilon(bn: Subject, case: Case) -> Found:
    """A negative ε is refused, or changes nothing in the running statistics: what has no root is still averaged."""
    changed = edges.with_negative_epsilon(case)
    return refusals.refused_or(bn, changed, lambda: comparisons.averages(bn, changed))


@spec(
    r"\sigma^2 < 0 < \sigma^2 + \varepsilon \quad\Rightarrow\quad y = \gamma\,\frac{x - \mu}"
    r"{\sqrt{\sigma^2 + \varepsilon}} + \beta",
    source=f"{PAPER}, Algorithm 2, step 11, as it is written",
    given=INFERENCE,
)
def infers_by_a_variance_just_below_zero(bn: Subject, case: Case) -> Found:
    """A running variance below zero that ε makes up for is used as it stands, and no other channel sees it.

    Nothing is claimed here of channels where ε does not make up for it.
    """
    changed, quantity = edges.with_negative_variances(case), "y for variances below zero"
    return refusals.unless_refused(bn, changed, lambda: bn.agrees(changed, "y", quantity=quantity), "y")


@spec(
    r"\sigma^2 + \varepsilon < 0 \quad\Rightarrow\quad y \notin \mathbb{R} \quad\text{or an error}",
    source=f"specs/README.md: the rule of least loss, a clear error rather than a wrong number; {PAPER}, "
    "Algorithm 2, step 11, has no value there",
    given=INFERENCE,
    basis="prudence",
)
def makes_no_number_of_a_negative_root(bn: Subject, case: Case) -> Found:
    """Where running variance and ε add up to less than zero, inference gives no finite number, or an error.

    Which of NaN and infinity is not claimed, nor anything of gradients.
    """
    changed, negative = edges.with_negative_variances(case), edges.negative_roots(case)
    no_number = partial(comparisons.no_number, where=negative, quantity="y of a negative root")
    return refusals.refused_or(bn, changed, lambda: no_number(bn(changed).y))
