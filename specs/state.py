"""The state of a layer that has one of its own, from before its first training step.

Rules: a layer begins with an empty state and goes on from each state that it returns; it averages as its Dialect
declares, and the right averages never come from its own report.
"""

from dataclasses import replace

import numpy as np

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement, agree, hold, not_asked, not_offered, unless_declared
from bnconform.engine.spec import Subject, spec
from bnconform.oracle import bounds, reference
from bnconform.relations import chains, recurrences

TRAINING = cases(mode="train")


KERAS = "keras.layers.BatchNormalization: “moving_mean_initializer='zeros', moving_variance_initializer='ones'”"
STATE = "a state with running statistics"


def _of_no_batch(bn: Subject) -> Agreement | None:
    """Returns the stand-in for a comparison where the average of no batch at all is documented nowhere."""
    documented = bn.dialect.average in recurrences.DOCUMENTED_START
    return None if documented else not_asked("its average of no batch is documented nowhere", quantity="start")


@spec(
    r"\mu^{(0)} = 0, \qquad {\sigma^2}^{(0)} = 1",
    source=KERAS + "; torch.nn.BatchNorm1d, reset_running_stats, and flax.linen.BatchNorm likewise",
    given=TRAINING,
)
def begins_with_no_mean_and_unit_variance(bn: Subject, case: Case) -> list[Agreement]:
    """Before its first training step a new layer would infer by a mean of 0 and a variance of 1."""
    unknown = _of_no_batch(bn)
    if unknown is not None:
        return [unknown]
    new = bn(replace(recurrences.new_layer(case), mode="infer"))
    return [
        not_offered(name)
        if (found := getattr(new, name)) is None
        else hold(found.astype(np.float64) == value, quantity=f"{name} of a new layer", output=name)
        for name, value in recurrences.INITIAL.items()
    ]


@spec(
    r"y = \gamma\,\frac{x}{\sqrt{1 + \varepsilon}} + \beta \quad\text{before any training step}",
    source=KERAS + "; “the layer will only normalize its inputs during inference after having been trained on data”",
    given=TRAINING,
)
def infers_by_its_initial_values(bn: Subject, case: Case) -> Agreement:
    """Before its first training step a new layer leaves its input as it is, but for ε, scale and shift."""
    unknown = _of_no_batch(bn)
    if unknown is not None:
        return unknown
    new, known = replace(recurrences.new_layer(case), mode="infer"), recurrences.by_initial_values(case)
    within = bounds.y(known, bn.dialect)
    return agree(bn(new).y, reference.y(known), within=within, output="y", quantity="y of a new layer")


@spec(
    r"R_j = (1 - \omega_j)\,R_{j-1} + \omega_j\,s_{B_j}, \qquad \omega_j = \omega \;\big|\; \tfrac{1}{j} \;\big|\;"
    r" \omega_1 = 1 \;\big|\; R_0 = 0,\; \frac{R_k}{1 - (1 - \omega)^k}",
    source="keras.layers.BatchNormalization: “moving_mean = moving_mean * momentum + mean(batch) * (1 - momentum)”; "
    "another average is the one that the Dialect declares",
    given=TRAINING,
)
def follows_its_own_recurrence(bn: Subject, case: Case) -> list[Agreement]:
    """Three training steps of a new layer leave the averages that its declared recurrence gives for their batches."""
    chain = recurrences.from_the_beginning(bn, case)
    if not chain:
        return [not_offered(STATE, quantity="state")]
    last, correction = chain[-1].outcome, int(bn.dialect.running_var == "unbiased")
    after = "after three steps of a new layer"
    mean, mean_bound = recurrences.mean_after(chain, bn.dialect)
    variance, variance_bound = recurrences.variance_after(chain, bn.dialect, correction)
    return [
        agree(last.running_mean, mean, within=mean_bound, output="running_mean", quantity=f"running_mean {after}"),
        agree(last.running_var, variance, within=variance_bound, output="running_var", quantity=f"running_var {after}"),
    ]


@spec(
    r"\mathrm{E}[x] = \frac{1}{k}\sum_{j=1}^k \mu_{B_j}, \qquad \mathrm{Var}[x] = \frac{m}{m-1}\cdot\frac{1}{k}"
    r"\sum_{j=1}^k \sigma_{B_j}^2 \quad\text{by its own count } k",
    source="002_5b274a8f490b787a.txt: “保留训练时每个batch的均值与方差,在预测时计算整个数据均值与方差的无偏估计” (all "
    "batches are kept; testing uses the unbiased estimate over the data)",
    given=TRAINING,
)
def averages_all_batches_by_its_own_count(bn: Subject, case: Case) -> list[Agreement]:
    """A layer that declares a cumulative average counts its steps, and all batches weigh the same."""
    if bn.dialect.average != "cumulative":
        return [not_asked("it does not declare a cumulative average", quantity="state")]
    chain = recurrences.from_the_beginning(bn, case)
    if not chain:
        return [not_offered(STATE, quantity="state")]
    last = chain[-1].outcome

    def compared(correction: int) -> Agreement:
        reached, within = recurrences.variance_after(chain, bn.dialect, correction)
        average = chains.plain_average(chains.variances(chain, correction))
        within = within + np.abs(reached - average)  # 0 but for weights 1/j that are kept in float32 by declaration
        quantity = "running_var over three batches"
        return agree(last.running_var, average, within=within, output="running_var", quantity=quantity)

    reached, within = recurrences.mean_after(chain, bn.dialect)
    average = chains.plain_average(chains.means(chain))
    within = within + np.abs(reached - average)
    quantity = "running_mean over three batches"
    mean = agree(last.running_mean, average, within=within, output="running_mean", quantity=quantity)
    if bn.dialect.running_var == "biased":
        return [mean, unless_declared(compared(1), "running_var", compared(0))]
    return [mean, compared(1)]


@spec(
    r"y = \gamma\,\frac{x - \mu^{(k)}}{\sqrt{{\sigma^2}^{(k)} + \varepsilon}} + \beta \quad\text{by the state of step"
    r" } k",
    source="keras.layers.BatchNormalization: “gamma * (batch - self.moving_mean) / sqrt(self.moving_var+epsilon) + "
    "beta”; Ioffe & Szegedy 2015, Algorithm 2, step 11",
    given=TRAINING,
)
def infers_by_what_its_state_holds(bn: Subject, case: Case) -> Agreement:
    """After three training steps of a new layer, inference by its state uses the averages that it reported."""
    chain = recurrences.from_the_beginning(bn, case)
    if not chain:
        return not_offered(STATE, quantity="y")
    last = chain[-1].outcome
    kept = replace(recurrences.new_layer(case), mode="infer", state=last.state)
    known = replace(kept, state=None, running_mean=last.running_mean, running_var=last.running_var)
    within = bounds.y(known, bn.dialect)
    return agree(bn(kept).y, reference.y(known), within=within, output="y", quantity="y by the state of three steps")
