"""The state of a layer that has one of its own, from before its first training step.

Rules: a layer begins with an empty state and goes on from each state that it returns; it averages as its Dialect
declares, and the right averages never come from its own report.
"""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.sources import PAPER, QUESTIONS
from bnconform.engine.spec import Subject, spec
from bnconform.relations.refusals import Found
from bnconform.relations.state import recurrences

TRAINING = cases(mode="train")


KERAS = "keras.layers.BatchNormalization: “moving_mean_initializer='zeros', moving_variance_initializer='ones'”"


@spec(
    r"\mu^{(0)} = 0, \qquad {\sigma^2}^{(0)} = 1",
    source=KERAS + "; torch.nn.BatchNorm1d, reset_running_stats, and flax.linen.BatchNorm likewise",
    given=TRAINING,
)
def begins_with_no_mean_and_unit_variance(bn: Subject, case: Case) -> Found:
    """Before its first training step a new layer would infer by a mean of 0 and a variance of 1."""
    return recurrences.of_no_batch(bn, lambda: recurrences.initial_averages(bn, case))


@spec(
    r"y = \gamma\,\frac{x}{\sqrt{1 + \varepsilon}} + \beta \quad\text{before any training step}",
    source=KERAS + "; “the layer will only normalize its inputs during inference after having been trained on data”",
    given=TRAINING,
)
def infers_by_its_initial_values(bn: Subject, case: Case) -> Found:
    """Before its first training step a new layer leaves its input as it is, but for ε, scale and shift."""
    return recurrences.of_no_batch(bn, lambda: recurrences.output_of_a_new_layer(bn, case))


@spec(
    r"R_j = (1 - \omega_j)\,R_{j-1} + \omega_j\,s_{B_j}, \qquad \omega_j = \omega \;\big|\; \tfrac{1}{j} \;\big|\;"
    r" \omega_1 = 1 \;\big|\; R_0 = 0,\; \frac{R_k}{1 - (1 - \omega)^k}",
    source="keras.layers.BatchNormalization: “moving_mean = moving_mean * momentum + mean(batch) * (1 - momentum)”; "
    "another average is the one that the Dialect declares",
    given=TRAINING,
)
def follows_its_own_recurrence(bn: Subject, case: Case) -> list[Agreement]:
    """Three training steps of a new layer leave the averages that its declared recurrence gives for their batches."""
    return recurrences.by_its_own_recurrence(bn, case)


@spec(
    r"\mathrm{E}[x] = \frac{1}{k}\sum_{j=1}^k \mu_{B_j}, \qquad \mathrm{Var}[x] = \frac{m}{m-1}\cdot\frac{1}{k}"
    r"\sum_{j=1}^k \sigma_{B_j}^2 \quad\text{by its own count } k",
    source=f"{QUESTIONS}: “保留训练时每个batch的均值与方差,在预测时计算整个数据均值与方差的无偏估计” (all "
    "batches are kept; testing uses the unbiased estimate over the data)",
    given=TRAINING,
)
def averages_all_batches_by_its_own_count(bn: Subject, case: Case) -> list[Agreement]:
    """A layer that declares a cumulative average counts its steps, and all batches weigh the same."""
    return recurrences.by_its_own_count(bn, case)


@spec(
    r"y = \gamma\,\frac{x - \mu^{(k)}}{\sqrt{{\sigma^2}^{(k)} + \varepsilon}} + \beta \quad\text{by the state of step"
    r" } k",
    source="keras.layers.BatchNormalization: “gamma * (batch - self.moving_mean) / sqrt(self.moving_var+epsilon) + "
    f"beta”; {PAPER}, Algorithm 2, step 11",
    given=TRAINING,
)
def infers_by_what_its_state_holds(bn: Subject, case: Case) -> Agreement:
    """After three training steps of a new layer, inference by its state uses the averages that it reported."""
    return recurrences.output_by_its_state(bn, case)
