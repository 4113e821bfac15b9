"""An implementation that never answers is asked a few times for each mode, and one that sometimes does always is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds.hosts import make

from bnconform import Case, Outcome
from bnconform.contract.reply import Crashed, Raised, Reply, TimedOut, in_words
from bnconform.engine.asking.patience import MOST_WAITED, Patience
from bnconform.engine.runner import Runner

HANG, CRASH = TimedOut(5.0), Crashed("SIGSEGV", "")
GOOD = Outcome()


class Host:
    """A host that replies as a function of the case says, and counts its calls."""

    def __init__(self, reply: Callable[[Case], Reply]) -> None:
        self.timeout, self.reply, self.calls = 60.0, reply, 0

    def run(self, name: str, case: Case) -> Reply:
        self.calls += 1
        return self.reply(case)

    def close(self) -> None:
        pass


def cases(count: int, mode: str = "train", dtype: str = "float32") -> list[Case]:
    """Cases of two ranks in turn."""
    own = {"running_mean": np.zeros(2, dtype), "running_var": np.ones(2, dtype)} if mode == "infer" else {}
    return [replace(make((3 + n, 2) if n % 2 else (3 + n, 2, 2), dtype), mode=mode, **own) for n in range(count)]  # type: ignore[arg-type]


def asked(host: Host, many: list[Case]) -> list[Reply]:
    run = Runner(lambda: host, "bn.norm")
    return [run(case) for case in many]


@pytest.mark.parametrize(("bad", "word"), [(HANG, "hangs"), (CRASH, "crashes")])
def test_what_never_answers_is_asked_a_few_times_and_then_says_so(bad: Reply, word: str) -> None:
    host = Host(lambda case: bad)
    last = asked(host, cases(20))[-1]
    assert host.calls == 3
    assert isinstance(last, type(bad))
    assert last.before == 3  # type: ignore[union-attr]
    assert in_words(last).endswith(f"; not asked again after 3 {word}")


def test_another_mode_and_another_dtype_are_asked_for_themselves() -> None:
    host = Host(lambda case: HANG if case.mode == "train" else GOOD)
    replies = asked(host, [*cases(10), *cases(10, "infer"), *cases(10, dtype="float64")])
    assert host.calls == 3 + 10 + 3
    assert all(isinstance(reply, Outcome) for reply in replies[10:20])


@pytest.mark.parametrize("answer", [GOOD, Raised("ValueError", "no", "")])
def test_one_answer_keeps_it_asked_for_good(answer: Reply) -> None:
    host = Host(lambda case: answer if case.x.shape[0] == 3 else CRASH)
    replies = asked(host, [make((3 + n, 2)) for n in range(20)])
    assert host.calls == 1 + 19 * 2
    assert {reply.before for reply in replies[1:]} == {0}  # type: ignore[union-attr]


def test_a_kind_of_question_that_is_never_answered_is_not_asked_again_and_others_are() -> None:
    host = Host(lambda case: GOOD if case.dy is None else HANG)
    plain = [make((3 + n, 2)) for n in range(20)]
    run = Runner(lambda: host, "bn.norm")
    replies = [run(one) for case in plain for one in (case, replace(case, dy=np.ones_like(case.x)))]
    assert all(isinstance(reply, Outcome) for reply in replies[::2])
    assert host.calls == 20 + 3
    assert [reply.before for reply in replies[1::2]] == [0] * 2 + [3] * 18  # type: ignore[union-attr]


def test_crashes_of_one_rank_alone_do_not_condemn_the_others_at_once() -> None:
    host = Host(lambda case: CRASH if case.x.ndim == 2 else GOOD)
    replies = asked(host, [*[make((3 + n, 2)) for n in range(4)], make((3, 2, 2))])
    assert isinstance(replies[-1], Outcome)


def test_what_hangs_now_and_then_is_given_so_much_time_in_a_dtype_and_no_more() -> None:
    patience = Patience()
    narrow, wide = cases(1)[0], cases(1, dtype="float64")[0]
    while patience.lost("float32") is None:
        patience.note(narrow, GOOD, 100.0)  # what is answered costs nothing here
        patience.note(narrow, HANG, MOST_WAITED / 3 + 1)
    assert patience.lost("float32") == "3 calls in float32 hung, 183 s in all, and it is asked no more"
    patience.note(wide, HANG, 5.0)
    assert patience.lost("float64") is None
