"""A failure is judged again in a fresh host before it is believed, and what does not repeat is flaky."""

from __future__ import annotations

from worlds.searches import SPECS, Here, correct, implementation

from bnconform import Case, Outcome
from bnconform.contract.implementation import Described
from bnconform.contract.reply import Crashed, Raised, Reply
from bnconform.engine.asking.again import judge_again
from bnconform.engine.asking.repetition import Repeated
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target

Y = "normalizes_by_the_batch"


class Turning(Here):
    """A host whose first calls, until it is renewed, are wrong; `then` says of which calls behind that, too."""

    def __init__(self, wrong: Reply | None, then: tuple[int, ...] = ()) -> None:
        super().__init__(implementation(correct))
        self.wrong, self.then, self.renewed = wrong, then, 0
        self.calls = 0

    def run(self, name: str, case: Case) -> Reply:
        self.calls += 1
        if self.renewed and self.calls not in self.then:
            return super().run(name, case)
        right = correct(case)
        return Outcome(y=right.y + 1) if self.wrong is None and right.y is not None else self.wrong or right

    def close(self) -> None:
        self.renewed, self.calls = self.renewed + 1, 0


def judged(host: Turning) -> Tally:
    target = Target(implementation=Described.of(host.implementation), dtype="float32")
    run = Runner(lambda: host, "bn.norm")
    found = search([SPECS[Y]], target, run, Effort(examples=5))
    judge_again(found.values(), target, run)
    return found[Y]


def test_wrong_values_that_a_fresh_host_does_not_show_are_flaky() -> None:
    tally = judged(host := Turning(None))
    assert (tally.verdict, tally.repetition, tally.flaky, host.renewed) == ("fails", Repeated(1, 3), True, 1)


def test_wrong_values_that_every_call_shows_are_not() -> None:
    tally = judged(Turning(None, then=(1, 2)))
    assert (tally.verdict, tally.repetition, tally.flaky) == ("fails", Repeated(3, 3), False)


def test_an_exception_in_some_calls_is_flaky_with_their_number() -> None:
    assert judged(Turning(Raised("ValueError", "no", ""), then=(2,))).repetition == Repeated(2, 3)


def test_another_exception_is_not_the_same_again() -> None:
    class Other(Turning):
        def run(self, name: str, case: Case) -> Reply:
            return Raised("KeyError", "no", "") if self.renewed else super().run(name, case)

    assert judged(Other(Raised("ValueError", "no", ""))).repetition == Repeated(1, 3)


def test_what_conforms_needs_no_fresh_host() -> None:
    host = Turning(None)
    host.renewed = 1
    assert (judged(host).repetition, host.renewed) == (None, 1)


def test_a_crash_that_no_fresh_host_shows_is_no_verdict() -> None:
    tally = judged(Turning(Crashed("SIGSEGV", "")))
    assert (tally.verdict, tally.examples, tally.repetition) == ("conforms", 5, None)
