"""A Runner asks its host, and asks again before it believes a crash or a hang; what answers as it does is an Ask.

Rules: a runner returns replies and never raises for an act of the implementation. What may come from outside, as
repetition.py says, is asked again in a fresh host, and only what repeats is handed on. Only one full time limit is
spent on an implementation that hangs: later calls get the greater of five seconds, twenty times its slowest good call
and three times its first, which loads and compiles; one that never answers, or hangs again and again, is asked no more,
as patience.py says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from bnconform.cases.delivery import without_averages
from bnconform.cases.strategies import short
from bnconform.contract.address import NotInstalled
from bnconform.contract.case import Case
from bnconform.contract.errors import ContractError
from bnconform.contract.reply import Broken, NotOffered, Reply
from bnconform.engine.asking.patience import Patience
from bnconform.engine.asking.repetition import Unrepeated, breaks_the_device, is_doubtful, settled
from bnconform.engine.target import Target

SETTING = {"eps": "ε", "momentum": "the momentum"}
Ask = Callable[[Case], Reply]
"""What answers cases: a Runner, or whatever stands in for one."""


def asked(ask: Ask, case: Case) -> tuple[Case, Reply]:
    """Returns the case that was asked with its reply: one without running statistics, where none are taken."""
    reply = ask(case)
    if not isinstance(reply, NotOffered) or case.mode == "infer" or case.running_mean is None:
        return case, reply
    without = without_averages(case)
    return without, ask(without)


class Answers(Protocol):
    """The part of a host that a runner needs."""

    timeout: float

    def run(self, name: str, case: Case) -> Reply:
        """Returns the reply of the implementation `name` to `case`."""
        ...

    def close(self) -> None:
        """Ends its process; the next call is answered by a fresh one."""
        ...


class Runner:
    """Runs cases of one implementation on a host. `calls` counts them; `unrepeated` is what one call showed and others
    of the same case did not."""

    def __init__(
        self,
        host: Callable[[], Answers],
        implementation: str,
        features: Collection[str] = (),
        ranks: Collection[int] = (),
        fixed: Mapping[str, float | None] | None = None,
        only: Collection[str] = (),
    ) -> None:
        self._host = host
        self._implementation = implementation
        self._features = frozenset(features)
        self._ranks = frozenset(ranks)
        self._fixed = {name: value for name, value in (fixed or {}).items() if value is not None}
        self._only = frozenset(only)
        self._patience = Patience()
        self.calls = 0
        self.unrepeated: list[Unrepeated] = []

    @classmethod
    def of(cls, target: Target, host: Callable[[], Answers]) -> Runner:
        """Returns what asks the implementation of a target. host: starts or returns its host."""
        one = target.implementation
        fixed = {"eps": one.fixed_eps, "momentum": one.fixed_momentum}
        return cls(host, one.name, one.features, one.ranks, fixed, one.only)

    @property
    def impatient(self) -> float | None:
        """The limit of a call once one has hung, in seconds; None as long as none has."""
        return self._patience.lowered

    def lost(self, dtype: str) -> str | None:
        """Returns in words why no further statement in `dtype` is to be begun; None where one may be."""
        return self._patience.lost(dtype)

    def __call__(self, case: Case) -> Reply:
        """Returns the implementation's answer to `case`; it is asked for no feature or rank that it lacks,
        and for no setting but the one that it has."""
        lacking = case.needs - self._features
        if lacking:
            return NotOffered(f"{' and '.join(sorted(lacking))}: not among its features")
        if self._only and not case.needs & self._only:
            return NotOffered(f"it takes cases for {' or '.join(sorted(self._only))} alone")
        if self._ranks and case.x.ndim not in self._ranks:
            return NotOffered(f"rank {case.x.ndim}: not among its ranks")
        for name, value in self._fixed.items():
            if getattr(case, name) not in (value, *short(value, value)):
                return NotOffered(f"{SETTING[name]} is fixed at {value:g}: this asks for another")
        unasked = self._patience.given_up(case)
        if unasked is not None:
            return unasked
        reply = self._once(case)
        if is_doubtful(reply) and not self._patience.believes(case, reply):
            reply, odd = settled(reply, lambda: self._again(case), forgiven=len(self.unrepeated))
            self.unrepeated += [] if odd is None else [odd]
        if breaks_the_device(reply):
            self.renew()
        return reply

    def renew(self) -> None:
        """Has the next case answered by a fresh host."""
        self._host().close()

    def _again(self, case: Case) -> Reply:
        self.renew()
        return self._once(case, again=True)

    def _once(self, case: Case, *, again: bool = False) -> Reply:
        self.calls += 1
        host = self._host()
        full = host.timeout
        started = time.perf_counter()
        try:
            host.timeout = self._patience.limit(full, again=again)
            reply = host.run(self._implementation, case)
        except (NotInstalled, ContractError) as error:  # of a host that does not start
            return Broken(str(error))
        finally:
            host.timeout = full
        self._patience.note(case, reply, time.perf_counter() - started, again=again)
        return reply
