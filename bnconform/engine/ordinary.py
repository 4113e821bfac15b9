"""Whether an implementation answers ordinary cases, without which its silence on others says nothing.

Rules: only a statement that silence alone kept is put to this test; the ordinary case has the mode, the rank, the
parameters and the settings of the case that was met with silence; an answer is numbers, not right ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bnconform.cases.shapes import POOL
from bnconform.cases.strategies import Traits
from bnconform.contract.case import PER_CHANNEL, Case
from bnconform.contract.outcome import OUTPUTS, Outcome
from bnconform.contract.reply import Reply, in_words
from bnconform.engine.runner import Ask, asked
from bnconform.engine.smoke.cases import inference, training
from bnconform.engine.tally import Ordinary, Tally
from bnconform.engine.target import Target


def ask_ordinary(tally: Tally, target: Target, ask: Ask) -> None:
    """Asks ordinary cases where silence alone kept a statement, and notes in the tally what came of them."""
    if tally.silent is None or tally.spoken or tally.failure is not None:
        return
    tally.ordinary = answer_to_ordinary(tally.silent, target, ask)


def answer_to_ordinary(case: Case, target: Target, ask: Ask) -> Ordinary:
    """Returns what came of ordinary cases like `case`: an answer to one of them is enough."""
    found = Ordinary("no ordinary case is of its rank")
    for like in ordinary_cases(case, target.traits):
        posed, reply = asked(ask, like)
        found = Ordinary(_amiss(posed, reply))
        if found.answered:
            break
    return found


def ordinary_cases(case: Case, traits: Traits) -> Iterator[Case]:
    """Yields small cases of whole numbers, of shapes that are compiled for anyway, with the parameters of `case`.

    They ask for no gradient, which silence never kept: an implementation need not offer one.
    """
    for layout in POOL[case.x.ndim if case.x.ndim in POOL else min(POOL)]:
        made = training(layout, traits.dtype) if case.mode == "train" else inference(layout, traits.dtype)
        absent: dict[str, Any] = {name: None for name in PER_CHANNEL if getattr(case, name) is None}
        yield replace(made, dy=None, eps=case.eps, momentum=case.momentum, watched=case.watched, **absent)


def _amiss(case: Case, reply: Reply) -> str:
    """Returns what is amiss with the reply to an ordinary case, in words; empty where it is an answer."""
    what = f"{'training' if case.mode == 'train' else 'inference'} of shape {case.x.shape}"
    if not isinstance(reply, Outcome):
        return f"{what}: {in_words(reply)}"
    arrays = {name: getattr(reply, name) for name in OUTPUTS if getattr(reply, name) is not None}
    told = {"y": arrays["y"]} if "y" in arrays else arrays
    odd = [name for name, array in told.items() if not np.isfinite(array.astype(np.float64)).all()]
    if odd:
        return f"{what}: {odd[0]} is not finite"
    return "" if told else f"{what}: it returned no output"
