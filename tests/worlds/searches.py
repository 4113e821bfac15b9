"""A world for tests of search, shrinking and findings: implementations of a few lines, judged in this process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bnconform import Case, Dialect, Implementation, Outcome
from bnconform.contract.implementation import Described
from bnconform.contract.reply import Reply
from bnconform.engine.book import all_specs
from bnconform.engine.runner import Runner
from bnconform.engine.search import search
from bnconform.engine.spec import Spec
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target
from bnconform.host.server import answer
from worlds import miniatures

SPECS = {one.id: one for one in all_specs()}
RUNNING = ("averages_the_running_mean", "averages_the_unbiased_variance")
AVERAGES = (
    *RUNNING,
    "averages_the_means_of_all_batches",
    "averages_the_variances_of_all_batches",
    "forgets_the_mean_exponentially",
    "forgets_the_variance_exponentially",
    "averages_without_a_backward_pass",
    "keeps_its_averages_where_the_new_weigh_nothing",
    "replaces_its_averages_where_the_new_weigh_all",
    "keeps_its_averages_with_a_negative_epsilon",
)
FEW = ("normalizes_by_the_batch", "sends_gradients_through_the_statistics", *RUNNING)
DOCUMENTED = {"running_var": "https://example.org/documented"}


class Here:
    """The part of a host that a runner needs, without a process; it remembers the cases that it was asked."""

    def __init__(self, implementation: Implementation) -> None:
        self.timeout, self.implementation = 60.0, implementation
        self.asked: list[Case] = []
        self.beside_reference: set[str] = set()

    def run(self, name: str, case: Case) -> Reply:
        assert name == self.implementation.name
        self.asked.append(case)
        return answer(self.implementation, case, __file__)

    def close(self) -> None:
        """Does nothing: there is no process to renew."""


class Replying(Here):
    """A host whose replies to some cases are made up, as those of a process that died are."""

    def __init__(self, implementation: Implementation, reply: Callable[[Case], Reply | None]) -> None:
        super().__init__(implementation)
        self.reply = reply

    def run(self, name: str, case: Case) -> Reply:
        made_up = self.reply(case)
        return super().run(name, case) if made_up is None else made_up


def miniature(name: str) -> Implementation:
    return next(one for one in miniatures.IMPLEMENTATIONS if one.name == f"miniatures.{name}")


def implementation(run: Callable[[Case], Outcome], dialect: Dialect | None = None, **more: Any) -> Implementation:
    return Implementation(
        name="bn.norm", run=run, dialect=dialect or Dialect(), version="1.2", dtypes=miniatures.DTYPES, **more
    )


def correct(case: Case) -> Outcome:
    with np.errstate(all="ignore"):
        return miniatures.run(miniatures.Mathematics(), case)


def without(*names: str) -> Callable[[Case], Outcome]:
    """Returns a correct implementation that does not offer the outputs of these names."""
    return lambda case: replace(correct(case), **dict.fromkeys(names))


def biased(case: Case) -> Outcome:
    """Averages the biased variance, as some frameworks document that they do."""
    found = correct(case)
    if case.mode != "train" or case.running_var is None:
        return found
    one = case.x.dtype.type
    x = np.moveaxis(case.x, case.axis, -1).reshape(-1, case.channels)
    with np.errstate(all="ignore"):
        variance = miniatures.Mathematics().moments(x)[1]
        rest = one(1) - one(case.momentum)
        return replace(found, running_var=rest * case.running_var + one(case.momentum) * variance)


def searched(
    about: Implementation | Here,
    *ids: str,
    dtype: str = "float32",
    examples: int = 15,
    seed: int = 0,
) -> dict[str, Tally]:
    """Searches the specs of these ids family by family; all specs where none is named."""
    host = about if isinstance(about, Here) else Here(about)
    target = Target(implementation=Described.of(host.implementation), dtype=dtype)
    one = target.implementation
    fixed = {"eps": one.fixed_eps, "momentum": one.fixed_momentum}
    run = Runner(lambda: host, one.name, one.features, fixed=fixed)  # in any rank
    families: dict[object, list[Spec]] = defaultdict(list)
    for name in ids or SPECS:
        families[SPECS[name].given].append(SPECS[name])
    tallies: dict[str, Tally] = {}
    for family in families.values():
        tallies |= search(family, target, run, Effort(examples=examples, seed=seed))
    for tally in tallies.values():
        if tally.error is not None:  # of a spec or of the search itself
            raise tally.error.exception
    return tallies


def verdicts(tallies: dict[str, Tally]) -> dict[str, str]:
    return {name: tally.verdict for name, tally in tallies.items()}


def words(tally: Tally) -> set[str]:
    """Returns why nothing was compared, in words."""
    return {one.words for one in tally.missing}
