"""The promise, end to end: what is right conforms to every spec, what is wrong fails by the spec that states it.

Slow: each run judges whole implementations in their own processes, as a user's run does.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from worlds import miniatures, tiny
from worlds.drawing import DTYPES
from worlds.searches import AVERAGES

from bnconform.engine.book import all_specs

pytestmark = pytest.mark.slow
# Miniatures take no mask, no wide parameters and no malformed calls, keep no state, declare no wider sums, give first
# derivatives only, are called once and copy what they are given: tests/specs, and test_mixed_miniatures.py, try others.
OTHERS = ("masks", "mixed_precision", "numerics", "state", "statistics_gradients", "third_order", "use")
ASKED = [
    one
    for one in all_specs()
    if one.given.derivatives == "first" and one.given.manner in ("plain", "watched") and one.chapter not in OTHERS
]
SPECS = [one.id for one in ASKED]
CAUGHT_BY = {
    "unbiased_variance_in_y": ("normalizes_by_the_batch", "divides_by_the_biased_variance"),
    "epsilon_outside_the_root": ("adds_epsilon_inside_the_root", "weighs_epsilon_as_a_variance"),
    "momentum_swapped": AVERAGES,
    "gradient_stopped_at_the_statistics": (
        "sends_gradients_through_the_statistics",
        "sends_no_gradient_to_a_bias_before_it",
        "leaves_the_share_of_epsilon_along_the_values",
    ),
    "mean_not_subtracted": ("centres_on_the_batch_mean", "ignores_a_shift_of_the_input"),
}
ONLY = ("momentum_swapped", "gradient_stopped_at_the_statistics")
NETWORKS = ("trains_a_network_step_by_step", "trains_a_network_normalized_after_the_activation")
ONE_CHANNEL = "treats_a_single_channel_like_any_other"
ALSO = {  # what many statements together show as well
    "momentum_swapped": {
        *NETWORKS,
        "varies_with_the_batch_as_its_exact_distribution",
        ONE_CHANNEL,
        "averages_statistics_of_large_batches",
    },
    "gradient_stopped_at_the_statistics": {
        *NETWORKS,
        ONE_CHANNEL,
        "sends_gradients_without_running_statistics",
        "learns_a_scale_that_is_zero",
        "sends_no_gradient_to_a_single_value",
    },
}
UNLESS_NARROW = {"sends_gradients_through_large_batches"}
"""Shown as well, where sums in 16 bits leave a claim in large cases."""
WRONG_IN_ANY = [(name, dtype) for name in CAUGHT_BY for dtype in DTYPES]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run over all miniatures."""
    folder = tmp_path_factory.mktemp("miniatures")
    shutil.copy(miniatures.__file__, folder)
    done = tiny.bnconform("run", "--adapter", "miniatures.py", "--examples", 25, "-n", 2, "--out", "out", cwd=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def findings(out: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The findings of that run by name, dtype and spec."""
    found = [line for line in tiny.lines(out) if line["kind"] == "finding"]
    names = [(one["implementation"].partition(".")[2], one["dtype"], one["spec"]) for one in found]
    return {name: one for name, one in zip(names, found, strict=True) if name[2] in SPECS}


Findings = dict[tuple[str, str, str], dict[str, Any]]


def test_every_miniature_is_judged_by_every_spec_in_every_dtype(findings: Findings) -> None:
    names = [*miniatures.CORRECT, *miniatures.WRONG, *miniatures.WEAK]
    assert set(CAUGHT_BY) == set(miniatures.WRONG)
    assert set(findings) == {(name, dtype, spec) for name in names for dtype in DTYPES for spec in SPECS}


def faint(found: dict[str, Any]) -> bool:
    """Returns whether sums in 16 bits left every bound of so few examples too wide to claim anything."""
    return found["dtype"] in ("float16", "bfloat16") and found.get("missing") == "no claim"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", miniatures.CORRECT)
def test_a_correct_one_conforms_to_every_spec(findings: Findings, name: str, dtype: str) -> None:
    mine = [one for spec in SPECS if not faint(one := findings[name, dtype, spec])]
    assert len(mine) > len(SPECS) * 0.9
    assert {one["spec"]: one["reason"] for one in mine if one["verdict"] != "conforms"} == {}
    assert all(0 <= one["worst_ratio"] <= 1 and one["claimed"] > 0 and one["examples"] > 0 for one in mine)


def test_ten_million_values_of_correct_ones_are_compared_without_a_false_alarm(findings: Findings) -> None:
    mine = [one for (name, *_), one in findings.items() if name in miniatures.CORRECT]
    assert sum(one["compared"] for one in mine) > 1e7
    assert {one["verdict"] for one in mine} <= {"conforms", "unsupported"}


@pytest.mark.parametrize(("name", "dtype"), WRONG_IN_ANY)
def test_a_wrong_one_fails_by_the_spec_that_states_it(findings: Findings, name: str, dtype: str) -> None:
    failed = {spec for spec in SPECS if findings[name, dtype, spec]["verdict"] == "fails"}
    assert failed >= set(CAUGHT_BY[name])
    judged = [spec for spec in SPECS if spec in CAUGHT_BY[name] or not faint(findings[name, dtype, spec])]
    assert {findings[name, dtype, spec]["verdict"] for spec in judged} == {"fails", "conforms"}
    if name in ONLY:
        assert failed - UNLESS_NARROW == {*CAUGHT_BY[name], *ALSO[name]}
    assert all(findings[name, dtype, spec]["worst_ratio"] > 1 for spec in failed)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_variance_below_zero_is_seen(findings: Findings, dtype: str) -> None:
    found = findings["variance_below_zero", dtype, "keeps_finite_values_finite"]
    assert (found["verdict"], found["quantity"]) == ("fails", "finite y")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_repeated_batch_shows_an_unbiased_variance(findings: Findings, dtype: str) -> None:
    assert findings["unbiased_variance_in_y", dtype, "ignores_a_repeated_batch"]["verdict"] == "fails"


def test_every_failure_has_a_witness_that_can_be_read_and_a_script(out: Path, findings: Findings) -> None:
    failed = [one for (name, *_), one in findings.items() if name in miniatures.WRONG and one["verdict"] == "fails"]
    assert all(math.prod(one["detail"]["case"]["shape"]) <= 16 for one in failed)
    for kind in ("witness", "reproduce"):
        files = [one[kind] for one in failed]
        assert len(set(files)) == len(failed)
        assert all((out / name).stat().st_size > 0 for name in files)


@pytest.mark.parametrize("name", CAUGHT_BY)
def test_a_witness_is_judged_alike_when_replayed_and_a_correct_one_keeps_it(
    out: Path, findings: Findings, name: str
) -> None:
    witness, mine = out / findings[name, "float32", CAUGHT_BY[name][0]]["witness"], ("--adapter", "../miniatures.py")
    done = tiny.bnconform("replay", witness, *mine, cwd=out)
    assert (done.returncode, f"miniatures.{name}" in done.stdout) == (1, True), done.stderr
    correct = tiny.bnconform("replay", witness, *mine, "--implementation", "miniatures.welford", cwd=out)
    assert (correct.returncode, "welford" in correct.stdout) == (0, True), correct.stderr


def test_crashes_and_hangs_are_verdicts_and_leave_the_others_alone(tmp_path: Path) -> None:
    deadly = {"aborts": "crashes", "reads_address_0": "crashes", "sleeps": "hangs"}
    tiny.adapter(tmp_path, "aborts", "right", "sleeps", "reads_address_0")
    words = ("--adapter", "tiny.py", "--spec", "normalization", "--examples", 5, "--timeout", 2, "--out", "out")
    done = tiny.bnconform("run", *words, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    maps = "takes_a_feature_map_as_one_feature"  # which asks nothing of the matrices that five examples may all be
    chapter = [one.id for one in all_specs() if one.chapter == "normalization" and one.id != maps]
    expected = {"right": "conforms", **deadly}
    verdicts = {key: verdict for key, verdict in tiny.verdicts(tmp_path / "out").items() if key[2] != maps}
    assert verdicts == {
        (f"tiny.{name}", "float32", spec): verdict for name, verdict in expected.items() for spec in chapter
    }
    findings = [one for one in tiny.lines(tmp_path / "out") if one["kind"] == "finding"]
    found = {one["implementation"]: one for one in findings if one["verdict"] != "unsupported"}
    reasons = {"aborts": "SIGABRT", "reads_address_0": "SIGSEGV", "sleeps": "no answer within 2 s"}
    for name, reason in reasons.items():
        one = found[f"tiny.{name}"]
        assert reason in one["reason"]
        assert (tmp_path / "out" / one["witness"]).is_file()
        assert math.prod(one["detail"]["case"]["shape"]) <= 16
