"""The smoke test tells a broken adapter by one mistake, notes what may be a slip, and leaves implementations alone."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import miniatures
import numpy as np
import pytest
import tiny_world as tiny
import wrong_ways
from drawing import DTYPES
from search_world import Here, Replying, correct, implementation, miniature

from bnconform import Case, Dialect, Implementation, Outcome, Unsupported, reference
from bnconform.client import Host
from bnconform.dialect import CHOICES
from bnconform.faults import subjects
from bnconform.layout import from_rows, to_rows
from bnconform.layouts import POOL
from bnconform.replies import Crashed, Described, TimedOut
from bnconform.runner import Runner, Target
from bnconform.smoke import Note, Smoke, smoke
from bnconform.smoke.cases import bare, odd_axis, smoke_cases, training
from bnconform.sources import named_source
from bnconform.strategies import Traits

Run = Callable[[Case], Outcome]


def smoked(about: Run | Implementation | Here, dtype: str = "float32") -> Smoke:
    """Returns what the smoke test says of an adapter in this process."""
    one = about if isinstance(about, Implementation | Here) else implementation(about)
    host = one if isinstance(one, Here) else Here(one)
    described = Described.of(host.implementation)
    run = Runner(lambda: host, described.name, described.features, described.ranks)
    return smoke(Target(implementation=described, dtype=dtype), run)


def said(found: Smoke) -> str:
    """Returns why the adapter is broken, in words; "" if it is not."""
    reply = found.broken.judged.reply if found.broken else None
    return getattr(reply, "message", "")


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
    assert {one.quantity for one in found.notes} == (
        {"running_mean", "running_var"} if name == "momentum_swapped" else set()
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_no_fault_of_the_catalogue_is_taken_for_the_adapters(dtype: str) -> None:
    found = {one.name: smoked(one, dtype) for one in subjects.IMPLEMENTATIONS if dtype in one.dtypes}
    assert len(found) > 100
    assert {name: said(one) for name, one in found.items() if one.broken} == {}
    noted = {name.partition(".")[2] for name, one in found.items() if one.notes}
    assert noted == {"momentum_complemented", "channels_read_from_the_last_axis", "shift_missing"}


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


# Broken adapters, each by one mistake


def of_y(change: Callable[[Case, np.ndarray], Any], name: str = "y") -> Run:
    """Returns what is right but for one output, which `change` spoils."""

    def run(case: Case) -> Outcome:
        found = correct(case)
        array = getattr(found, name)
        return found if array is None else replace(found, **{name: change(case, array)})

    return run


def left_in_order_of_rows(case: Case, array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, case.axis, -1).reshape(array.shape)


def not_moved_back(case: Case, array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, case.axis, -1)


def ignores_the_axis(case: Case) -> Outcome:
    if case.gamma is not None and case.gamma.size != case.x.shape[1]:
        raise ValueError("the scale does not fit")
    shape = [1, -1, *[1] * (case.x.ndim - 2)]
    others = tuple(i for i in range(case.x.ndim) if i != 1)
    mean, variance = case.x.mean(others, keepdims=True), case.x.var(others, keepdims=True)
    if case.mode == "infer":
        mean, variance = case.running_mean.reshape(shape), case.running_var.reshape(shape)
    h = (case.x - mean) / np.sqrt(variance + case.x.dtype.type(case.eps))
    h = h if case.gamma is None else h * case.gamma.reshape(shape)
    return Outcome(y=h if case.beta is None else h + case.beta.reshape(shape))


def takes_any_other_axis_for_the_last(case: Case) -> Outcome:
    return correct(replace(case, axis=1 if case.axis == 1 else -1))


def keeping(*names: str) -> Run:
    """Returns an adapter that keeps a layer by its shape and sets these fields when it makes one, never again."""
    layers: dict[object, dict[str, object]] = {}

    def run(case: Case) -> Outcome:
        return correct(replace(case, **layers.setdefault(case.x.shape, {name: getattr(case, name) for name in names})))

    return run


def answers_once() -> Run:
    answers: dict[object, Outcome] = {}
    return lambda case: answers.setdefault((case.x.shape, case.mode, case.dy is None), correct(case))


def goes_on_from_its_averages() -> Run:
    kept: dict[object, dict[str, Any]] = {}

    def run(case: Case) -> Outcome:
        if case.mode == "infer" or case.running_mean is None:
            return correct(case)
        found = correct(replace(case, **kept.get(case.x.shape, {})))
        kept[case.x.shape] = {"running_mean": found.running_mean, "running_var": found.running_var}
        return found

    return run


def infers_by_what_training_left() -> Run:
    left: list[Outcome] = []

    def run(case: Case) -> Outcome:
        if case.mode == "infer":
            last = left[0]
            return replace(correct(replace(case, running_mean=last.running_mean, running_var=last.running_var)),
                           running_mean=case.running_mean, running_var=case.running_var)  # fmt: skip
        found = correct(case)
        left.append(found)
        return found

    return run


def adds_up_gradients() -> Run:
    kept: dict[object, np.ndarray] = {}

    def run(case: Case) -> Outcome:
        found = correct(case)
        if found.dgamma is None:
            return found
        kept[case.x.shape] = kept.get(case.x.shape, 0) + found.dgamma
        return replace(found, dgamma=kept[case.x.shape])

    return run


def updates_in_place(case: Case) -> Outcome:
    found = correct(case)
    if case.watched and found.running_mean is not None and case.running_mean is not None:
        ctypes.memmove(case.running_mean.ctypes.data, (found.running_mean + 1).ctypes.data, case.running_mean.nbytes)
    return found


def reuses_its_memory() -> Run:
    buffers: dict[object, np.ndarray] = {}

    def run(case: Case) -> Outcome:
        found = correct(case)
        buffer = buffers.setdefault(case.x.shape, np.empty_like(case.x))
        buffer[...] = found.y
        return replace(found, y=buffer)

    return run


def chokes_on_an_absent_scale(case: Case) -> Outcome:
    return replace(correct(case), dgamma=case.gamma * 1)


MAPS, MATRICES = r"training of \(2, 16, 3, 5\) with the channels on axis 1", r"training of \(3, 16\)"
BROKEN: dict[str, tuple[Callable[[], Run], str]] = {
    "y is not moved back": (
        lambda: of_y(left_in_order_of_rows),
        rf"{MAPS}: y\[0, 0, 0, 1\] is \S+; expected \S+: its values .*stand in the order of the axes \(0, 2, 3, 1\)",
    ),
    "dx is not moved back": (lambda: of_y(left_in_order_of_rows, "dx"), rf"{MAPS}: dx\[.*the axes \(0, 2, 3, 1\)"),
    "y is of another shape": (lambda: of_y(not_moved_back), r"returned y of shape \(2, 3, 5, 16\); expected \(2, 16"),
    "y is wider": (lambda: of_y(lambda case, y: y.astype("f8")), "returned y of dtype float64; expected float32"),
    "dx is narrower": (lambda: of_y(lambda case, dx: dx.astype("f2"), "dx"), "returned dx of dtype float16"),
    "y is a list": (lambda: of_y(lambda case, y: y.tolist()), r"returned y as \[\[.*expected a numpy.ndarray"),
    "dgamma has two axes": (lambda: of_y(lambda case, g: g[:, None], "dgamma"), r"dgamma of shape \(16, 1\); expected"),
    "the axis is ignored": (
        lambda: ignores_the_axis,
        r"\(5, 1, 3, 17\) with the channels on axis -1: y\[.*for channels on axis 1; expected those of axis -1, or Uns",
    ),
    "an axis is repaired": (
        lambda: takes_any_other_axis_for_the_last,
        r"\(3, 2, 5, 4\) with the channels on axis 2: .* for channels on axis 3; expected those of axis 2, or Unsupp",
    ),
    "the first answer is kept": (answers_once, rf"{MATRICES}.*: it is that of an earlier call, with other inputs"),
    "epsilon is kept": (lambda: keeping("eps"), rf"{MATRICES}.*: it is right for the eps of an earlier call"),
    "momentum is kept": (lambda: keeping("momentum"), rf"{MATRICES}.*running_mean.* the momentum of an earlier call"),
    "parameters are kept": (lambda: keeping("gamma", "beta"), r"it is right for the gamma and beta of an earlier call"),
    "a layer is kept": (
        lambda: keeping("eps", "gamma", "beta"),
        r"it is right for the eps and gamma and beta of an earlier call",
    ),
    "averages are kept": (goes_on_from_its_averages, r"running_mean\[.*it went on from what an earlier call had ret"),
    "averages are not set": (infers_by_what_training_left, r"inference of .*for the running statistics that an earlie"),
    "gradients add up": (adds_up_gradients, r"dgamma\[.*that of an earlier call was added to it"),
    "averages are overwritten": (lambda: updates_in_place, "wrote to running_mean, .*expected a copy of them"),
    "memory is used again": (reuses_its_memory, "its arrays changed when it was called again; expected memory that"),
    "an absent scale is not expected": (lambda: chokes_on_an_absent_scale, "TypeError in the adapter's own code"),
}


@pytest.mark.parametrize(("make", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_adapter_is_told_by_its_mistake(make: Callable[[], Run], words: str) -> None:
    found = said(smoked(make()))
    assert re.search(words, found), found
    assert found.startswith("bn.norm")
    assert "returned" in found or found.endswith("correct the adapter")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["y is not moved back", "the first answer is kept", "gradients add up"])
def test_a_mistake_is_told_in_every_dtype(name: str, dtype: str) -> None:
    make, words = BROKEN[name]
    assert re.search(words, said(smoked(make(), dtype)))


@pytest.mark.parametrize("name", ["y is not moved back", "epsilon is kept", "averages are kept", "a layer is kept"])
def test_a_mistake_is_told_of_what_takes_feature_maps_only(name: str) -> None:
    make, words = BROKEN[name]
    one = replace(implementation(make()), ranks={4})
    assert re.search(words.replace(MATRICES, MAPS), said(smoked(one)))
    assert re.search(words.replace(MATRICES, MAPS), said(smoked(replace(one, run=make(), compiled=True))))


# Slips that an implementation could have, too


def posed(change: Callable[[Case], Case]) -> Run:
    def run(case: Case) -> Outcome:
        found = correct(change(case))
        shaped = {
            name: getattr(found, name).reshape(case.x.shape) for name in ("y", "dx") if getattr(found, name) is not None
        }
        return replace(found, **shaped)

    return run


def exchanged(one: str, other: str) -> Run:
    def run(case: Case) -> Outcome:
        found = correct(case)
        return replace(found, **{one: getattr(found, other), other: getattr(found, one)})

    return run


def in_float32(case: Case) -> Case:
    return replace(case, x=case.x.astype(np.float32).astype(case.x.dtype))


def training_and_inference_exchanged(case: Case) -> Case:
    return case if case.running_mean is None else replace(case, mode="infer" if case.mode == "train" else "train")


def new_averages(case: Case) -> Case:
    if case.running_mean is None or case.running_var is None:
        return case
    return replace(case, running_mean=0 * case.running_mean, running_var=0 * case.running_var + 1)


def rows_from_memory(case: Case) -> Case:
    shape = (case.rows, case.channels)
    return replace(case, axis=1, x=case.x.reshape(shape), dy=None if case.dy is None else case.dy.reshape(shape))


def cotangent_rows_from_memory(case: Case) -> Case:
    if case.dy is None:
        return case
    return replace(case, dy=from_rows(case.dy.reshape(case.rows, case.channels), case.x.shape, case.axis))


AVERAGES, GRADIENTS = {"running_mean", "running_var"}, {"dx", "dgamma", "dbeta"}
ALL = {"y"} | AVERAGES | GRADIENTS
NOTED: dict[str, tuple[Run, set[str], str]] = {
    "the complement of momentum": (posed(lambda c: replace(c, momentum=1 - c.momentum)), AVERAGES, "float32"),
    "an exchange of gamma and beta": (posed(lambda c: replace(c, gamma=c.beta, beta=c.gamma)), {"y", "dx"}, "float32"),
    "an exchange of dgamma and dbeta": (exchanged("dgamma", "dbeta"), {"dgamma", "dbeta"}, "float32"),
    "an exchange of the new running mean and variance": (exchanged(*AVERAGES), AVERAGES, "float32"),
    "a layer with new running statistics, zeros and ones,": (
        posed(new_averages), {"y", "dx", "dgamma"} | AVERAGES, "float64"
    ),
    "training taken for inference, or inference for training,": (
        posed(training_and_inference_exchanged), {"y", "dx", "dgamma"}, "float64"
    ),
    "a dy of ones": (
        posed(lambda c: replace(c, dy=None if c.dy is None else np.ones_like(c.dy))), GRADIENTS, "float32"
    ),
    "a gamma left out": (posed(lambda c: replace(c, gamma=None)), {"y", "dx"}, "float16"),
    "a beta left out": (posed(lambda c: replace(c, beta=None)), {"y"}, "bfloat16"),
    "x read as if its channels were last": (posed(rows_from_memory), ALL, "float32"),
    "dy read as if its channels were last": (posed(cotangent_rows_from_memory), GRADIENTS, "float32"),
    "a cast of the inputs to float32": (posed(in_float32), {"y", "dgamma"}, "float64"),
}  # fmt: skip


@pytest.mark.parametrize(("run", "quantities", "dtype"), NOTED.values(), ids=NOTED)
def test_what_an_implementation_could_do_is_noted_and_judged(
    run: Run, quantities: set[str], dtype: str, request: pytest.FixtureRequest
) -> None:
    found = smoked(run, dtype)
    assert said(found) == ""
    assert {one.words for one in found.notes} == {request.node.callspec.id}
    assert {one.quantity for one in found.notes} == quantities


def test_a_slip_that_does_not_explain_everything_is_not_noted() -> None:
    def complemented_for_maps(case: Case) -> Outcome:
        return correct(replace(case, momentum=1 - case.momentum) if case.x.ndim > 2 else case)

    mean_alone = of_y(lambda case, mean: case.running_mean, "running_mean")
    assert smoked(mean_alone) == Smoke()
    assert {one.words for one in smoked(complemented_for_maps).notes} == set()


def test_a_note_stands_beside_a_failure_in_its_output_only() -> None:
    found = Smoke(notes=(Note("running_mean", "a slip"), Note("y", "another")))
    aside = "in the smoke test it was just what a slip gives, which the adapter may have done"
    for verdict, quantity, reason in [
        ("fails", "running_mean", f"why; {aside}"),
        ("fails", "step of running_mean", f"why; {aside}"),
        ("conforms", "running_mean", "why"),
        ("fails", "running_var", "why"),
        ("fails", None, "why"),
    ]:
        record: Any = {"verdict": verdict, "quantity": quantity, "reason": "why"}
        assert found.noted(record)["reason"] == reason


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


@pytest.mark.parametrize("dtype", DTYPES)
def test_each_axis_of_a_bare_case_has_an_answer_of_its_own(dtype: str) -> None:
    odd = odd_axis(Traits(dtype=dtype))
    assert odd is not None
    assert (odd.x.shape, odd.axis) == ((3, 2, 5, 4), 2)
    for case in [odd, *(bare(training(layout, dtype)) for layout in POOL[4])]:
        assert [getattr(case, name) for name in ("gamma", "beta", "running_mean", "running_var", "dy")] == [None] * 5
        answers = [reference.normalize(replace(case, axis=axis)) for axis in range(4)]
        assert all(np.abs(one - other).max() > 0.1 for one, other in combinations(answers, 2))


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
    with Host(named_source(f"bnconform.adapters.{name}")) as host:
        for described in host.describe():
            run = Runner(lambda: host, described.name, described.features, described.ranks)
            for dtype in described.dtypes:
                found = smoke(Target(implementation=described, dtype=dtype), run)
                assert said(found) == ""
                # https://github.com/keras-team/keras/issues/23704: Keras itself computes float64 in float32 on torch.
                known = name == "keras_torch" and dtype == "float64"
                assert {one.words for one in found.notes} == ({"a cast of the inputs to float32"} if known else set())
