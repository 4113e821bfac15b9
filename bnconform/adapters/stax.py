"""stax, the example library of JAX: `jax.example_libraries.stax.BatchNorm`.

Rules: it normalizes by the batch it is given, always, and keeps no running statistics, so that only training is
offered. Everything keeps x's type.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
from jax.example_libraries import stax

from bnconform.adapters._arrays import DEFAULT_EPS, Parameters, parameters
from bnconform.adapters._jax import DEVICE, DISTRIBUTIONS, Forward, named, run_compiled
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.versions import installed


@functools.cache
def _forward(axis: int) -> Forward:
    def forward(x: Any, params: Parameters, eps: Any, momentum: Any) -> tuple[Any, tuple[None, None]]:
        gamma, beta = params.gamma, params.beta
        _, apply = stax.BatchNorm(
            axis=tuple(other for other in range(x.ndim) if other != axis % x.ndim),
            center=beta is not None,
            scale=gamma is not None,
            **named(epsilon=eps),
        )
        return apply((() if beta is None else beta, () if gamma is None else gamma), x), (None, None)

    return forward


def run(case: Case) -> Outcome:
    """Runs jax.example_libraries.stax.BatchNorm."""
    if case.mode == "infer":
        raise Unsupported("inference: the layer normalizes by the batch it is given, always")
    return run_compiled(_forward(case.axis), case, parameters(case, case.x.dtype))


DOCUMENTATION = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.standardize.html"
SOURCE = "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/"
LAYER = SOURCE + "example_libraries/stax.py"
MEAN = SOURCE + "_src/numpy/reductions.py#L906-L922"


def _sixteen_bits(dtype: str) -> Dialect:
    """Returns the Dialect of a 16-bit `dtype`: means are summed in float32 and returned, like all else, in `dtype`."""
    return Dialect(
        variance="one-pass",
        stats_dtype="float32",
        stored_dtype=dtype,
        elementwise_dtype=dtype,
        cotangent_dtype=dtype,
        links={
            "variance": DOCUMENTATION,
            "stats_dtype": MEAN,
            "stored_dtype": MEAN,
            "elementwise_dtype": LAYER,
            "cotangent_dtype": LAYER,
        },
    )


SETTINGS = Settings(
    call="stax.BatchNorm",
    eps=Argument("epsilon", "1e-05", LAYER),
    scale=Argument("scale", "True", LAYER),
    shift=Argument("center", "True", LAYER),
    axis=Argument("axis", "(0, 1, 2)", LAYER),
    reduced=True,
    channels=-1,
    offers=("training", "gradients", "affine"),
)

IMPLEMENTATIONS = [
    Implementation(
        name="jax.example_libraries.stax.BatchNorm",
        run=run,
        dialect=Dialect(variance="one-pass", links={"variance": DOCUMENTATION}),
        by_dtype={dtype: _sixteen_bits(dtype) for dtype in ("float16", "bfloat16")},
        dtypes={"float16", "bfloat16", "float32", "float64"},
        compiled=True,
        version=jax.__version__,
        versions=installed(*DISTRIBUTIONS),
        settings=SETTINGS,
        devices={"cuda" if DEVICE.platform == "gpu" else "cpu"},
        features=DEFAULT_EPS | {"eager", "tangents", "second_order", "third_order"},
        opt_in=True,  # standardize's formula in a library of examples; each type costs fifteen seconds of compiling
    )
]
