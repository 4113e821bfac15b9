"""Cases of layers: every kind is drawn, no two values of a weight are alike, and a wrong axis cannot hide."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from worlds.drawing import DTYPES, draw

from bnconform.cases import layers
from bnconform.cases.strategies import Traits, cases
from bnconform.contract.axes import as_layer

LAYERS = cases(mode="infer", gradients=False, derivatives="fold")
KINDS = {
    ("linear", False),
    ("convolution", False),
    ("convolution", True),
    ("transposed", False),
    ("transposed", True),
}


def test_every_kind_of_layer_is_drawn_about_as_often() -> None:
    drawn = draw(LAYERS.strategy(Traits("float32")), 200)
    counts = Counter((case.layer, case.groups is not None) for case in drawn)
    assert set(counts) == KINDS
    assert min(counts.values()) > 10


@pytest.mark.parametrize("compiled", [False, True])
def test_a_search_begins_with_every_kind_of_layer(compiled: bool) -> None:
    opening = LAYERS.opening(Traits("float32", compiled=compiled), 3)
    assert {(case.layer, case.groups is not None) for case in opening} == KINDS
    assert len(opening) == 10


def test_what_compiles_is_asked_for_few_shapes() -> None:
    drawn = draw(LAYERS.strategy(Traits("float32", compiled=True)), 100)
    assert len({(case.layer, case.groups, case.axis, case.x.shape) for case in drawn}) <= 10


def test_ranks_that_are_not_taken_are_not_drawn() -> None:
    assert {case.x.ndim for case in draw(LAYERS.strategy(Traits("float32", ranks=(4,))), 50)} == {4}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_two_values_of_a_weight_are_alike(dtype: str) -> None:
    for case in draw(LAYERS.strategy(Traits(dtype)), 50):
        assert len(np.unique(case.x)) == case.x.size


def test_of_each_kind_some_weight_has_as_many_inputs_as_outputs_and_some_has_not() -> None:
    places = layers.places(Traits("float32"))
    for layer, grouped in KINDS:
        kind = [one for one in places if one.layer == layer and (one.groups is not None) == grouped]
        square = {one.inputs * (one.groups or 1) == one.outputs for one in kind}
        assert square == {True, False}, (layer, grouped)


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_cases_are_layers_that_frameworks_can_hold(dtype: str) -> None:
    drawn = draw(layers.small(Traits(dtype)), 60)
    assert {(case.layer, case.groups is not None) for case in drawn} == KINDS
    assert max(case.x.size for case in drawn) <= 16
    for case in drawn:
        first = case.channels if case.layer != "transposed" else as_layer(case).shape[0]
        assert as_layer(case).shape[0] == first
        assert layers.rounded(case, 1).layer == case.layer


def test_small_cases_like_another_are_of_its_kind() -> None:
    for like in draw(LAYERS.strategy(Traits("float32")), 20):
        for case in draw(layers.small(Traits("float32"), like), 3):
            assert (case.layer, case.x.ndim, case.groups is None) == (like.layer, like.x.ndim, like.groups is None)


def test_a_case_follows_from_its_seed() -> None:
    place = layers.places(Traits("float32"))[0]
    one, other = (layers.fill(Traits("float32"), place, settings=(0.3, 0.1), seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.bias, other.bias)
