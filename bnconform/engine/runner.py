"""A Runner asks its host, and after a hang asks with less patience; whatever answers cases as it does is an Ask.

Rules: a runner returns replies and never raises for an act of the implementation; only one full time limit is spent on
an implementation that hangs: later calls get the greater of five seconds and twenty times its slowest good call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from bnconform.cases.delivery import without_averages
from bnconform.cases.strategies import short
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import NotOffered, Reply, TimedOut
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


class Runner:
    """Runs cases of one implementation on a host. `calls` counts them; `impatient` is the lowered limit, or None."""

    def __init__(
        self,
        host: Callable[[], Answers],
        implementation: str,
        features: Collection[str] = (),
        ranks: Collection[int] = (),
        fixed: Mapping[str, float | None] | None = None,
    ) -> None:
        self._host = host
        self._implementation = implementation
        self._features = frozenset(features)
        self._ranks = frozenset(ranks)
        self._fixed = {name: value for name, value in (fixed or {}).items() if value is not None}
        self._slowest = 0.0
        self.calls = 0
        self.impatient: float | None = None

    @classmethod
    def of(cls, target: Target, host: Callable[[], Answers]) -> Runner:
        """Returns what asks the implementation of a target. host: starts or returns its host."""
        one = target.implementation
        fixed = {"eps": one.fixed_eps, "momentum": one.fixed_momentum}
        return cls(host, one.name, one.features, one.ranks, fixed)

    def __call__(self, case: Case) -> Reply:
        """Returns the implementation's answer to `case`; it is asked for no feature or rank that it lacks,
        and for no setting but the one that it has."""
        lacking = case.needs - self._features
        if lacking:
            return NotOffered(f"{' and '.join(sorted(lacking))}: not among its features")
        if self._ranks and case.x.ndim not in self._ranks:
            return NotOffered(f"rank {case.x.ndim}: not among its ranks")
        for name, value in self._fixed.items():
            if getattr(case, name) not in (value, *short(value, value)):
                return NotOffered(f"{SETTING[name]} is fixed at {value:g}: this asks for another")
        self.calls += 1
        host = self._host()
        full = host.timeout
        started = time.perf_counter()
        try:
            if self.impatient is not None:
                host.timeout = min(full, self.impatient)
            reply = host.run(self._implementation, case)
        finally:
            host.timeout = full
        if isinstance(reply, Outcome):
            self._slowest = max(self._slowest, time.perf_counter() - started)
        elif isinstance(reply, TimedOut) and self.impatient is None:
            self.impatient = max(5.0, 20 * self._slowest)
        return reply
