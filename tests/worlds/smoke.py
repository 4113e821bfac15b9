"""A world for tests of the smoke test: adapters of a few lines, put to it in this process."""

from __future__ import annotations

from collections.abc import Callable

from bnconform import Case, Implementation, Outcome
from bnconform.contract.implementation import Described
from bnconform.engine.runner import Runner
from bnconform.engine.smoke import Smoke, smoke
from bnconform.engine.target import Target
from worlds.searches import Here, implementation

Run = Callable[[Case], Outcome]


def smoked(about: Run | Implementation | Here, dtype: str = "float32") -> Smoke:
    """Returns the result of the smoke test for an adapter in this process."""
    one = about if isinstance(about, Implementation | Here) else implementation(about)
    host = one if isinstance(one, Here) else Here(one)
    described = Described.of(host.implementation)
    target = Target(implementation=described, dtype=dtype)
    return smoke(target, Runner.of(target, lambda: host))


def said(found: Smoke) -> str:
    """Returns why the adapter is broken, in words; "" if it is not."""
    reply = found.broken.judged.reply if found.broken else None
    return getattr(reply, "message", "")
