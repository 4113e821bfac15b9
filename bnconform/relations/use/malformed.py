"""Malformed calls made from a case: an array of another shape than x asks for, which must be refused.

Rules: an error is right, of whatever class, and says something only where the same case with the right array is
answered; an outcome is wrong, whatever is in it, as whoever made the mistake learns nothing of it. Values that are
left out or added are ordinary ones of the case, so that nothing but the shape is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.contract.checks import MALFORMED, array_of, is_malformed, malformed_shape
from bnconform.contract.memo import once
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import Raised
from bnconform.engine.agreement import Agreement, hold, not_asked, not_offered
from bnconform.engine.spec import NoOutcomeError, Subject


@once
def malformed(case: Case, word: str) -> Case | None:
    """Returns the case malformed by a word of MALFORMED; None where it has no such array, or it would be none."""
    name = array_of(word)
    array = getattr(case, name)
    if array is None or not is_malformed(word, array.shape):
        return None
    shape = malformed_shape(word, name, array.shape)
    if shape[0] == 1 and word.endswith("_shorter"):  # one value for two is a single one, which has a word of its own
        return None
    changed = array[None] if len(shape) > array.ndim else array[np.arange(shape[0]) % len(array)]
    without = {} if name in (*PER_CHANNEL[2:], "dy") else {"dy": None}  # whose gradient would have which shape?
    return replace(case, **{name: changed, **without}, malformed=word)


def refusals(bn: Subject, case: Case, words: Sequence[str]) -> list[Agreement]:
    """Judges whether the case is refused with an error when it is malformed in each of these ways."""
    asked = [(word, made) for word in words if (made := malformed(case, word)) is not None]
    if not asked:
        return [not_asked("its arrays have no other such shape", quantity="refusal")]
    return [_refusal(bn, case, made, word) for word, made in asked]


def refusals_of_averages(bn: Subject, case: Case, words: Sequence[str]) -> list[Agreement]:
    """Judges whether training is refused when the running statistics are malformed, of one that returns new ones."""
    found = refusals(bn, case, words[:1])
    kept = bn(case).running_mean if all(one.missing is None for one in found) else None
    if kept is None:  # asked no further, as each word costs some a compilation
        return [not_offered("running_mean", quantity="refusal")]
    return [*found, *refusals(bn, case, words[1:])]


def refused_or_right(bn: Subject, case: Case, word: str) -> Agreement:
    """Judges whether the malformed case is refused with an error, or has the y of the right one."""
    made = malformed(case, word)
    if made is None:
        return not_asked("its arrays have no other such shape", quantity="refusal")
    quantity = f"y of a call in which {MALFORMED[word]}"
    if isinstance(_answer(bn, case, made), Raised):
        return replace(hold(np.ones(1), quantity=quantity, silent=True), aspect=word)
    y, right = bn.output(made, "y"), bn.output(case, "y")
    kept = y == right if y.shape == right.shape else np.zeros(1)
    return replace(hold(kept, quantity=quantity), aspect=word)


def _refusal(bn: Subject, case: Case, made: Case, word: str) -> Agreement:
    refused = isinstance(_answer(bn, case, made), Raised)
    quantity = f"the refusal of a call in which {MALFORMED[word]}"
    return replace(hold(np.full(1, refused), quantity=quantity, silent=refused), aspect=word)


def _answer(bn: Subject, case: Case, made: Case) -> Raised | Outcome:
    """Returns the answer to a malformed case; ends the property where that is none, or the right case has none: who
    gives no gradient reads no dy."""
    reply = bn.reply(made)  # asked first: who takes no malformed case is asked nothing else
    if not isinstance(reply, Raised | Outcome):
        raise NoOutcomeError(reply)
    bn.output(case, "dx" if array_of(str(made.malformed)) == "dy" else "y")
    return reply
