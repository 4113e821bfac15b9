"""What a record says of asking the same case again: fields for code, and the end of a reason for people.

Rules: what is flaky is always told with the number of calls that showed it; what one call showed and others did not is
told with the first finding behind it, and held against nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from bnconform.contract.text import clipped
from bnconform.engine.asking.repetition import Unrepeated
from bnconform.engine.tally import Tally
from bnconform.results.records import Repetition, UnrepeatedRecord

MOST_TOLD = 3
"""How many calls that did not repeat are told in a reason."""


def repetition_of(tally: Tally) -> Repetition | None:
    """Returns in how many calls of the same case a failure was shown; None where it was not asked again."""
    found = tally.repetition
    return None if found is None else {"shown": found.shown, "asked": found.asked}


def unrepeated_records(found: Sequence[Unrepeated]) -> list[UnrepeatedRecord]:
    """Returns what calls showed that did not repeat, as a record holds it."""
    return [{"what": clipped(one.what), "shown": one.shown, "asked": one.asked} for one in found]


def repetition_words(tally: Tally, unrepeated: Sequence[Unrepeated]) -> list[str]:
    """Returns in words what is flaky in a finding, and what did not repeat on the way to it."""
    words = []
    if tally.flaky and tally.verdict == "fails" and tally.repeated is not None:
        words.append(f"flaky: {_calls(tally.repeated.shown, tally.repeated.asked)} showed it")
    elif tally.flaky:
        words.append("flaky")
    words += [f"{_calls(one.shown, one.asked)}: {one.what}; that is not held against it"
              for one in unrepeated[:MOST_TOLD]]  # fmt: skip
    more = len(unrepeated) - MOST_TOLD
    return [*words, *([f"{more} more calls did not repeat"] if more > 0 else [])]


def _calls(shown: int, asked: int) -> str:
    return f"{shown} of {asked} calls of the same case"
