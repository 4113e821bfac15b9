"""A runner asks its host, asks again what may come from outside, and after a hang asks with less patience."""

from __future__ import annotations

import time

import pytest
from worlds.hosts import make

from bnconform import Case, Outcome
from bnconform.contract.address import AdapterFailure
from bnconform.contract.reply import Broken, Crashed, NotOffered, Raised, Reply, TimedOut
from bnconform.engine.asking.repetition import Unrepeated
from bnconform.engine.runner import Runner

HANG, CRASH, GOOD = TimedOut(60.0), Crashed("SIGKILL", ""), Outcome()
POOR, STOPPED = Raised("MemoryError", "", ""), Raised("KeyboardInterrupt", "", "")


class Answering:
    """A host that gives the replies it was made with, in turn, and remembers with what limit it was asked."""

    def __init__(self, *replies: Reply | type[KeyboardInterrupt] | Exception, takes: float = 0.0) -> None:
        self.timeout, self.takes = 60.0, takes
        self.replies, self.limits, self.names, self.renewed = list(replies), [], [], 0

    def run(self, name: str, case: Case) -> Reply:
        self.names.append(name)
        self.limits.append(self.timeout)
        time.sleep(self.takes)
        reply = self.replies.pop(0)
        if isinstance(reply, type | Exception):
            raise reply
        return reply

    def close(self) -> None:
        self.renewed += 1


def asked(*replies: Reply | type[KeyboardInterrupt] | Exception) -> tuple[Reply, Runner, Answering]:
    """Returns the reply to one case, from a host that gives these in turn, and all of them must be asked for."""
    host = Answering(*replies)
    run = Runner(lambda: host, "bn.norm")
    reply = run(make())
    assert host.replies == []
    return reply, run, host


def ask(host: Answering) -> Runner:
    run = Runner(lambda: host, "bn.norm")
    while host.replies:
        run(make())
    return run


def test_a_runner_asks_for_its_implementation_and_counts_the_calls() -> None:
    host = Answering(GOOD, NotOffered("no"), CRASH, CRASH)
    run = ask(host)
    assert (run.calls, host.names, host.limits) == (4, ["bn.norm"] * 4, [60.0] * 4)
    assert run.impatient is None


def test_a_good_reply_is_handed_on_as_it_is() -> None:
    assert asked(GOOD)[0] is GOOD
    assert asked(NotOffered("no"))[0] == NotOffered("no")


@pytest.mark.parametrize("bad", [HANG, CRASH])
def test_a_crash_or_hang_is_believed_once_a_fresh_host_shows_it_too(bad: Crashed | TimedOut) -> None:
    reply, run, host = asked(bad, bad)
    assert isinstance(reply, type(bad))
    assert (reply.shown, reply.asked, host.renewed, run.unrepeated) == (2, 2, 1, [])


@pytest.mark.parametrize("bad", [HANG, CRASH, POOR, STOPPED])
def test_what_does_not_repeat_is_counted_and_the_good_answer_is_taken(bad: Reply) -> None:
    reply, run, host = asked(bad, GOOD, GOOD)
    assert reply is GOOD
    assert [(one.shown, one.asked) for one in run.unrepeated] == [(1, 3)]
    assert host.renewed == 2


def test_what_is_not_held_against_it_says_what_it_was() -> None:
    assert asked(CRASH, GOOD, GOOD)[1].unrepeated == [Unrepeated("its process ended: SIGKILL", 1, 3)]


@pytest.mark.parametrize(
    ("replies", "kind", "shown"),
    [
        ((CRASH, GOOD, CRASH), Crashed, 2),
        ((CRASH, HANG, HANG), TimedOut, 2),
        ((CRASH, HANG, CRASH), Crashed, 2),
        ((CRASH, HANG, POOR), Crashed, 1),
    ],
)
def test_two_calls_of_three_decide_and_are_told_as_such(replies: tuple[Reply, ...], kind: type, shown: int) -> None:
    reply, run, _ = asked(*replies)
    assert isinstance(reply, kind)
    assert (reply.shown, reply.asked, run.unrepeated) == (shown, 3, [])  # type: ignore[union-attr]


def test_what_happens_again_and_again_does_not_come_from_outside() -> None:
    host = Answering(*[CRASH, GOOD, GOOD] * 4)
    run = Runner(lambda: host, "bn.norm")
    replies = [run(make()) for _ in range(4)]
    assert [type(reply) for reply in replies] == [Outcome] * 3 + [Crashed]
    assert (replies[-1].shown, replies[-1].asked) == (1, 3)  # type: ignore[union-attr]


@pytest.mark.parametrize("bad", [POOR, STOPPED])
def test_what_may_come_from_outside_and_repeats_is_an_exception_like_any_other(bad: Reply) -> None:
    reply, run, host = asked(bad, bad)
    assert (reply, run.unrepeated, host.renewed) == (bad, [], 1)


def test_the_full_limit_is_waited_for_once() -> None:
    host = Answering(HANG, HANG, GOOD)
    assert ask(host).impatient == 5.0
    assert host.limits == [60.0, 10.0, 5.0], "a fresh host, which may have to compile, has a little more"
    assert host.timeout == 60.0


def test_a_slow_implementation_is_given_twenty_times_its_slowest_good_call() -> None:
    host = Answering(GOOD, GOOD, HANG, HANG, GOOD, takes=0.3)
    run = ask(host)
    assert run.impatient is not None
    assert run.impatient >= 20 * 0.3
    assert (host.limits[:3], host.limits[4]) == ([60.0] * 3, min(60.0, run.impatient))


def test_the_first_call_which_loads_and_compiles_does_not_say_how_long_later_ones_take() -> None:
    host = Answering(GOOD, HANG, HANG, GOOD, takes=2.0)
    run = ask(host)
    assert run.impatient is not None
    assert 3 * 2.0 <= run.impatient < 20 * 2.0


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


def test_a_host_that_does_not_start_is_the_adapters_fault() -> None:
    assert asked(AdapterFailure("taken"))[0] == Broken("taken")


LOST = Raised("AcceleratorError", "CUDA error: an illegal memory access was encountered", "")


def test_an_error_of_the_device_that_a_fresh_process_does_not_repeat_is_of_an_earlier_case() -> None:
    reply, run, host = asked(LOST, GOOD, GOOD)
    assert reply is GOOD
    assert host.renewed == 2
    assert len(run.unrepeated) == 1


def test_after_an_error_of_the_device_that_repeats_the_next_case_has_a_process_of_its_own() -> None:
    reply, run, host = asked(LOST, LOST)
    assert reply is LOST
    assert host.renewed == 2  # once to ask again, and once for the next case
    host.replies.append(GOOD)
    assert run(make()) is GOOD
    assert not run.unrepeated


def test_another_error_that_speaks_of_a_device_is_believed_at_once() -> None:
    refusal = Raised("ValueError", "SyncBatchNorm expected input tensor to be on GPU", "")
    reply, _, host = asked(refusal)
    assert reply is refusal
    assert host.renewed == 0
