"""The smoke test itself: asks the cases one after the other, and stops at the first mistake of the adapter.

Rules: at most ten cases are computed, and three more of arguments left out; a crash or a hang ends the test, since
a restart costs seconds, and the specs will report it; a missing offer is nobody's fault.
"""

from __future__ import annotations

from bnconform.contract.case import Case
from bnconform.contract.memory import InputOverwritten
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import Broken, Crashed, Raised, Reply, TimedOut
from bnconform.engine.runner import Ask, asked
from bnconform.engine.smoke.answers import Answer, answer_of
from bnconform.engine.smoke.cases import bare, odd_axis, smoke_cases
from bnconform.engine.smoke.defaults import handed_on
from bnconform.engine.smoke.mistakes import mistake_in, overwritten, read_by_another_axis
from bnconform.engine.smoke.result import Smoke, broken_by
from bnconform.engine.smoke.slips import GRADIENTS, notes
from bnconform.engine.target import Target

CURE = "correct the adapter"


def smoke(target: Target, ask: Ask) -> Smoke:
    """Returns the result of the smoke test for the adapter of an implementation in one dtype."""
    answers: list[Answer] = []
    refused: list[Case] = []
    for case in smoke_cases(target.traits):
        posed, reply = asked(ask, case)
        if isinstance(reply, Crashed | TimedOut):
            return Smoke(notes=notes(answers, target.dialect))
        if isinstance(reply, Raised):
            refused.append(posed)
        mistake = _mistake_of(target, posed, reply, answers)
        if mistake:
            return broken_by(posed, mistake)
    return (
        _by_axis(target, ask, refused)
        or _handed_on(target, ask)
        or _reused(target, answers)
        or Smoke(
            notes=notes(answers, target.dialect), unanswered=bool(refused) and not answers, lacks=_lacking(answers)
        )
    )


def _lacking(answers: list[Answer]) -> tuple[str, ...]:
    """Returns the gradients that are returned nowhere, though others of the same cases are: forgotten, maybe."""
    asked = [one.outcome for one in answers if all(v is not None for v in (one.case.dy, one.case.gamma, one.case.beta))]
    returned = {name for one in asked for name in GRADIENTS if getattr(one, name) is not None}
    return tuple(name for name in GRADIENTS if returned and name not in returned)


def _mistake_of(target: Target, case: Case, reply: Reply, answers: list[Answer]) -> str:
    """Returns in words the mistake that one reply shows in the adapter; adds the answer to `answers`."""
    if isinstance(reply, Broken):
        return reply.message
    if isinstance(reply, Raised) and reply.type == InputOverwritten.__name__ and overwritten(reply.names):
        return _said(target, case, f"{reply.message}; expected a copy of them to be updated")
    if not isinstance(reply, Outcome):
        return ""
    answer = answer_of(case, reply, target.dialect)
    mistake = mistake_in(answer, answers, target.dialect)
    answers.append(answer)
    return _said(target, case, mistake) if mistake else ""


def _by_axis(target: Target, ask: Ask, refused: list[Case]) -> Smoke | None:
    """Asks bare cases, which are answered for any axis: one that was refused with all parameters, and an odd axis."""
    odd = odd_axis(target.traits)
    maps = [bare(case) for case in refused if case.x.ndim > 2 and case.running_mean is not None]
    for case in [*maps[:1], *([odd] if odd is not None else [])]:
        reply = ask(case)
        if isinstance(reply, Outcome):
            mistake = read_by_another_axis(answer_of(case, reply, target.dialect), target.dialect)
            if mistake:
                return broken_by(case, _said(target, case, mistake))
    return None


def _handed_on(target: Target, ask: Ask) -> Smoke | None:
    found = handed_on(target, ask)
    return None if found is None else broken_by(found[0], _said(target, *found))


def _reused(target: Target, answers: list[Answer]) -> Smoke | None:
    changed = [answer for answer in answers if not answer.is_unchanged()]
    if not changed:
        return None
    words = "its arrays changed when it was called again; expected memory that it does not go on using"
    return broken_by(changed[0].case, _said(target, changed[0].case, words))


def _said(target: Target, case: Case, mistake: str) -> str:
    what = "training" if case.mode == "train" else "inference"
    where = f"{what} of {case.x.shape} with the channels on axis {case.axis}"
    return f"{target.implementation.name}, {where}: {mistake}; {CURE}"
