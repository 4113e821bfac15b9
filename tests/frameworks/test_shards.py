"""Adapters that take a batch in shards run it on as many devices, and return what the whole batch gives."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PROGRAM = """
import importlib, json, sys
import numpy as np
from dataclasses import replace
from worlds.wired import draw
module, spied, name = importlib.import_module(sys.argv[1]), importlib.import_module(sys.argv[2]), sys.argv[3]
one = next(one for one in module.IMPLEMENTATIONS if one.name == name)
counts, original = [], getattr(spied, sys.argv[4])
def spy(first, *more):
    counts.append(first if isinstance(first, int) else len(first))
    return original(first, *more)
setattr(spied, sys.argv[4], spy)
whole = draw((6, 3, 2), -1, "float32", "train")
found = {}
for shards in ((2, 2, 2), (3, 3), (5, 1), (4, 0, 2)):
    case = replace(whole, shards=shards)
    if case.needs <= set(one.features):
        apart = [float(np.abs(getattr(one.run(case), n) - getattr(one.run(replace(whole, shards=(6,))), n)).max())
                 for n in ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")]
        found[str(shards)] = [max(apart), len(shards) in counts]
print(json.dumps(found))
"""
EQUAL = {"(2, 2, 2)", "(3, 3)"}
OFFERED = {
    "flax.linen.BatchNorm": ("flax", "flax", "_jax_shards", "Mesh", EQUAL),
    "flax.nnx.BatchNorm": ("flax_nnx", "flax", "_jax_shards", "Mesh", EQUAL),
    "haiku.BatchNorm": ("haiku", "haiku", "_jax_shards", "Mesh", EQUAL),
    "equinox.nn.BatchNorm:batch": ("equinox", "equinox", "_jax_shards", "Mesh", EQUAL),
    "keras.layers.BatchNormalization@tensorflow:replicas": (
        "keras_tensorflow", "keras", "_tf_replicas", "strategy", EQUAL | {"(5, 1)", "(4, 0, 2)"},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", OFFERED)
def test_a_batch_in_shards_runs_on_as_many_devices_and_gives_what_the_whole_gives(name: str) -> None:
    adapter, needs, spied, function, shards = OFFERED[name]
    if importlib.util.find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    words = [f"bnconform.adapters.{adapter}", f"bnconform.adapters.{spied}", name, function]
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == shards
    assert all(apart < 1e-4 and on_as_many for apart, on_as_many in found.values()), found
