"""Sentences are for people: whoever rewords them changes no verdict, no signature, no evidence and no diagnosis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from worlds.drawing import draw
from worlds.searches import SPECS, correct

from bnconform import Case, Dialect, Outcome
from bnconform.analysis.diagnosis.comparing import outputs_of
from bnconform.analysis.diagnosis.evidence import evidence_of, told
from bnconform.analysis.diagnosis.matching import Exhibit
from bnconform.analysis.faults import FAULTS, perform
from bnconform.cases.strategies import Traits
from bnconform.contract.outcome import OUTPUTS
from bnconform.engine.agreement import Agreement, Judgement, Missing
from bnconform.engine.smoke.result import Note, Smoke
from bnconform.engine.tally import Seen, Tally
from bnconform.results.reason import _nothing_compared

PLAIN, FAULT = Dialect(), {one.name: one for one in FAULTS}
SMOKE = Smoke(notes=tuple(Note(name, f"a slip of {name}") for name in OUTPUTS))
ANSWERS = {
    "biased variance": lambda case: perform(FAULT["biased_variance_averaged"], case),
    "no epsilon": lambda case: perform(FAULT["epsilon_missing"], case),
    "no dgamma": lambda case: perform(FAULT["dgamma_missing"], case),
    "y alone": lambda case: Outcome(y=correct(case).y),
    "nothing": lambda case: Outcome(),
}
CHOSEN = (
    "normalizes_by_the_batch",
    "averages_the_running_mean",
    "averages_the_unbiased_variance",
    "averages_without_a_backward_pass",
    "sums_the_gradient_of_the_scale",
    "sends_no_gradient_to_a_bias_before_it",
    "leaves_the_share_of_epsilon_along_the_values",
    "ignores_a_shift_of_the_input",
    "treats_a_single_channel_like_any_other",
    "infers_by_what_training_averaged",
    "normalizes_by_what_the_mask_shows",
)


def reworded(one: Agreement) -> Agreement:
    missing = None if one.missing is None else Missing(one.missing.kind, "y dx running_var is not offered, refused: no")
    alternative = None if one.alternative is None else reworded(one.alternative)
    return replace(one, quantity="y dx dgamma running_var", missing=missing, alternative=alternative)


def decided(spec: str, case: Case, judged: Judgement, exhibits: list[Exhibit]) -> tuple[object, ...]:
    """Returns all that code decides by a judgement."""
    tally, worst = Tally(spec=SPECS[spec]), judged.worst
    tally.record(case, judged)
    seen = Seen(case, judged)
    return (
        judged.verdict,
        judged.signature,
        judged.ratio,
        tally.verdict,
        tally.ratio,
        {one.kind for one in tally.missing},
        None if worst is None else (worst.index, worst.direct, worst.outputs),
        SMOKE.asides("fails", () if worst is None else worst.outputs),
        outputs_of(seen, exhibits),
    )


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("spec", CHOSEN)
def test_no_decision_hangs_on_a_sentence(spec: str, answer: str) -> None:
    (case,) = draw(SPECS[spec].given.strategy(Traits(dtype="float32", ranks=(4,))), 1)
    judged, replies = told(SPECS[spec], case, ANSWERS[answer], PLAIN)
    exhibits = [Exhibit(one) for one in evidence_of(replies, PLAIN)]
    other = replace(judged, agreements=tuple(reworded(one) for one in judged.agreements))
    assert judged.agreements
    assert decided(spec, case, judged, exhibits) == decided(spec, case, other, exhibits)


def test_beside_an_output_that_is_not_offered_other_reasons_are_left_out_whatever_they_say() -> None:
    tally = Tally(spec=SPECS["normalizes_by_the_batch"])
    tally.missing = {Missing("not offered", "there is none"), Missing("refused", "dx is not offered")}
    assert _nothing_compared(tally) == "there is none"
    tally.missing = {Missing("not asked", "dx is not offered"), Missing("refused", "no")}
    assert _nothing_compared(tally) == "dx is not offered; no"
