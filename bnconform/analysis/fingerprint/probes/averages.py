"""The probe of the kind of running average.

Rules: three batches of the means 1, 3 and 9; a layer with a state begins anew and goes on by each state that it
returns, any other implementation by the running mean that it returned: a hidden counter shows in the former only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bnconform.analysis.fingerprint.bench import CHANNELS, FEW, Bench, NoAnswer, probe
from bnconform.analysis.fingerprint.inferred import Candidate, Inferred, fitting
from bnconform.analysis.fingerprint.probes.formulas import OMEGA, SIGNS, moved
from bnconform.contract.case import Case
from bnconform.contract.checks import State
from bnconform.contract.outcome import Outcome

MEANS = (1.0, 3.0, 9.0)
Weight = Callable[[int, float], float]
KINDS: dict[str, Weight] = {
    "exponential": lambda step, omega: omega,
    "cumulative": lambda step, omega: 1 / step,
    "first copy": lambda step, omega: 1.0 if step == 1 else omega,
    "debiased": lambda step, omega: omega / (1 - (1 - omega) ** step),
}
"""The weight of step j's batch in the average so far; a debiased one is Σω(1 - ω)^(j-i)·s_i over 1 - (1 - ω)^j."""
START = 16.0
PER_STEP = 8.0
"""Roundings of one step: 3 of a mean that is updated value by value, 4 of the average, 1 of the result."""


@probe("running average")
def kind(bench: Bench) -> Inferred:
    """Three steps over batches of the means 1, 3 and 9 leave another sequence of running means by each kind."""
    with_state = _with_a_state(bench)
    # What has a state of its own need not take running statistics that are handed over.
    weight = OMEGA if with_state and bench.value("momentum") is None else moved(bench).weight
    if not 0 < weight < 1:
        raise NoAnswer("the momentum has no effect")
    sequence = with_state or _with_statistics(bench)
    start = 0.0 if with_state else START
    values = {name: _expected(name, weight, start) for name in KINDS}
    means = np.array([step.running_mean for step in sequence], np.float64)[:, 0]
    found = fitting(means, values, bench.kinds, bench.dtype, PER_STEP).inferred
    how = "a new layer's" if with_state else "from running statistics that are handed over"
    return replace(found, detail="; ".join(filter(None, (found.detail, how))))


def _expected(name: str, weight: float, start: float) -> Candidate:
    """Returns the sequence of a kind, and the scale of its roundings, in units of PER_STEP.

    All terms are positive, so that j steps together are off by at most j times as much as one. The divisor 1 - q of a
    debiased average, q = (1 - ω)^j, is off by q(2j + 6) + 3 roundings.
    """
    reached, values, scale = start, [], []
    for step, mean in enumerate(MEANS, 1):
        reached += KINDS[name](step, weight) * (mean - reached)
        q = (1 - weight) ** step if name == "debiased" else 0.0
        values.append(reached)
        scale.append(reached * (step + (q * (2 * step + 6) + 3) / (1 - q) / PER_STEP * (q > 0)))
    return Candidate(np.array(values), np.array(scale))


def _batch(bench: Bench, mean: float) -> Case:
    return bench.pose(mean * (1 + SIGNS / 8) + np.zeros((FEW, CHANNELS)), mean=START, var=1.0, momentum=OMEGA)


def _with_a_state(bench: Bench) -> list[Outcome]:
    """Returns the averages of a new layer; nothing where there is no state."""
    state: State = {}
    steps: list[Outcome] = []
    for mean in MEANS:
        found = bench.reply(replace(_batch(bench, mean), running_mean=None, running_var=None, state=state))
        if not isinstance(found, Outcome) or found.state is None or found.running_mean is None:
            return []
        state = found.state
        steps.append(found)
    return steps


def _with_statistics(bench: Bench) -> list[Outcome]:
    steps: list[Outcome] = []
    for mean in MEANS:
        case = _batch(bench, mean)
        if steps:
            last = steps[-1]
            case = replace(case, running_mean=last.running_mean, running_var=last.running_var)
        steps.append(bench.outcome(case))
        if steps[-1].running_mean is None or steps[-1].running_var is None:
            raise NoAnswer("running statistics are not offered")
    return steps
