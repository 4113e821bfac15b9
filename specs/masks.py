"""Masks: values left out of the statistics, for implementations that take a mask.

Rules: y is judged where the mask shows x: its hidden values are documented nowhere. Masks are tried in ranks
2 and 3, batches and sequences. Only where everything is hidden do the documents fall silent; there the rule is that of
least loss, no number that is not one in state that outlives the call.
"""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.sources import PAPER
from bnconform.engine.spec import Subject, spec
from bnconform.oracle.expected import RUNNING
from bnconform.relations import comparisons, masks

TRAINING = cases(mode="train").where(
    ranks=masks.RANKS, rows=2, why="masks are tried on several values of rank 2 and 3 only"
)
FLAX = (
    "flax.linen.BatchNorm, mask: “indicating the positions for which the mean and variance should be computed”; "
    "keras.layers.BatchNormalization, mask: “Masked elements of the current inputs are not taken into account for mean "
    "and variance computation during training”"
)


@spec(
    r"y_i = \gamma\,\frac{x_i - \mu_M}{\sqrt{\sigma_M^2 + \varepsilon}} + \beta, \qquad \mu_M = \frac{1}{|M|}"
    r"\sum_{j \in M} x_j, \quad \sigma_M^2 = \frac{1}{|M|}\sum_{j \in M} (x_j - \mu_M)^2",
    source=FLAX,
    given=TRAINING,
)
def normalizes_by_what_the_mask_shows(bn: Subject, case: Case) -> Agreement:
    """Under a mask M, training normalizes by the mean and the biased variance of the values that it shows."""
    masked = masks.hiding_values(case)
    return masks.shown_output(bn, masked.case, masked, "where the mask shows x")


@spec(
    r"m_{n,t} = m_n \quad\Rightarrow\quad M = \{(n, t) \mid m_n\}",
    source="flax.linen.BatchNorm, mask: “Binary array of shape broadcastable to inputs tensor”",
    given=TRAINING,
)
def broadcasts_a_mask(bn: Subject, case: Case) -> Agreement:
    """A mask of one value per example shows or hides all values of that example."""
    masked = masks.hiding_examples(case)
    return masks.shown_output(bn, masked.case, masked, "where the mask shows the example")


@spec(
    r"\mu' = (1 - \omega)\,\mu + \omega\,\mu_M",
    source=FLAX,
    given=TRAINING,
)
def averages_the_mean_of_what_the_mask_shows(bn: Subject, case: Case) -> Agreement:
    """Under a mask, the running mean moves towards the mean of the values that it shows."""
    masked = masks.hiding_values(case)
    return masks.shown_average(bn, masked.case, masked, "under a mask", "running_mean")


@spec(
    r"{\sigma^2}' = (1 - \omega)\,\sigma^2 + \omega\,\frac{|M|}{|M| - 1}\,\sigma_M^2",
    source=FLAX + f"; {PAPER}, section 3.1, for the count of the values",
    given=TRAINING,
)
def averages_the_variance_of_what_the_mask_shows(bn: Subject, case: Case) -> Agreement:
    """Under a mask, the running variance moves towards the unbiased variance of the values that it shows."""
    return masks.shown_variance(bn, masks.hiding_values(case), "under a mask")


@spec(
    r"\frac{\partial\ell}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma_M^2 + \varepsilon}}\left(g_i - \frac{1}{|M|}"
    r"\sum_{j \in M} g_j - \hat{x}_i\,\frac{1}{|M|}\sum_{j \in M} g_j\hat{x}_j\right), \qquad i \in M,"
    r"\; g_j = 0 \;\text{outside}\; M",
    source=FLAX + f"; {PAPER}, section 3: the chain rule through those statistics",
    given=TRAINING,
)
def sends_gradients_through_what_the_mask_shows(bn: Subject, case: Case) -> Agreement:
    """The gradient of a loss of the shown outputs flows through the statistics of the shown values."""
    return masks.shown_gradient(bn, masks.hiding_values(case), "under a mask")


@spec(
    r"x_i = \mathrm{NaN} \;\text{for}\; i \notin M \quad\Rightarrow\quad \mu_M, \sigma_M^2, y_j \;\text{as before},"
    r" \quad j \in M",
    source=FLAX,
    given=TRAINING,
)
def ignores_a_nan_under_the_mask(bn: Subject, case: Case) -> list[Agreement]:
    """Hidden values that are not numbers reach neither the shown outputs nor the running averages."""
    return masks.beside_hidden_nan(bn, case)


@spec(
    r"x_i = \mathrm{NaN},\; g_i = 0 \;\text{for}\; i \notin M \quad\Rightarrow\quad"
    r" \frac{\partial\ell}{\partial x_j},\, \frac{\partial\ell}{\partial\gamma},\,"
    r" \frac{\partial\ell}{\partial\beta} \;\text{as before}, \quad j \in M",
    source="documented nowhere; specs/README.md, the rule of least loss: no NaN in weights that outlive the step",
    given=TRAINING,
    basis="prudence",
)
def sends_gradients_past_a_nan_under_the_mask(bn: Subject, case: Case) -> list[Agreement]:
    """Hidden values that are not numbers reach no gradient of a loss of the shown outputs."""
    return masks.gradients_beside_hidden_nan(bn, case)


@spec(
    r"M = \{1, \dots, m\} \quad\Rightarrow\quad \mu_M = \mu_B, \quad \sigma_M^2 = \sigma_B^2",
    source=FLAX,
    given=TRAINING,
)
def takes_a_mask_of_everything_for_no_mask(bn: Subject, case: Case) -> list[Agreement]:
    """A mask that shows every value gives the outputs and averages of the whole batch."""
    masked = masks.hiding_nothing(case)
    return masks.shown_everything(bn, masked.case, masked, "under a mask that shows all")


@spec(
    r"M = \emptyset \quad\Rightarrow\quad |\mu'| < \infty, \quad |{\sigma^2}'| < \infty",
    source="documented nowhere; specs/README.md, the rule of least loss: no NaN in state that outlives the call",
    given=TRAINING,
    basis="prudence",
)
def keeps_its_averages_when_all_is_hidden(bn: Subject, case: Case) -> list[Agreement]:
    """A mask that hides every value leaves no NaN in the running averages."""
    found = bn(masks.hiding_everything(case))
    return [comparisons.finite(getattr(found, name), name, " where all is hidden") for name in RUNNING]
