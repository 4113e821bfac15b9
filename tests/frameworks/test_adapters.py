"""Each adapter wires axis, type, momentum, absent arrays, inference and cotangent as it says.

The comparison is with the plain formulas in float64 and loose: whether an implementation is right to the last bit is
the harness's own question. One process for each adapter, because Keras has one backend a process; this file is also
the program that those processes run.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from worlds.wired import FLOAT64_IN_FLOAT32, TOLERANCE, draw

from bnconform import Case, Dialect, Implementation, Outcome, Settings, Unsupported
from bnconform.contract.address import Address, NotInstalled, installed_addresses
from bnconform.contract.axes import along, to_rows
from bnconform.contract.implementation import Described
from bnconform.contract.outcome import OUTPUTS, check_outcome
from bnconform.contract.settings import ARGUMENTS
from bnconform.host.loader import load

ADAPTERS = [one.target for one in installed_addresses() if one.target.startswith("bnconform.")]
LAYOUTS = [((7, 3), 1), ((5, 3, 4), 1), ((5, 4, 3), -1), ((4, 3, 2, 5), 1), ((4, 2, 5, 3), -1)]
LAYOUTS += [((2, 3, 2, 5, 4), 1), ((2, 5, 2, 4, 3), -1)]
RUNNING, GRADIENTS = {"running_mean", "running_var"}, {"dx", "dgamma", "dbeta"}
NOT_OFFERED = {
    "jax.nn.standardize": RUNNING,
    "jax.nn.standardize:stable": RUNNING,
    "jax.nn.standardize:vmap": RUNNING,
    **dict.fromkeys(("tf.nn.batch_normalization" + of for of in ("", ":function", ":xla")), RUNNING),
    "tf.raw_ops.FusedBatchNormV3:xla": RUNNING,
    "numpy.batchnorm_listing": RUNNING | GRADIENTS,
    "autograd.batchnorm_listing": RUNNING,
    "tinygrad.Tensor.batchnorm": RUNNING,
    "jax.example_libraries.stax.BatchNorm": RUNNING,
}
LISTINGS = ("numpy.batchnorm_listing", "autograd.batchnorm_listing")
NO_GRADIENT_ALONE = ("paddle.nn.functional.batch_norm", "paddle.nn.BatchNorm")
"""What gives gamma or beta no gradient where the other one is absent."""
SINGLE_VALUE_OTHERWISE = (*NO_GRADIENT_ALONE, "tinygrad.nn.BatchNorm", "torch.native_batch_norm:decomposed")
"""What does something with a single value that nothing documents; the harness reports it, as a finding."""
ENGINES = ("onnx.", "onnxruntime.", "openvino.", "opencv.", "ncnn.")
"""Namespaces whose implementations have no gradients."""
TRAINING_ONLY = ("jax.example_libraries.stax.",)
NEEDS_A_SHIFT = ("mxnet.nd.BatchNorm", "chainer.functions.batch_normalization")
NEEDS_A_SCALE = ("chainer.functions.batch_normalization",)
BY_ITS_AVERAGE = ("equinox.nn.BatchNorm:ema",)
"""What normalizes a training step by its moving average, as documented, and not by the batch."""
BIASED_ALTHOUGH_DOCUMENTED_UNBIASED = ("equinox.nn.BatchNorm:batch",)
"""What averages the biased variance, against its own documentation; the harness reports it, as a finding."""
ONEDNN = "torch.nn.functional.batch_norm:onednn"
INFERENCE_ONLY = ("openvino.batch_norm_inference", "opencv.", "ncnn.")
BROKEN = {  # https://github.com/onnx/onnx/pull/8442; the harness reports it, as a finding
    "onnx.reference.BatchNormalization:opset7",
    "onnx.reference.BatchNormalization:opset9",
}


def cases(implementation: Implementation) -> Iterator[Case]:
    """Yields a case for each layout, type and absent array, few enough for what compiles."""
    layouts = [(shape, axis) for shape, axis in LAYOUTS if len(shape) in implementation.ranks]
    for mode in ("train", "infer"):
        for shape, axis in layouts:
            yield draw(shape, axis, "float32", mode)
        for dtype in implementation.dtypes:
            yield draw(*layouts[0], dtype, mode)
        full = draw(*layouts[-1], "float32", mode)
        yield replace(full, dy=None)
        yield replace(full, gamma=None)
        yield replace(full, beta=None, dy=None)
        yield replace(full, gamma=None, beta=None)
    yield replace(draw(*layouts[0], "float32"), running_mean=None, running_var=None)


def plain(case: Case, biased: bool) -> dict[str, np.ndarray]:
    """Returns every output of `case` by the textbook formulas in float64."""
    f = {name: None if (a := getattr(case, name)) is None else a.astype(np.float64)
         for name in ("x", "gamma", "beta", "running_mean", "running_var", "dy")}  # fmt: skip
    x = to_rows(f["x"], case.axis)
    mean, var = (x.mean(0), x.var(0)) if case.mode == "train" else (f["running_mean"], f["running_var"])
    root, m = np.sqrt(var + case.eps), len(x)
    h, gamma = (x - mean) / root, 1 if f["gamma"] is None else f["gamma"]
    out = {"y": h * gamma + (0 if f["beta"] is None else f["beta"])}
    if f["running_mean"] is not None:
        weight = case.momentum if case.mode == "train" else 0
        spread = var if biased else var * m / (m - 1)
        out["running_mean"] = (1 - weight) * f["running_mean"] + weight * mean
        out["running_var"] = (1 - weight) * f["running_var"] + weight * spread
    if f["dy"] is not None:
        g = to_rows(f["dy"], case.axis)
        through = g - g.mean(0) - h * (g * h).mean(0) if case.mode == "train" else g
        out |= {"dx": gamma / root * through, "dgamma": (g * h).sum(0), "dbeta": g.sum(0)}
    absent = {"d" + name for name in ("gamma", "beta") if f[name] is None}
    return {name: value for name, value in out.items() if name not in absent}


def is_biased(implementation: Implementation) -> bool:
    declared = implementation.dialect.running_var == "biased"
    return declared or implementation.name in BIASED_ALTHOUGH_DOCUMENTED_UNBIASED


def complaints(implementation: Implementation, case: Case) -> Iterator[str]:
    """Yields what is wrong with the implementation's outcome of `case`."""
    before = [None if a is None else a.copy() for a in (case.x, case.dy, case.running_mean, case.running_var)]
    outcome = check_outcome(case, implementation.run(case), implementation.name)
    kept = {name: None if (a := getattr(outcome, name)) is None else a.copy() for name in OUTPUTS}
    mean = None if case.running_mean is None else -case.running_mean
    implementation.run(replace(case, x=-case.x, running_mean=mean))
    aliased = [name for name in OUTPUTS if kept[name] is not None and _differ(kept[name], getattr(outcome, name))]
    yield from (f"{name} changed when another case ran" for name in aliased)
    again = implementation.run(case)
    expected = plain(case, is_biased(implementation))
    for name in not_offered(implementation.name, case):
        expected.pop(name, None)
    for name in OUTPUTS:
        got, want = getattr(outcome, name), expected.get(name)
        if got is None and case.mode == "infer" and name in RUNNING:
            continue  # inference leaves them alone, so not every implementation returns them
        if got is None or want is None or not _close(implementation, case, name, got, want):
            if got is not want:
                yield f"{name} is {got}, expected {want}"
        elif _differ(kept[name], getattr(again, name)):
            yield f"{name} differs when the same case runs again after another"
    for old, new in zip(before, (case.x, case.dy, case.running_mean, case.running_var), strict=True):
        if old is not None and not np.array_equal(old, new):
            yield "the case was written to"


def not_offered(name: str, case: Case) -> set[str]:
    if name in NO_GRADIENT_ALONE and (case.gamma is None) != (case.beta is None):
        return {"dgamma", "dbeta"}
    return GRADIENTS if name.startswith(ENGINES) else NOT_OFFERED.get(name, set())


def _differ(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is None or other is None or not np.array_equal(one, other)


def _close(implementation: Implementation, case: Case, name: str, got: np.ndarray, want: np.ndarray) -> bool:
    rows = to_rows(got, case.axis) if name in ("y", "dx") else got
    known = case.dtype == "float64" and implementation.name in FLOAT64_IN_FLOAT32
    tolerance = TOLERANCE["float32" if known else case.dtype] * max(1, np.abs(want).max())
    return bool((np.abs(rows.astype(np.float64) - want) <= tolerance).all())


def expects_unsupported(implementation: Implementation, case: Case) -> bool:
    if implementation.name == ONEDNN and not taken_by_onednn(case):
        return True
    if implementation.dialect.average == "cumulative" and case.mode == "train" and case.running_mean is not None:
        return True
    if case.mode == "train" and implementation.name.startswith(INFERENCE_ONLY):
        return True
    if case.gamma is None and implementation.name in NEEDS_A_SCALE:
        return True
    if case.beta is None and implementation.name in NEEDS_A_SHIFT:
        return True
    if case.mode == "infer" and implementation.name.startswith(TRAINING_ONLY):
        return True
    if case.mode == "train" and case.running_mean is not None and implementation.name in BY_ITS_AVERAGE:
        return True
    return implementation.name in LISTINGS and (case.mode == "infer" or case.gamma is None or case.beta is None)


def taken_by_onednn(case: Case) -> bool:
    fits = case.x.ndim == 4 if case.mode == "train" else case.dy is None
    return fits and case.gamma is not None and case.beta is not None


def one_value_per_channel(implementation: Implementation) -> Iterator[str]:
    """Yields a complaint unless a single value raises or counts as a variance of zero, as the Dialect says."""
    case = draw((1, 3) if 2 in implementation.ranks else (1, 1, 1, 3), -1, "float32")
    if expects_unsupported(implementation, case):
        case = replace(case, running_mean=None, running_var=None)
    if expects_unsupported(implementation, case):
        return
    try:
        outcome: Outcome | None = implementation.run(case)
    except ValueError:
        outcome = None
    if (outcome is None) != (implementation.dialect.single_value == "raises"):
        yield f"one value per channel gives {outcome}, but the Dialect says {implementation.dialect.single_value}"
    elif outcome is not None and not np.allclose(outcome.y, along(case.beta, case.x.ndim, -1)):
        yield f"one value per channel gives {outcome.y}, expected beta"


def undocumented(dialect: Dialect) -> list[str]:
    plain_dialect = Dialect()
    names = [field.name for field in fields(Dialect) if field.name != "links"]
    return [name for name in names
            if getattr(dialect, name) != getattr(plain_dialect, name) and name not in dialect.links]  # fmt: skip


def unfounded(settings: Settings | None) -> Iterator[str]:
    """Yields what is wrong with what a user is said to write: an argument has no link, a default is no number."""
    for one in () if settings is None else settings.named(*ARGUMENTS):
        if not one.link.startswith("https://"):
            yield f"the argument {one.name} has no link"
    for one in () if settings is None else settings.named("eps", "momentum"):
        if one.default not in ("", "None") and not 0 <= Decimal(one.default) <= 1:
            yield f"the default of {one.name} is {one.default}"


def check(adapter: str) -> dict[str, list[str]] | None:
    """Returns the complaints about each implementation of `adapter`; None where what it wraps is not installed."""
    found: dict[str, list[str]] = {}
    try:
        implementations = load(Address(target=adapter, namespace="", named=False))
    except NotInstalled:
        return None
    for implementation in implementations:
        said = found[implementation.name] = list(unfounded(implementation.settings))
        said += [] if Described.of(implementation).versions else ["no version of anything is stated"]
        if "cpu" not in implementation.devices or implementation.only:
            continue  # tests/frameworks/test_folders.py tries what folds and normalizes nothing
        if implementation.name not in (*BROKEN, *SINGLE_VALUE_OTHERWISE):
            said += one_value_per_channel(implementation)
        for dialect in (implementation.dialect, *implementation.by_dtype.values()):
            said += [f"{name} has no link" for name in undocumented(dialect)]
        for case in () if implementation.name in BROKEN else cases(implementation):
            where = f"{case.mode} {case.dtype} {case.x.shape} axis {case.axis}"
            said += [f"{where}: {complaint}" for complaint in _judged(implementation, case)]
    return found


def _judged(implementation: Implementation, case: Case) -> list[str]:
    try:
        said = list(complaints(implementation, case))
    except Unsupported as why:
        return [] if expects_unsupported(implementation, case) else [f"Unsupported: {why}"]
    return [*said, "runs what it cannot express"] if expects_unsupported(implementation, case) else said


def _in_a_process_of_its_own(adapter: str, *options: str) -> Any:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "error", *options, __file__, adapter]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_state_of_narrower_statistics_is_reported_in_the_type_of_x() -> None:
    arrays = importlib.import_module("bnconform.adapters._arrays")
    case = replace(draw((7, 3), 1, "float64"), running_mean=None, running_var=None, state={})
    found = arrays.with_state(case, Outcome(running_mean=np.zeros(3, np.float32), running_var=np.ones(3)), "m", "v")
    assert [found.state[name].dtype.name for name in ("m", "v")] == ["float32", "float64"]
    assert found.running_mean.dtype == found.running_var.dtype == np.float64


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_wires_its_implementations_as_it_says(adapter: str) -> None:
    found = _in_a_process_of_its_own(adapter)
    if found is None:
        pytest.skip("what it wraps is not installed")
    assert found
    assert found == {name: [] for name in found}


def test_torch_compile_is_wired_as_torch_is_where_a_case_asks_for_no_compiler() -> None:
    pytest.importorskip("torch")
    adapter = importlib.import_module("bnconform.adapters.torch_compile")
    compiled: Implementation = adapter.IMPLEMENTATIONS[0]
    uncompiled = replace(compiled, run=lambda case: adapter.run(replace(case, eager=True)))
    assert [said for case in cases(uncompiled) for said in complaints(uncompiled, case)] == []


def test_inference_without_running_statistics_is_unsupported() -> None:
    listing = importlib.import_module("bnconform.adapters._arrays")
    case = replace(draw((7, 3), 1, "float32", "infer"), running_mean=None, running_var=None)
    with pytest.raises(Unsupported, match="needs running statistics"):
        listing.parameters(case, np.dtype(np.float32))


def test_a_parameter_is_never_narrowed() -> None:
    arrays = importlib.import_module("bnconform.adapters._arrays")
    with pytest.raises(Unsupported, match="gamma is float32, which float16 does not hold exactly"):
        arrays.parameters(draw((7, 3), 1, "float32"), np.dtype(np.float16))


if __name__ == "__main__":
    print(json.dumps(check(sys.argv[1])))
