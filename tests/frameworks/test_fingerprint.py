"""What the fingerprint says of installed frameworks is what their documentation or source says.

Slow: each implementation is probed in four dtypes, in a process of its own. The sources are those that Dialects link
to, and for what no Dialect speaks of: aten/src/ATen/native/cpu/batch_norm_kernel.cpp of PyTorch (double sums of float
data in contiguous memory, float ones in channels-last; alpha and beta terms in both; g(x - mean) summed), nn_impl.py of
TensorFlow and nn.py of Keras' backends (x·inv + (β - mean·inv)), dtypes.py of Keras (float64 becomes float32 but on
TensorFlow), and jax-ml/jax#16200 (subnormal numbers are zero on the CPU, but float16's, which are float32's normal
ones).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds.drawing import DTYPES
from worlds.wired import installed_of

from bnconform.analysis.fingerprint.declared import Comparison
from bnconform.analysis.fingerprint.fingerprinting import rank_of
from bnconform.cli.fingerprint import compare
from bnconform.engine.selection import Hosts, Request, select, targets

pytestmark = pytest.mark.slow
ADAPTERS = ("torch", "tf", "keras_tensorflow", "keras_torch", "keras_jax", "flax", "jax", "numpy_listing")
_PROCESSOR = Path("/proc/cpuinfo")
FUSED_FLOAT16 = _PROCESSOR.is_file() and "avx512_fp16" in _PROCESSOR.read_text()
"""Whether the processor computes in float16 itself: XLA then fuses products with sums and rounds as wider types do."""
TWO, ONE, EITHER = "two-pass", "one-pass", "two-pass or Welford-like"
WIDE = dict.fromkeys(("float16", "bfloat16", "float32"), "float32")
OWN: dict[str, str | None] = {dtype: dtype for dtype in DTYPES}
FLUSHED = {**dict.fromkeys(DTYPES, "flushed to zero"), "float16": "kept"}
COMMON: dict[str, Any] = {
    "ε in training": "inside the root",
    "ε in inference": "inside the root",
    "variance in y": "biased",
    "elementwise arithmetic": WIDE | {"float64": "float64"},
    "statistics summed in": WIDE | {"float64": "float64"},
    "cotangents summed in": WIDE | {"float64": "float64"},
    "statistics kept in": {"float16": "float32", "bfloat16": "float32"},
    "ε and momentum kept in": {"float64": "float64"},
    "variance algorithm": TWO,
    "dγ in inference": "centred",
    "single value": "zero",
}
AVERAGING: dict[str, Any] = {**COMMON, "momentum": "weighs the new", "running average": "exponential"}
BIASED = {**AVERAGING, "running variance": "biased"}
KEPT = {"subnormal results": "kept", "subnormal inputs": "kept"}
FLUSHING = {"subnormal results": FLUSHED, "subnormal inputs": FLUSHED}
TORCH = {
    **AVERAGING,
    **KEPT,
    "running variance": "unbiased",
    "inference": "folded",
    "statistics summed in": {**OWN, "float16": "float32", "bfloat16": "float32", "float32": "float64"},
    "variance algorithm": {"float16": TWO, "bfloat16": TWO, "float32": EITHER, "float64": TWO},
    "single value": "raises",
    "empty batch": "running mean kept; running variance kept",
}
JAX = {
    **COMMON,
    **FLUSHING,
    "elementwise arithmetic": OWN | ({"float16": "float32"} if FUSED_FLOAT16 else {}),
    "cotangents summed in": OWN,
    "statistics kept in": {"float16": "float16", "bfloat16": "bfloat16"},
    "inference": "subtracts first",
}
SINGLE = dict.fromkeys(DTYPES, "float32")  # in whatever type the data are
FLAX = {**BIASED, **FLUSHING, "inference": "subtracts first"}
KERAS_SINGLE = {
    **BIASED,
    "elementwise arithmetic": SINGLE,
    "statistics summed in": SINGLE,
    "cotangents summed in": SINGLE,
    "ε and momentum kept in": {},
}
SAID: dict[str, dict[str, Any]] = {
    "torch.nn.functional.batch_norm": TORCH,
    "torch.nn.BatchNorm": TORCH,
    "torch.nn.BatchNorm:cumulative": {"running average": "cumulative", "single value": "raises", "inference": "folded"},
    "tf.nn.batch_normalization": {
        **COMMON,
        **FLUSHING,
        "elementwise arithmetic": OWN,
        "cotangents summed in": {**OWN, "bfloat16": "float32"},
        "statistics kept in": {"float16": "float16", "bfloat16": "bfloat16"},
        "variance algorithm": {"float16": EITHER, "bfloat16": EITHER, "float32": TWO, "float64": TWO},
        "inference": "folded",
        "dγ in inference": "uncentred",
    },
    "tf.raw_ops.FusedBatchNormV3": {
        **AVERAGING,
        **FLUSHING,
        "running variance": "unbiased",
        "inference": "subtracts first",
    },
    "keras.layers.BatchNormalization@tensorflow": {
        **BIASED,
        **FLUSHING,
        "inference": "folded",
        "dγ in inference": "uncentred",
    },
    "keras.layers.BatchNormalization@torch": {
        **KERAS_SINGLE,
        "variance algorithm": ONE,
        "negative variance": {"float16": "occurs", "float32": "occurs", "float64": "occurs"},
        "inference": "subtracts first",
    },
    "keras.layers.BatchNormalization@jax": {**KERAS_SINGLE, "inference": "folded", "dγ in inference": "uncentred"},
    "flax.linen.BatchNorm": {
        **FLAX,
        "variance algorithm": ONE,
        "negative variance": {"float32": "clamped", "float64": "clamped"},
    },
    "flax.linen.BatchNorm:two_pass": FLAX,
    "jax.nn.standardize": {
        **JAX,
        "variance algorithm": {"float16": ONE, "bfloat16": None, "float32": ONE, "float64": ONE},
        "negative variance": {"float32": "clamped", "float64": "clamped"}
        | ({"float16": "clamped"} if FUSED_FLOAT16 else {}),
    },
    "jax.nn.standardize:stable": {
        **JAX,
        "variance algorithm": {"float16": EITHER, "bfloat16": EITHER, "float32": TWO, "float64": TWO},
    },
    "numpy.batchnorm_listing": {
        "ε in training": "inside the root",
        "variance in y": "biased",
        "statistics summed in": {"float16": "float32", "float32": "float32", "float64": "float64"},
        "statistics kept in": {"float16": "float16"},
        "variance algorithm": {"float16": EITHER, "float32": TWO, "float64": TWO},
        "single value": "zero",
        "momentum": None,
        "inference": None,
    },
}
FLOAT32_INSIDE = {"elementwise arithmetic", "statistics summed in", "cotangents summed in"}
CONTRADICT = {
    ("keras.layers.BatchNormalization@torch", "float64"): FLOAT32_INSIDE,
    ("keras.layers.BatchNormalization@jax", "float64"): FLOAT32_INSIDE,
}
Found = dict[tuple[str, str], dict[str, Comparison]]


@pytest.fixture(scope="module")
def found() -> dict[str, Found]:
    """What was found of the implementations of an adapter that was asked for; each is asked once."""
    return {}


def of(adapter: str, found: dict[str, Found]) -> Found:
    installed_of(f"bnconform.adapters.{adapter}")
    if adapter not in found:
        request = Request(adapters=(f"bnconform.adapters.{adapter}",))
        hosts = Hosts(request=request)
        try:
            found[adapter] = {
                (one.implementation.name, one.dtype): {
                    each.inferred.property: each
                    for each in compare(hosts, address, one, rank_of(one.implementation.ranks), 1)
                }
                for address, one in targets(select(request, hosts), request)
                if one.implementation.name in SAID  # other variants are judged where they are asked for
                or not (one.implementation.opt_in or one.implementation.only)
            }
        finally:
            hosts.close()
    return found[adapter]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_what_is_said_is_what_the_sources_say(adapter: str, found: dict[str, Found]) -> None:
    for (name, dtype), comparisons in of(adapter, found).items():
        expected = SAID[name]
        said = {one: comparisons[one].inferred.value for one in expected}
        right = {one: each.get(dtype) if isinstance(each, dict) else each for one, each in expected.items()}
        assert said == right, (name, dtype)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_what_contradicts_is_known(adapter: str, found: dict[str, Found]) -> None:
    for target, comparisons in of(adapter, found).items():
        contradicting = {name for name, one in comparisons.items() if one.relation == "contradicts"}
        assert contradicting == CONTRADICT.get(target, set()), target
