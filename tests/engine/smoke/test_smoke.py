"""The smoke test passes what is right, leaves wrong implementations to the specs, and is part of a run."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import miniatures, tiny, wrong_ways
from worlds.drawing import DTYPES
from worlds.searches import Here, Replying, correct, implementation, miniature
from worlds.smoke import Run, said, smoked

from bnconform import Case, Dialect, Outcome, Unsupported
from bnconform.analysis.faults import adapter
from bnconform.cases.shapes import POOL
from bnconform.cases.strategies import Traits
from bnconform.contract.address import named_address
from bnconform.contract.axes import to_rows
from bnconform.contract.dialect import CHOICES
from bnconform.contract.reply import Crashed, TimedOut
from bnconform.engine.runner import Runner
from bnconform.engine.smoke import Smoke, smoke
from bnconform.engine.smoke.cases import bare, odd_axis, smoke_cases, training
from bnconform.engine.target import Target
from bnconform.host.client import Host
from bnconform.oracle import reference

# The cases


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["in_order", "reversed", "pairwise", "fused", "folded"])
def test_the_first_channel_can_be_followed_by_hand_and_is_exact_in_every_dtype_and_order(name: str, dtype: str) -> None:
    case = smoke_cases(Traits(dtype=dtype))[0]
    found = miniature(f"{name}").run(case)
    assert (case.x.shape, case.eps, case.momentum) == ((3, 16), 2.0, 0.25)
    assert [float(getattr(case, n)[0]) for n in ("gamma", "beta", "running_mean", "running_var")] == [2, 3, -1, 14]
    assert case.x[:, 0].tolist() == [1, 4, 4]
    assert case.dy is not None
    assert case.dy[:, 0].tolist() == [-3, 4, 2]
    assert found.y is not None
    assert found.dx is not None
    assert found.y[:, 0].tolist() == [1, 4, 4]
    assert found.dx[:, 0].tolist() == [-2, 2, 0]
    vectors = {n: float(getattr(found, n)[0]) for n in ("running_mean", "running_var", "dgamma", "dbeta")}
    assert vectors == {"running_mean": 0, "running_var": 11.25, "dgamma": 6, "dbeta": 3}


@pytest.mark.parametrize("ranks", [(2, 3, 4, 5), (2,), (3,), (4,), (5,), (3, 5)])
@pytest.mark.parametrize("compiled", [False, True])
def test_in_every_channel_the_variance_and_epsilon_make_a_power_of_four(ranks: tuple[int, ...], compiled: bool) -> None:
    for case in smoke_cases(Traits(dtype="float64", ranks=ranks, compiled=compiled)):
        assert case.x.ndim in ranks
        rows = to_rows(case.x, case.axis)
        assert case.running_var is None or case.running_var.size == case.channels
        if case.mode == "infer":
            assert case.running_var is not None
            assert set(np.sqrt(case.running_var + case.eps)) == {4.0}
        else:
            assert set(np.sqrt(rows.var(axis=0) + case.eps)) <= {2.0, 4.0}
            assert (rows.mean(axis=0) % 1 == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_case_holds_what_the_next_narrower_type_does_not(dtype: str) -> None:
    (case,) = (one for one in smoke_cases(Traits(dtype=dtype)) if one.mode == "infer")
    x = case.x.astype(np.float64)
    assert (x != 1).any()
    for narrow in {"float64": ["float32"], "float32": ["float16"], "float16": [], "bfloat16": []}[dtype]:
        assert (x.astype(narrow) == 1).all()


def test_extents_differ_along_the_axes_of_feature_maps_and_few_cases_are_asked() -> None:
    cases = smoke_cases(Traits(dtype="float32"))
    maps = [case for case in cases if case.x.ndim == 4]
    assert {case.axis for case in maps} == {1, -1}
    assert all(len(set(case.x.shape)) == 4 for case in maps)
    assert {case.momentum for case in cases} == {0.0, 0.25, 1.0}
    assert len(cases) <= 8, "an odd axis and one that was refused come to them"
    compiled = smoke_cases(Traits(dtype="float32", compiled=True))
    assert len({(case.x.shape, case.mode, case.dy is None) for case in compiled}) == 4
    assert smoke_cases(Traits(dtype="float32", ranks=(6,))) == []
    assert odd_axis(Traits(dtype="float32", compiled=True)) is None


# What is right, and what is wrong by itself


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*miniatures.CORRECT, *miniatures.WEAK])
def test_what_is_right_passes(name: str, dtype: str) -> None:
    host = Here(miniature(name))
    assert smoked(host, dtype) == Smoke()
    assert len(host.asked) <= 10


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", miniatures.WRONG)
def test_a_wrong_implementation_is_not_the_adapters(name: str, dtype: str) -> None:
    found = smoked(miniature(name), dtype)
    assert said(found) == ""
    assert {one.output for one in found.notes} == (
        {"running_mean", "running_var"} if name == "momentum_swapped" else set()
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_no_fault_of_the_catalogue_is_taken_for_the_adapters(dtype: str) -> None:
    found = {one.name: smoked(one, dtype) for one in adapter.IMPLEMENTATIONS if dtype in one.dtypes}
    assert len(found) > 100
    assert {name: said(one) for name, one in found.items() if one.broken} == {}
    noted = {name.partition(".")[2] for name, one in found.items() if one.notes}
    swapped = "gradients_of_scale_and_shift_exchanged"
    assert noted == {"momentum_complemented", "channels_read_from_the_last_axis", "shift_missing", swapped}


WRONG_WAYS = [
    wrong_ways.each_pixel_alone,
    wrong_ways.only_the_usual_axes,
    wrong_ways.rectifies_first,
    wrong_ways.one_variance_for_all_channels,
    wrong_ways.favours_the_first_channel,
    wrong_ways.never_twice_the_same(),
    wrong_ways.moves_its_averages_for_gradients_only,
    wrong_ways.normalizes_by_what_it_keeps,
    wrong_ways.has_a_least_epsilon,
    wrong_ways.takes_no_weight_for_the_default,
    wrong_ways.never_forgets,
    wrong_ways.refuses(rows=3),
]


@pytest.mark.parametrize("run", WRONG_WAYS)
def test_what_is_wrong_in_an_unusual_way_is_left_to_the_specs(run: Run) -> None:
    assert smoked(run) == Smoke()


def test_what_is_not_offered_is_nobodys_fault() -> None:
    def offers_little(case: Case) -> Outcome:
        if case.mode == "infer" or case.running_mean is not None or case.gamma is None or case.axis != 1:
            raise Unsupported("no")
        return Outcome(y=correct(case).y)

    host = Here(implementation(offers_little))
    assert smoked(host) == Smoke()
    assert any(case.running_mean is None and case.gamma is not None for case in host.asked), "asked without averages"


@pytest.mark.parametrize("reply", [Crashed("SIGABRT", ""), TimedOut(1.0)])
def test_a_crash_or_a_hang_ends_it(reply: Any) -> None:
    def crashes(case: Case) -> Outcome:
        asked.append(case)
        return correct(case)

    asked: list[Case] = []
    host = Replying(implementation(crashes), lambda case: reply if len(asked) == 3 else None)
    assert smoked(host) == Smoke()
    assert len(asked) == 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_each_axis_of_a_bare_case_has_an_answer_of_its_own(dtype: str) -> None:
    odd = odd_axis(Traits(dtype=dtype))
    assert odd is not None
    assert (odd.x.shape, odd.axis) == ((3, 2, 5, 4), 2)
    for case in [odd, *(bare(training(layout, dtype)) for layout in POOL[4])]:
        assert [getattr(case, name) for name in ("gamma", "beta", "running_mean", "running_var", "dy")] == [None] * 5
        answers = [reference.y(replace(case, axis=axis)) for axis in range(4)]
        assert all(np.abs(one - other).max() > 0.1 for one, other in combinations(answers, 2))


def test_a_declared_dialect_is_no_slip() -> None:
    def biased(case: Case) -> Outcome:
        found = correct(case)
        if case.mode == "infer" or case.running_var is None:
            return found
        variance = to_rows(case.x.astype(np.float64), case.axis).var(axis=0)
        averaged = (1 - case.momentum) * case.running_var + case.momentum * variance
        return replace(found, running_var=averaged.astype(case.x.dtype))

    for declared in CHOICES["running_var"]:
        one = replace(implementation(biased), dialect=Dialect(running_var=declared))  # type: ignore[arg-type]
        assert smoked(one) == Smoke()


# The whole way

SCRAMBLES = """
def scrambles(case):
    found = right(case)
    y = np.moveaxis(found.y, case.axis, -1).reshape(case.x.shape)
    return Outcome(y=y, running_mean=found.running_mean)
"""


@pytest.mark.slow
def test_a_run_names_the_broken_adapter_and_judges_the_others(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "right", "scrambles", own=SCRAMBLES)
    specs = ("--spec", "normalizes_by_the_batch", "--spec", "averages_the_running_mean")
    done = tiny.bnconform("run", "--adapter", "tiny.py", *specs, "--examples", 5, "--out", "out", cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "the adapter is broken: tiny.scrambles, training of (2, 16, 3, 5)" in done.stdout
    findings = [line for line in tiny.lines(tmp_path / "out") if line["kind"] == "finding"]
    of = {(one["implementation"], one["spec"]): one for one in findings}
    assert {one["verdict"] for (name, _), one in of.items() if name == "tiny.right"} == {"conforms"}
    broken = [one for (name, _), one in of.items() if name == "tiny.scrambles"]
    assert [(one["verdict"], one["fault"], one["worst_ratio"]) for one in broken] == [
        ("unsupported", "adapter", None)
    ] * 2


@pytest.mark.slow
def test_a_run_notes_the_slip_in_the_reason_of_what_fails(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "swapped")
    specs = ("--spec", "normalizes_by_the_batch", "--spec", "averages_the_running_mean")
    done = tiny.bnconform("run", "--adapter", "tiny.py", *specs, "--examples", 5, "--out", "out", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    found = {line["spec"]: line for line in tiny.lines(tmp_path / "out") if line["kind"] == "finding"}
    aside = "; in the smoke test it was just what the complement of momentum gives, which the adapter may have done"
    assert found["averages_the_running_mean"]["verdict"] == "fails"
    assert found["averages_the_running_mean"]["reason"].endswith("times the bound" + aside)
    assert found["normalizes_by_the_batch"]["verdict"] == "conforms"


FRAMEWORKS = {"torch": "torch", "tf": "tensorflow", "flax": "flax", "jax": "jax", "numpy_listing": "numpy"}
FRAMEWORKS |= {f"keras_{backend}": "keras" for backend in ("tensorflow", "torch", "jax")}


@pytest.mark.slow
@pytest.mark.framework
@pytest.mark.parametrize(("name", "needs"), FRAMEWORKS.items(), ids=FRAMEWORKS)
def test_the_adapters_that_come_along_pass(name: str, needs: str) -> None:
    pytest.importorskip(needs)
    with Host(named_address(f"bnconform.adapters.{name}")) as host:
        for described in host.describe():
            run = Runner(lambda: host, described.name, described.features, described.ranks)
            for dtype in described.dtypes:
                found = smoke(Target(implementation=described, dtype=dtype), run)
                assert said(found) == ""
                # https://github.com/keras-team/keras/issues/23704: Keras itself computes float64 in float32 on torch.
                known = name == "keras_torch" and dtype == "float64"
                assert {one.words for one in found.notes} == ({"a cast of the inputs to float32"} if known else set())
