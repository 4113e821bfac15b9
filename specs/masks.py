"""Masks: values left out of the statistics, for implementations that take a mask.

Rules: y is judged where the mask shows x: its hidden values are documented nowhere. Masks are tried in ranks
2 and 3, batches and sequences. Only where everything is hidden do the documents fall silent; there the rule is that of
least loss, no number that is not one in state that outlives the call.
"""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree, not_asked, unless_declared
from bnconform.engine.spec import Subject, spec
from bnconform.oracle import bounds, reference
from bnconform.oracle.expected import RUNNING, expected
from bnconform.relations import comparisons, masks
from bnconform.relations.masks import Masked

TRAINING = cases(mode="train")
FLAX = (
    "flax.linen.BatchNorm, mask: “indicating the positions for which the mean and variance should be computed”; "
    "keras.layers.BatchNormalization, mask: “Masked elements of the current inputs are not taken into account for mean "
    "and variance computation during training”"
)


def _elsewhere(case: Case) -> Agreement | None:
    """Returns the stand-in for a comparison where masks are not tried."""
    tried = case.x.ndim in masks.RANKS and case.rows > 1
    return None if tried else not_asked("masks are tried on several values of rank 2 and 3 only", quantity="y")


def _compare_y(bn: Subject, run: Case, masked: Masked, how: str) -> Agreement:
    actual, right = bn(run).y, masked.spread(reference.y(masked.kept))
    within = masked.spread_bound(bounds.y(masked.kept, bn.dialect))
    return agree(actual, right, within=within, output="y", quantity=f"y {how}", where=masked.tensor)


def _compare_mean(bn: Subject, run: Case, masked: Masked, how: str) -> Agreement:
    actual, right = bn(run).running_mean, reference.running_mean(masked.kept)
    within = bounds.running_mean(masked.kept, bn.dialect)
    return agree(actual, right, within=within, output="running_mean", quantity=f"running_mean {how}")


def _compare_variance(bn: Subject, run: Case, masked: Masked, how: str) -> Agreement:
    value, within = expected(masked.kept, bn.dialect, "running_var")
    return agree(bn(run).running_var, value, within=within, output="running_var", quantity=f"running_var {how}")


@spec(
    r"y_i = \gamma\,\frac{x_i - \mu_M}{\sqrt{\sigma_M^2 + \varepsilon}} + \beta, \qquad \mu_M = \frac{1}{|M|}"
    r"\sum_{j \in M} x_j, \quad \sigma_M^2 = \frac{1}{|M|}\sum_{j \in M} (x_j - \mu_M)^2",
    source=FLAX,
    given=TRAINING,
)
def normalizes_by_what_the_mask_shows(bn: Subject, case: Case) -> Agreement:
    """Under a mask M, training normalizes by the mean and the biased variance of the values that it shows."""
    masked = masks.hiding_values(case)
    return _elsewhere(case) or _compare_y(bn, masked.case, masked, "where the mask shows x")


@spec(
    r"m_{n,t} = m_n \quad\Rightarrow\quad M = \{(n, t) \mid m_n\}",
    source="flax.linen.BatchNorm, mask: “Binary array of shape broadcastable to inputs tensor”",
    given=TRAINING,
)
def broadcasts_a_mask(bn: Subject, case: Case) -> Agreement:
    """A mask of one value per example shows or hides all values of that example."""
    masked = masks.hiding_examples(case)
    return _elsewhere(case) or _compare_y(bn, masked.case, masked, "where the mask shows the example")


@spec(
    r"\mu' = (1 - \omega)\,\mu + \omega\,\mu_M",
    source=FLAX,
    given=TRAINING,
)
def averages_the_mean_of_what_the_mask_shows(bn: Subject, case: Case) -> Agreement:
    """Under a mask, the running mean moves towards the mean of the values that it shows."""
    masked = masks.hiding_values(case)
    return _elsewhere(case) or _compare_mean(bn, masked.case, masked, "under a mask")


@spec(
    r"{\sigma^2}' = (1 - \omega)\,\sigma^2 + \omega\,\frac{|M|}{|M| - 1}\,\sigma_M^2",
    source=FLAX + "; Ioffe & Szegedy 2015, section 3.1, for the count of the values",
    given=TRAINING,
)
def averages_the_variance_of_what_the_mask_shows(bn: Subject, case: Case) -> Agreement:
    """Under a mask, the running variance moves towards the unbiased variance of the values that it shows."""
    absent, masked = _elsewhere(case), masks.hiding_values(case)
    if absent is not None:
        return absent
    actual = bn(masked.case).running_var
    within = bounds.running_var(masked.kept, bn.dialect)
    right, quantity = reference.running_var(masked.kept), "running_var under a mask"
    paper = agree(actual, right, within=within, output="running_var", quantity=quantity)
    if bn.dialect.running_var == "unbiased":
        return paper
    return unless_declared(paper, "running_var", _compare_variance(bn, masked.case, masked, "under a mask"))


@spec(
    r"\frac{\partial\ell}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma_M^2 + \varepsilon}}\left(g_i - \frac{1}{|M|}"
    r"\sum_{j \in M} g_j - \hat{x}_i\,\frac{1}{|M|}\sum_{j \in M} g_j\hat{x}_j\right), \qquad i \in M,"
    r"\; g_j = 0 \;\text{outside}\; M",
    source=FLAX + "; Ioffe & Szegedy 2015, section 3: the chain rule through those statistics",
    given=TRAINING,
)
def sends_gradients_through_what_the_mask_shows(bn: Subject, case: Case) -> Agreement:
    """The gradient of a loss of the shown outputs flows through the statistics of the shown values."""
    absent, masked = _elsewhere(case), masks.hiding_values(case)
    if absent is not None:
        return absent
    if case.dy is None:
        return not_asked("the case has no cotangent", quantity="dx")
    actual, right = bn(masked.case).dx, masked.spread(reference.dx(masked.kept))
    within = masked.spread_bound(bounds.dx(masked.kept, bn.dialect))
    return agree(actual, right, within=within, output="dx", quantity="dx under a mask", where=masked.tensor)


@spec(
    r"x_i = \mathrm{NaN} \;\text{for}\; i \notin M \quad\Rightarrow\quad \mu_M, \sigma_M^2, y_j \;\text{as before},"
    r" \quad j \in M",
    source=FLAX,
    given=TRAINING,
)
def ignores_a_nan_under_the_mask(bn: Subject, case: Case) -> list[Agreement]:
    """Hidden values that are not numbers reach neither the shown outputs nor the running averages."""
    absent, masked = _elsewhere(case), masks.hiding_values(case)
    if absent is not None or not masked.hides:
        return [absent or not_asked("the mask hides none of so few values", quantity="y")]
    run, how = masks.with_nan_hidden(case), "beside hidden NaN"
    return [compare(bn, run, masked, how) for compare in (_compare_y, _compare_mean, _compare_variance)]


@spec(
    r"M = \{1, \dots, m\} \quad\Rightarrow\quad \mu_M = \mu_B, \quad \sigma_M^2 = \sigma_B^2",
    source=FLAX,
    given=TRAINING,
)
def takes_a_mask_of_everything_for_no_mask(bn: Subject, case: Case) -> list[Agreement]:
    """A mask that shows every value gives the outputs and averages of the whole batch."""
    absent, masked = _elsewhere(case), masks.hiding_nothing(case)
    if absent is not None:
        return [absent]
    compared = (_compare_y, _compare_mean, _compare_variance)
    return [compare(bn, masked.case, masked, "under a mask that shows all") for compare in compared]


@spec(
    r"M = \emptyset \quad\Rightarrow\quad |\mu'| < \infty, \quad |{\sigma^2}'| < \infty",
    source="documented nowhere; specs/README.md, the rule of least loss: no NaN in state that outlives the call",
    given=TRAINING,
)
def keeps_its_averages_when_all_is_hidden(bn: Subject, case: Case) -> list[Agreement]:
    """A mask that hides every value leaves no NaN in the running averages."""
    absent = _elsewhere(case)
    if absent is not None:
        return [absent]
    found = bn(masks.hiding_everything(case))
    return [comparisons.finite(getattr(found, name), name, " where all is hidden") for name in RUNNING]
