"""A Case of a layer fits together or is refused, and its weight moves to the layouts of frameworks and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bnconform import Case, Outcome
from bnconform.contract.axes import as_layer, from_inputs_first, from_layer, inputs_first, outputs_first
from bnconform.contract.errors import ContractError
from bnconform.contract.outcome import check_outcome
from bnconform.contract.wire import pack_case, unpack_case
from bnconform.results.case_line import case_line, read_case


def case(shape: tuple[int, ...] = (2, 6, 3), axis: int = 1, **more: Any) -> Case:
    vector = np.arange(1.0, shape[axis] + 1)
    given: dict[str, Any] = {"mode": "infer", "layer": "convolution", "running_mean": vector, "running_var": vector}
    x = np.arange(float(np.prod(shape))).reshape(shape)
    return Case(x=x, axis=axis, gamma=vector, beta=None, eps=0.5, momentum=0.5, **{**given, **more})


def test_a_layer_asks_for_the_feature_fold() -> None:
    assert case().needs == {"fold"}
    assert case(groups=2, bias=np.ones(6)).flags == {"layer": "convolution", "groups": 2}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"layer": None, "groups": 2}, "Case.layer is None"),
        ({"layer": "dense"}, "Case.layer is 'dense'"),
        ({"layer": "linear"}, "of a weight of rank 3; expected 'linear' of rank 2 alone"),
        ({"groups": 4}, "Case.groups is 4; expected None, or the groups of a convolution's 6 channels"),
        ({"groups": 0}, "Case.groups is 0"),
        ({"groups": True}, "Case.groups is True"),
        ({"mode": "train"}, "expected inference by running statistics"),
        ({"running_mean": None, "running_var": None}, "expected inference by running statistics"),
        ({"bias": np.ones(5)}, "Case.bias is an array of shape"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        case(**wrong)


@pytest.mark.parametrize("more", [{}, {"groups": 3}, {"bias": np.arange(6.0)}])
def test_a_layer_survives_the_wire_and_its_line(more: dict[str, Any]) -> None:
    blob = pack_case(case(**more))
    assert pack_case(unpack_case(blob)[0]) == blob
    assert pack_case(read_case(case_line(case(**more)))) == blob


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("groups", [None, 2, 6])
@pytest.mark.parametrize("layer", ["convolution", "transposed"])
def test_a_weight_comes_back_from_the_layout_of_a_framework(layer: str, groups: int | None, axis: int) -> None:
    one = case((6, 6, 6), axis, layer=layer, groups=groups)
    np.testing.assert_array_equal(from_layer(as_layer(one), one), one.x)


def test_a_grouped_transposed_weight_has_the_inputs_of_all_groups_first() -> None:
    """Output 4 of 6 in 2 groups is the second of group 1, whose inputs are 2 and 3 of 4."""
    one = case((2, 6, 3), layer="transposed", groups=2)
    weight = inputs_first(one)
    assert weight.shape == (4, 3, 3)
    np.testing.assert_array_equal(weight[2:, 1], outputs_first(one)[4])
    np.testing.assert_array_equal(from_inputs_first(weight, one), one.x)


def test_a_folded_layer_has_the_shapes_of_its_own() -> None:
    one, folded = case(), {"folded_weight": np.ones((2, 6, 3)), "folded_bias": np.ones(6)}
    assert check_outcome(one, Outcome(**folded), "mine").folded_bias is folded["folded_bias"]
    for name, wrong in (("folded_weight", np.ones((6, 2, 3))), ("folded_bias", np.ones(2))):
        with pytest.raises(ContractError, match=f"mine returned {name} of shape"):
            check_outcome(one, Outcome(**{**folded, name: wrong}), "mine")
