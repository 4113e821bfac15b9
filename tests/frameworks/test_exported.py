"""What leaves a framework as a file and comes back does what it did before, for other values of the same shape too."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
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


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_a_program_of_jax_that_was_written_and_read_is_the_function_with_its_gradients(mode: str) -> None:
    pytest.importorskip("jax")
    adapter = importlib.import_module("bnconform.adapters.jax_exported")
    plain = importlib.import_module("bnconform.adapters.jax")
    (one,) = adapter.IMPLEMENTATIONS
    for case in others(draw((3, 4, 2, 5), 1, "float32", mode)):
        found, due = check_outcome(case, one.run(case), one.name), plain.run(case)
        for output in ("y", "dx", "dgamma", "dbeta"):
            got, wanted = getattr(found, output), getattr(due, output)
            assert (got is None) == (wanted is None), output
            if got is not None:
                np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6, err_msg=output)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize(("module", "name"), [("flax", "flax.linen.BatchNorm"), ("jax", "jax.nn.standardize:stable")])
def test_a_step_of_jax_that_iree_compiled_is_the_step_with_its_averages_and_gradients(
    module: str, name: str, mode: str
) -> None:
    for package in ("flax", "iree.compiler", "iree.runtime"):
        pytest.importorskip(package)
    adapter, origin = (importlib.import_module(f"bnconform.adapters.{one}") for one in ("jax_to_iree", module))
    (compiled,) = [one for one in adapter.IMPLEMENTATIONS if one.name == f"{name}@iree"]
    (plain,) = [one for one in origin.IMPLEMENTATIONS if one.name == name]
    for case in others(draw((3, 4, 2, 5), 1, "float32", mode)):
        found, due = check_outcome(case, compiled.run(case), compiled.name), plain.run(case)
        for output in OUTPUTS:
            got, wanted = getattr(found, output), getattr(due, output)
            assert (got is None) == (wanted is None), output
            if got is not None:
                assert got.dtype == wanted.dtype
                np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5, err_msg=output)


def test_a_step_in_float64_keeps_its_digits_in_iree() -> None:
    pytest.importorskip("jax")
    pytest.importorskip("iree.compiler")
    adapter, plain = (importlib.import_module(f"bnconform.adapters.{one}") for one in ("jax_to_iree", "jax"))
    case = draw((3, 4, 2, 5), 1, "float64", "train")
    found = adapter.run_standardize(case, algorithm="stable")
    np.testing.assert_allclose(found.dx, plain.run_stable(case).dx, rtol=1e-13, atol=1e-13)


KERAS = """
import numpy as np
from bnconform.adapters import keras_exported, keras_tensorflow
from bnconform.contract.errors import Unsupported
from dataclasses import replace
from worlds.wired import draw

for shape, axis in (((7, 3), 1), ((3, 4, 2, 5), 1), ((3, 2, 5, 4), -1)):
    full = draw(shape, axis, "float32", "infer")
    for case in (full, replace(full, gamma=None)):
        due = keras_tensorflow.run(case).y
        for one in keras_exported.IMPLEMENTATIONS:
            np.testing.assert_allclose(one.run(case).y, due, rtol=1e-5, atol=1e-5, err_msg=one.name)
try:
    one.run(replace(case, mode="train"))
except Unsupported:
    print("as the layer, in inference alone")
"""


def test_keras_layers_that_were_exported_infer_as_before() -> None:
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", KERAS]  # Keras has one backend a process
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines()[-1:] == ["as the layer, in inference alone"], done.stderr[-3000:]
