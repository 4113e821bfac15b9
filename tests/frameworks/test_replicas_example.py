"""The replicas of examples/replicas, processes that add up by gloo: one is right, its twin forgets a gradient.

The twin is as right as the other where a single process has everything, so that its mistake shows that several ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds.searches import SPECS

from bnconform.contract.address import named_address
from bnconform.engine.runner import Runner
from bnconform.engine.search import explore
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target
from bnconform.host.client import Host

EXAMPLE = Path(__file__).parents[2] / "examples" / "replicas" / "gloo_batch_norm.py"
CHAPTER = [one for one in SPECS.values() if one.chapter == "synchronized"]
THROUGH_STATISTICS = {
    "sends_gradients_through_the_statistics_of_all_shards",
    "weighs_unequal_shards_by_their_values",
    "leaves_out_an_empty_shard",
}
UNDER_MASKS = {"weighs_shards_by_what_their_masks_show", "leaves_out_a_shard_that_its_mask_hides"}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    if not pytest.importorskip("torch").distributed.is_gloo_available():
        pytest.skip("this torch has no gloo")
    host = Host(named_address(str(EXAMPLE)), timeout=240)
    yield host
    host.close()


def verdicts(host: Host, name: str) -> dict[str, str]:
    (about,) = [one for one in host.describe() if one.name == name]
    target = Target(implementation=about, dtype="float32")
    found = {}
    for given in dict.fromkeys(one.given for one in CHAPTER):
        tallies = [Tally(spec=one) for one in CHAPTER if one.given == given]
        explore(tallies, target, Runner.of(target, lambda: host), Effort(examples=3))
        found |= {tally.spec.id: tally.verdict for tally in tallies}
    return found


@pytest.mark.slow
@pytest.mark.framework
def test_replicas_that_add_up_by_gloo_are_one_batch_and_a_sum_without_its_gradient_is_told(host: Host) -> None:
    right, twin = verdicts(host, "gloo.batch_norm"), verdicts(host, "gloo.batch_norm:of_no_gradient")
    kept = {one.id for one in CHAPTER} - UNDER_MASKS
    assert right == dict.fromkeys(kept, "conforms") | dict.fromkeys(UNDER_MASKS, "unsupported")
    assert twin == right | dict.fromkeys(THROUGH_STATISTICS, "fails")
