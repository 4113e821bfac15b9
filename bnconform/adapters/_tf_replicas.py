"""The part that the TensorFlow adapters share for a batch on several replicas: a mirrored strategy of logical devices.

Rules: the processor is divided before TensorFlow's runtime begins, and one that has begun offers no shards. Replicas
run eagerly, each on its own part of any size. What is elementwise is put together again, the gradients of variables are
added, as an optimizer under the strategy adds them, and variables are read as the strategy gives them to whoever asks.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from bnconform.contract.case import Case
from bnconform.contract.outcome import ELEMENTWISE, Outcome
from bnconform.contract.shards import FEATURES as ANY
from bnconform.contract.shards import batch_axis

REPLICAS = 4
"""How many replicas there are at most."""


def _divide() -> bool:
    """Divides the processor into devices; returns whether that was still possible."""
    if os.environ.get("BNCONFORM_DEVICE", "cpu") != "cpu":
        return False
    (processor, *_) = tf.config.list_physical_devices("CPU")
    try:
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * REPLICAS)
    except RuntimeError:
        return False
    return True


FEATURES = ANY if _divide() else frozenset()
"""The features of a layer that synchronizes its statistics under a strategy."""


@functools.cache
def strategy(count: int) -> Any:
    """Returns the strategy of so many replicas; a layer has to be made in its scope."""
    devices = [f"CPU:{place}" for place in range(count)]
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=tf.distribute.ReductionToOneDevice())


def through_replicas(
    case: Case,
    call: Callable[..., Any],
    weights: Mapping[str, Any],
    statistics: Callable[[], Mapping[str, Any]],
    mask: np.ndarray | None = None,
) -> Outcome:
    """Runs a layer of the strategy on all replicas, and pulls dy back to x and to the variables in `weights`.

    weights, statistics: as of `_tf.through_layer`. mask: what the layer takes beside x, with the examples on its first
    axis.
    """
    mirrored, axis = strategy(len(case.shards)), batch_axis(case.x.ndim, case.axis)

    def shared(array: np.ndarray | None, axis: int) -> Any:
        if array is None:
            return None
        cut = [tf.constant(part) for part in np.split(array, np.cumsum(case.shards)[:-1], axis)]
        return mirrored.experimental_distribute_values_from_function(lambda c: cut[c.replica_id_in_sync_group])

    def step(x: Any, dy: Any, **more: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = call(x, **more)
        pulled = {} if dy is None else tape.gradient(y, {"dx": x, **weights}, output_gradients=dy)
        return {"y": y, **pulled}

    more = {} if mask is None else {"mask": shared(mask, 0)}
    found = mirrored.run(step, args=(shared(case.x, axis), shared(case.dy, axis)), kwargs=more)
    arrays = {name: _whole(mirrored, name, value, axis) for name, value in found.items()}
    read = {name: np.asarray(value) for name, value in statistics().items()}
    return Outcome(**{name: a if name in ELEMENTWISE else a.reshape(-1) for name, a in (arrays | read).items()})


def _whole(mirrored: Any, name: str, value: Any, axis: int) -> np.ndarray:
    if name in ELEMENTWISE:
        return np.concatenate([part.numpy() for part in mirrored.experimental_local_results(value)], axis)
    total: np.ndarray = mirrored.reduce(tf.distribute.ReduceOp.SUM, value, axis=None).numpy()
    return total
