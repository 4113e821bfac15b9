"""A runner asks its host, counts, and after a hang asks with less patience."""

from __future__ import annotations

import time

import pytest
from worlds.hosts import make

from bnconform import Case, Outcome
from bnconform.contract.reply import Crashed, NotOffered, Reply, TimedOut
from bnconform.engine.runner import Runner

HANG = TimedOut(60.0)


class Answering:
    """A host that gives the replies it was made with, in turn, and remembers with what limit it was asked."""

    def __init__(self, *replies: Reply | type[KeyboardInterrupt], takes: float = 0.0) -> None:
        self.timeout, self.takes = 60.0, takes
        self.replies, self.limits, self.names = list(replies), [], []

    def run(self, name: str, case: Case) -> Reply:
        self.names.append(name)
        self.limits.append(self.timeout)
        time.sleep(self.takes)
        reply = self.replies.pop(0)
        if isinstance(reply, type):
            raise reply
        return reply


def ask(host: Answering) -> Runner:
    run = Runner(lambda: host, "bn.norm")
    for _ in list(host.replies):
        run(make())
    return run


def test_a_runner_asks_for_its_implementation_and_counts_the_calls() -> None:
    host = Answering(Outcome(), NotOffered("no"), Crashed("SIGABRT", ""))
    run = ask(host)
    assert (run.calls, host.names, host.limits) == (3, ["bn.norm"] * 3, [60.0] * 3)
    assert run.impatient is None


def test_replies_are_handed_on_as_they_are() -> None:
    host = Answering(HANG, NotOffered("no"))
    run = Runner(lambda: host, "bn.norm")
    assert run(make()) is HANG
    assert run(make()) == NotOffered("no")


def test_the_full_limit_is_waited_for_once() -> None:
    host = Answering(HANG, HANG, Outcome())
    assert ask(host).impatient == 5.0
    assert host.limits == [60.0, 5.0, 5.0]
    assert host.timeout == 60.0


def test_a_slow_implementation_is_given_twenty_times_its_slowest_good_call() -> None:
    host = Answering(Outcome(), HANG, Outcome(), takes=0.3)
    run = ask(host)
    assert run.impatient is not None
    assert run.impatient >= 20 * 0.3
    assert host.limits == [60.0, 60.0, min(60.0, run.impatient)]


def test_a_limit_that_is_short_already_stays() -> None:
    host = Answering(TimedOut(2.0), TimedOut(2.0))
    host.timeout = 2.0
    ask(host)
    assert host.limits == [2.0, 2.0]


def test_an_interrupt_leaves_the_hosts_limit_as_it_was() -> None:
    host = Answering(HANG, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        ask(host)
    assert host.timeout == 60.0
