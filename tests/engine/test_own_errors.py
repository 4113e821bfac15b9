"""An error of bnconform's own costs the one finding it happened in, is told as its own, and hides no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from worlds.searches import SPECS, Here, implementation, miniature

from bnconform import Case
from bnconform.contract.address import AdapterFailure
from bnconform.contract.implementation import Described
from bnconform.contract.reply import Reply
from bnconform.engine import search as searching
from bnconform.engine.agreement import Agreement
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.spec import Spec, Subject
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target

GOOD = SPECS["normalizes_by_the_batch"]
AVERAGES = SPECS["averages_the_running_mean"]


def raising(after: int) -> Spec:
    """Returns a spec of GOOD's family whose own code raises on a later case."""
    seen: Iterator[int] = iter(range(1000))

    def check(bn: Subject, case: Case) -> Agreement:
        if next(seen) >= after:
            raise IndexError("list index out of range")
        return bn.agrees(case, "y")

    return replace(GOOD, id="raises_itself", check=check, equations=())


def judged(name: str, *specs: Spec, host: Here | None = None) -> dict[str, Tally]:
    host = host or Here(miniature(name))
    target = Target(implementation=Described.of(host.implementation), dtype="float32")
    return search(specs, target, Runner.of(target, lambda: host), Effort(examples=8))


@pytest.mark.parametrize("after", [0, 3])
def test_a_spec_that_raises_is_set_aside_and_its_siblings_are_judged(after: int) -> None:
    found = judged("momentum_swapped", GOOD, raising(after), AVERAGES)
    odd = found["raises_itself"]
    assert (odd.verdict, odd.lost, odd.examples) == ("unsupported", True, after)
    assert odd.error is not None
    assert (odd.error.words, odd.error.during) == ("IndexError: list index out of range", "the search")
    assert odd.error.case is not None
    assert "in check" in odd.error.traceback
    assert (found[GOOD.id].verdict, found[AVERAGES.id].verdict) == ("conforms", "fails")
    assert found[GOOD.id].examples == 8


def test_a_failure_is_kept_unshrunk_where_shrinking_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError("shrunk to nothing")

    monkeypatch.setattr(searching, "witness", broken)
    tally = judged("momentum_swapped", AVERAGES)[AVERAGES.id]
    assert (tally.verdict, tally.lost) == ("fails", False)
    assert tally.error is not None
    assert (tally.error.during, tally.error.words) == ("shrinking", "IndexError: shrunk to nothing")
    assert tally.failure is not None
    assert tally.failure.case.channels > 2


def test_an_error_outside_of_every_spec_is_noted_in_those_without_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("strategy")

    monkeypatch.setattr(searching, "draw_until", broken)
    found = judged("momentum_swapped", GOOD, AVERAGES)
    assert (found[GOOD.id].lost, found[GOOD.id].verdict) == (True, "unsupported")
    assert (found[AVERAGES.id].error, found[AVERAGES.id].verdict) == (None, "fails")


def test_an_adapter_that_does_not_load_again_is_no_error_of_bnconform() -> None:
    class Gone(Here):
        def run(self, name: str, case: Case) -> Reply:
            raise AdapterFailure("gone")

    (tally,) = judged("", GOOD, host=Gone(implementation(miniature("welford").run))).values()
    assert (tally.verdict, tally.error) == ("unsupported", None)
    assert tally.failure is not None
    assert tally.failure.judged.broken
