"""Keras on JAX: `keras.layers.BatchNormalization` through its stateless_call, compiled.

Rules: those of `_keras` and of `_jax`.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import functools
from typing import Any

from bnconform.adapters import _keras
from bnconform.adapters._arrays import Parameters, with_state
from bnconform.adapters._jax import DEVICE, Forward, decay, named, run_compiled, snippet
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome

FITS = {"keras": ">=3"}


@functools.cache
def _forward(layer: Any, train: bool) -> Forward:
    start = [variable.value for variable in layer.non_trainable_variables]

    def forward(x: Any, params: Parameters, eps: Any, momentum: Any, mask: Any = None) -> tuple[Any, tuple[Any, Any]]:
        for name, value in named(epsilon=eps, momentum=decay(momentum)).items():
            setattr(layer, name, value)  # traced: another value must not compile again
        weights = [array for array in (params.gamma, params.beta) if array is not None]
        tracked = params.running_mean is not None
        state = [params.running_mean, params.running_var] if tracked else start
        y, (mean, variance) = layer.stateless_call(weights, state, x, training=train, mask=mask)
        return y, (mean, variance) if tracked else (None, None)

    return forward


def run(case: Case, kind: _keras.Kind = _keras.PLAIN) -> Outcome:
    """Runs a layer on the case, and its gradient by jax.vjp."""
    params = _keras.parameters_for(case, kind)
    mask = _keras.mask_of(case)
    masked = {} if mask is None else {"mask": mask}
    found = run_compiled(_forward(_keras.layer_for(case, kind), case.mode == "train"), case, params, **masked)
    return with_state(case, found, *_keras.STATE)


DIALECT = _keras.dialect(backward="uncentred", links={"backward": _keras.SOURCE + "backend/jax/nn.py#L1080"})
WHERE: dict[str, Any] = {"compiled": True, "devices": {"cuda" if DEVICE.platform == "gpu" else "cpu"}}

FORWARD = """\
POLICY = {"float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}.get(DTYPES["x"], DTYPES["x"])
LAYER = keras.layers.BatchNormalization(
    axis=AXIS, scale=VALUES["gamma"] is not None, center=VALUES["beta"] is not None, dtype=POLICY
)
LAYER.build([size if axis == AXIS % VALUES["x"].ndim else None for axis, size in enumerate(VALUES["x"].shape)])


def forward(x, params, eps, momentum):
    LAYER.epsilon, LAYER.momentum = eps, 1 - momentum
    gamma, beta, mean, var = params
    weights = [value for value in (gamma, beta) if value is not None]
    state = [variable.value for variable in LAYER.non_trainable_variables] if mean is None else [mean, var]
    y, new = LAYER.stateless_call(weights, state, x, training=MODE == "train")
    return y, (None, None) if mean is None else tuple(new)
"""
BEFORE = 'import os\nimport sys\n\nos.environ["KERAS_BACKEND"] = "jax"\n\n'
SNIPPET = snippet("keras, jax", FORWARD, before=BEFORE, imports="import keras\nimport numpy as np")

IMPLEMENTATIONS = [
    _keras.implementation("jax", run, DIALECT, further={"tangents", "second_order"}, snippet=SNIPPET, **WHERE),
    _keras.sixteen_bits("jax", functools.partial(run, kind=_keras.SIXTEEN_BITS), DIALECT, **WHERE),
]
