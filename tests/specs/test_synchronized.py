"""The chapter of shards: replicas that put their statistics together rightly keep it, and each wrong way is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds.drawing import DTYPES, draw
from worlds.replicated import Habits, replicated
from worlds.searches import SPECS, Here, searched, verdicts

from bnconform import Case
from bnconform.cases.sharing import SHARING, Sharing, alike, ways
from bnconform.cases.strategies import Traits, cases
from bnconform.contract.shards import EMPTY, EQUAL, UNEQUAL, needs_of
from bnconform.relations.shards import masked

CHAPTER = [one.id for one in SPECS.values() if one.chapter == "synchronized"]
Y, AVERAGES = "normalizes_every_shard_by_the_whole_batch", "averages_the_statistics_of_all_shards"
DX = "sends_gradients_through_the_statistics_of_all_shards"
PARAMETERS = "sums_the_gradients_of_its_parameters_over_all_shards"
UNEQUALLY, NONE = "weighs_unequal_shards_by_their_values", "leaves_out_an_empty_shard"
MASKS, HIDDEN = "weighs_shards_by_what_their_masks_show", "leaves_out_a_shard_that_its_mask_hides"
ELSEWHERE = {UNEQUALLY, NONE, MASKS}
ORDINARY = [one.id for one in SPECS.values() if one.given.derivatives == "first" and one.given.manner == "plain"
            and one.given.mode == "train" and one.given.rows == "several" and one.given.channels == "mixed"
            and one.chapter not in ("synchronized", "masks", "numerics", "state", "degenerate", "edges")]  # fmt: skip
RIGHT = {
    "by_deviations": Habits(),
    "by_squares": Habits(variance="one-pass"),
    "merged": Habits(variance="merged"),
}
WRONG: dict[str, tuple[Habits, set[str]]] = {
    "weighs_no_replica": (Habits(weighs=False), {UNEQUALLY, MASKS}),
    "counts_an_empty_replica_as_zero": (Habits(weighs=False, no_values=0.0), {UNEQUALLY, MASKS, NONE, HIDDEN}),
    "divides_by_no_values": (Habits(weighs=False, no_values=np.nan), {UNEQUALLY, MASKS, NONE, HIDDEN}),
    "variance_within_replicas": (Habits(within=True), {Y, AVERAGES, DX, PARAMETERS} | ELSEWHERE),
    "each_alone": (Habits(alone=True), {Y, AVERAGES, DX, PARAMETERS} | ELSEWHERE),
    "each_alone_under_masks": (Habits(under_masks=True), {MASKS}),
    "gradients_alone": (Habits(gradients_alone=True), {DX} | ELSEWHERE),
    "parameters_of_the_first": (Habits(parameters="first"), {PARAMETERS, UNEQUALLY, NONE}),
    "parameters_averaged": (Habits(parameters="mean"), {PARAMETERS, UNEQUALLY, NONE}),
    "averages_of_the_first": (Habits(averages="first"), {AVERAGES} | ELSEWHERE),
    "counts_the_first_alone": (Habits(count="first"), {AVERAGES} | ELSEWHERE),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RIGHT)
def test_replicas_that_share_their_sums_keep_every_statement(name: str, dtype: str) -> None:
    found = verdicts(searched(replicated(RIGHT[name]), *CHAPTER, dtype=dtype))
    assert set(found.values()) <= ({"conforms", "deviates"} if name == "by_squares" else {"conforms"})


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_way_is_told_by_the_statements_that_it_breaks(name: str) -> None:
    habits, broken = WRONG[name]
    found = verdicts(searched(replicated(habits), *CHAPTER))
    assert {one for one, verdict in found.items() if verdict == "fails"} == broken
    assert {found[one] for one in set(CHAPTER) - broken} <= {"conforms"}


@pytest.mark.parametrize("name", WRONG)
def test_no_other_statement_sees_any_of_them(name: str) -> None:
    found = verdicts(searched(replicated(WRONG[name][0]), *ORDINARY, examples=2))
    assert len(ORDINARY) > 20
    assert set(found.values()) <= {"conforms", "unsupported"}
    assert list(found.values()).count("conforms") > 20


def test_every_statement_is_broken_by_one() -> None:
    assert set().union(*(broken for _, broken in WRONG.values())) == set(CHAPTER)


def test_who_takes_no_shards_is_not_asked() -> None:
    host = Here(replicated(Habits(), "mask"))
    assert verdicts(searched(host, *CHAPTER)) == dict.fromkeys(CHAPTER, "unsupported")
    assert not host.asked


def test_who_takes_equal_shards_alone_is_asked_for_no_others() -> None:
    host = Here(replicated(Habits(weighs=False), EQUAL))
    found = verdicts(searched(host, *CHAPTER))
    assert {name for name, verdict in found.items() if verdict == "unsupported"} == {UNEQUALLY, NONE, MASKS, HIDDEN}
    assert set(found.values()) == {"conforms", "unsupported"}
    assert {frozenset(case.needs) for case in host.asked} == {frozenset({EQUAL})}


@pytest.mark.parametrize("spec", CHAPTER)
def test_what_fails_is_shrunk_to_a_few_values_on_several_replicas(spec: str) -> None:
    habits = next(habits for habits, broken in WRONG.values() if spec in broken)
    failure = searched(replicated(habits), spec)[spec].failure
    assert failure is not None
    assert failure.case.x.size <= 6
    assert len(failure.case.shards) > 1


@pytest.mark.parametrize(("how", "needs"), [(one, {EQUAL, other} - {""}) for one, other in
                                            zip(SHARING, ("", UNEQUAL, EMPTY), strict=True)])  # fmt: skip
def test_a_batch_is_shared_out_in_the_manner_that_is_asked_for(how: Sharing, needs: set[str]) -> None:
    for examples in (6, 7, 12):
        for shards in ways(how, examples):
            assert sum(shards) == examples
            assert needs_of(shards) == needs
            assert needs_of(alike(shards, 6)) == needs
    drawn = draw(cases(mode="train", manner=how).strategy(Traits(dtype="float32")), 20)
    assert all(sum(case.shards) == case.examples for case in drawn)
    assert needs in [set(case.needs) for case in drawn]


def test_masks_leave_each_shard_another_number_or_one_nothing() -> None:
    x = np.arange(18, dtype=np.float32).reshape(6, 3)
    nothing = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"))
    case = Case(mode="train", x=x, eps=1e-3, momentum=0.1, **nothing, shards=(3, 3))  # type: ignore[arg-type]
    assert masked.hiding_unequally(case).shown.tolist() == [True, True, True, True, True, False]
    assert masked.hiding_the_last(case).shown.tolist() == [True, True, True, False, False, False]
    assert masked.hiding_the_last(case).kept.shards == ()
    three = masked.hiding_unequally(replace(case, shards=(1, 1, 4)))
    assert three.shown.tolist() == [True, True, True, True, False, False]
