"""The check that an adapter leaves an argument out if the case asks for its default, and hands on no number instead.

Rules: the case holds another number than the documented one, to tell the two apart; an output of neither is for the
specs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bnconform.cases.shapes import POOL
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome
from bnconform.engine.runner import Ask
from bnconform.engine.smoke.answers import answer_of, answers_to
from bnconform.engine.smoke.cases import inference, training
from bnconform.engine.target import Target

TOLD = {"eps": ("ε", "y"), "momentum": ("the momentum", "running_mean")}
"""In words, and the output that tells it."""


def handed_on(target: Target, ask: Ask) -> tuple[Case, str] | None:
    """Returns the case and in words that an argument was handed on which was to be left out; None where none was."""
    layouts = [layout for rank in sorted(POOL) if rank in target.traits.ranks for layout in POOL[rank]]
    if not layouts:
        return None
    layout = layouts[min(1, len(layouts) - 1)]  # the one that the specs of defaults compile for
    step, seen = training(layout, target.dtype), inference(layout, target.dtype)
    eps, momentum = target.traits.default_eps, target.traits.default_momentum
    asked: list[tuple[Case, dict[str, Any]]] = []
    if eps is not None:
        asked = [(replace(case, eps=2.0, default_eps=True), {"eps": eps}) for case in (step, seen)]
    if momentum is not None:
        other = 0.25 if momentum != 0.25 else 0.5
        asked.append((replace(step, momentum=other, default_momentum=True), {"momentum": momentum}))
    for case, documented in asked:
        bare = replace(case, dy=None)
        for name in documented:
            if _is_handed_on(target, ask, bare, replace(bare, **documented), TOLD[name][1]):
                return bare, _words(bare, name)
    return None


def _is_handed_on(target: Target, ask: Ask, case: Case, meant: Case, told: str) -> bool:
    """Returns whether the output `told` follows from the number in the case and cannot follow from the default."""
    reply = ask(case)
    if not isinstance(reply, Outcome) or getattr(reply, told) is None:
        return False
    return answer_of(meant, reply, target.dialect).lies_at(told, answers_to(case, target.dialect)[told])


def _words(case: Case, name: str) -> str:
    what, told = TOLD[name]
    got = f"{told} is what {what} = {getattr(case, name):g} gives, which the case says to leave out (default_{name})"
    return f"{got}; expected a call without that argument"
