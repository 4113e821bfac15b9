"""Each adapter of a folder hands on weight, groups, bias and statistics as it says, and reads back what was made.

The comparison is with the plain formula in float64 and loose: whether a folder is right to the last bit is the
harness's own question. What a folder leaves as it was stands in a table, and what it is known to do wrong in another.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bnconform import Case, Unsupported
from bnconform.cases import layers
from bnconform.cases.strategies import Traits
from bnconform.contract.axes import along
from bnconform.contract.outcome import check_outcome

pytestmark = pytest.mark.framework
NEEDS = {
    "torch_folding": "torch",
    "onnxruntime_folding": "onnxruntime",
    "onnxoptimizer": "onnxoptimizer",
    "onnxsim": "onnxsim",
    "onnxslim": "onnxslim",
    "openvino_folding": "openvino",
}
LINEAR, TRANSPOSED, GROUPED = ("linear", False), ("transposed", False), ("transposed", True)
LEFT = {
    "torch.fx.experimental.optimization.fuse": {TRANSPOSED, GROUPED},
    "torch.jit.freeze": {TRANSPOSED, GROUPED},
    "onnxruntime.InferenceSession:folding_basic": {LINEAR},
    "onnxruntime.InferenceSession:folding_extended": {LINEAR},
    "onnxoptimizer.fuse_bn_into_conv": {LINEAR, TRANSPOSED, GROUPED},
    "onnxsim.simplify": {LINEAR, GROUPED},
    "onnxslim.slim": {LINEAR},
    "openvino.apply_moc_transformations": {LINEAR},
}
"""The layers, with a bias, that a folder leaves as they were."""
WRONG = {
    "torch.nn.utils.fusion": {GROUPED},
    "torch.nn.utils.fusion:eval": {GROUPED},
    "torch.ao.quantization.fuse_modules": {GROUPED},
}
"""What raises in place of folding: https://github.com/pytorch/pytorch/issues/180995."""


def cases(dtype: str) -> Iterator[Case]:
    traits = Traits(dtype, short_settings=True)
    for place in layers.places(traits):
        if place.rank > 4 or place.axis != 1:
            continue  # which is no other way of an adapter
        yield layers.fill(traits, place, settings=(0.3, 0.1), seed=place.outputs)


@pytest.mark.parametrize("adapter", NEEDS)
def test_a_folder_is_handed_the_case_and_read_back(adapter: str) -> None:
    pytest.importorskip(NEEDS[adapter])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the frameworks are not ours to judge
        found = importlib.import_module(f"bnconform.adapters.{adapter}").IMPLEMENTATIONS
        for one in found:
            assert one.only == {"fold"}
            left, wrong = LEFT.get(one.name, set()), WRONG.get(one.name, set())
            for case in cases("float32"):
                due = "left" if kind(case) in left else "raised" if kind(case) in wrong else "folded"
                assert said(one, case) == due, (one.name, kind(case), case.x.shape)


def kind(case: Case) -> tuple[Any, bool]:
    return case.layer, case.groups is not None


def said(one: Any, case: Case) -> str:
    try:
        found = check_outcome(case, one.run(case), one.name)
    except Unsupported:
        return "left"
    except (RuntimeError, ValueError):
        return "raised"
    slope = case.gamma / np.sqrt(case.running_var.astype(np.float64) + case.eps)
    weight = case.x * along(slope, case.x.ndim, case.axis)
    bias = (case.bias - case.running_mean) * slope + case.beta
    right = np.allclose(found.folded_weight, weight, rtol=1e-4) and np.allclose(found.folded_bias, bias, rtol=1e-3)
    return "folded" if right else "folded otherwise"


@pytest.mark.parametrize("adapter", NEEDS)
def test_a_layer_without_a_bias_gets_one(adapter: str) -> None:
    pytest.importorskip(NEEDS[adapter])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = importlib.import_module(f"bnconform.adapters.{adapter}").IMPLEMENTATIONS[0]
        case = next(case for case in cases("float32") if kind(case) == ("convolution", False))
        found = one.run(replace(case, bias=None))
    slope = case.gamma / np.sqrt(case.running_var.astype(np.float64) + case.eps)
    np.testing.assert_allclose(found.folded_bias, case.beta - case.running_mean * slope, rtol=1e-3)
