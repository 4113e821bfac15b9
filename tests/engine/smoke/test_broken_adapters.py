"""A broken adapter is told by its one mistake."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from worlds.drawing import DTYPES
from worlds.searches import correct, implementation
from worlds.smoke import Run, said, smoked

from bnconform import Case, Outcome
from bnconform.contract.settings import Argument, Settings


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


DOCUMENTED = {
    "features": {"default_eps", "default_momentum"},
    "settings": Settings(call="f", eps=Argument("eps", "0.001"), momentum=Argument("momentum", "0.9"), weighs="old"),
}


def with_defaults(case: Case, **left_out: bool) -> Outcome:
    """Takes what is documented for what is left out, as far as the adapter does leave it out."""
    eps = 1e-3 if case.default_eps and left_out.get("eps", True) else case.eps
    momentum = 1.0 - 0.9 if case.default_momentum and left_out.get("momentum", True) else case.momentum
    return correct(replace(case, eps=eps, momentum=momentum))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "told"), [("eps", "y is what ε = 2 gives"), ("momentum", "running_mean is what")])
def test_an_adapter_that_hands_on_what_is_to_be_left_out_is_broken(name: str, told: str, dtype: str) -> None:
    one = implementation(lambda case: with_defaults(case, **{name: False}), **DOCUMENTED)
    message = said(smoked(one, dtype))
    assert told in message
    assert f"(default_{name}); expected a call without that argument" in message


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_adapter_that_leaves_it_out_is_not_broken(dtype: str) -> None:
    assert said(smoked(implementation(with_defaults, **DOCUMENTED), dtype)) == ""


def test_another_default_than_the_documented_one_is_not_the_adapters_mistake() -> None:
    only_eps = {**DOCUMENTED, "features": {"default_eps"}}
    one = implementation(lambda case: correct(replace(case, eps=7.0 if case.default_eps else case.eps)), **only_eps)
    assert said(smoked(one)) == ""
