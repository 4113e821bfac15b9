"""What leaves torch as a file and comes back does what the function does, and serves other values of the same shape."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import replace

import numpy as np
import pytest
from worlds.wired import draw

from bnconform import Case
from bnconform.contract.outcome import OUTPUTS, check_outcome

pytestmark = pytest.mark.framework
NAMES = ("torch.export:batch_norm", "torch.jit.script:batch_norm", "torch.jit.trace:batch_norm")


def others(case: Case) -> list[Case]:
    """Returns the case, one of other values, and two that lack arrays."""
    return [
        case,
        replace(case, x=case.x * case.x.dtype.type(2), gamma=-case.gamma, running_mean=case.running_mean + 1),
        replace(case, gamma=None),
        replace(case, beta=None, running_mean=None, running_var=None, dy=None, mode="train"),
    ]


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("name", NAMES)
def test_an_exported_program_is_the_function(name: str, mode: str) -> None:
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapter = importlib.import_module("bnconform.adapters.torch_exported")
        plain = importlib.import_module("bnconform.adapters.torch")
        one = next(one for one in adapter.IMPLEMENTATIONS if one.name == name)
        for case in others(draw((3, 4, 2, 5), 1, "float32", mode)):
            found, due = check_outcome(case, one.run(case), name), plain.run_functional(case)
            for output in OUTPUTS:
                got, wanted = getattr(found, output), getattr(due, output)
                assert (got is None) == (wanted is None), output
                if got is not None:
                    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5, err_msg=output)


def test_a_program_is_made_once_for_a_shape_and_its_settings() -> None:
    pytest.importorskip("torch")
    adapter = importlib.import_module("bnconform.adapters.torch_exported")
    made = []

    def counted(module: object, tensors: tuple[object, ...]) -> object:
        made.append(module)
        return module

    for case in others(draw((3, 4, 2, 5), 1, "float32", "train"))[:3]:
        adapter.run(case, counted)
    assert len(made) == 2  # the second case has other values alone, the third lacks γ


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_the_old_exporter_keeps_the_mode_of_the_module(mode: str) -> None:
    for package in ("torch", "onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapter = importlib.import_module("bnconform.adapters.torch_onnx")
        plain = importlib.import_module("bnconform.adapters.torch")
        old = adapter.IMPLEMENTATIONS[0]
        for case in others(replace(draw((3, 4, 2, 5), 1, "float32", mode), dy=None)):
            found = check_outcome(case, old.run(case), old.name)
            np.testing.assert_allclose(found.y, plain.run_functional(case).y, rtol=1e-5, atol=1e-5)
