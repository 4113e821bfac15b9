"""What the torch adapter does on a GPU, on a stand-in for one: moves, layouts, dtypes, settings, asynchronous errors.

Each test is a program of its own process: a process has one device from its start on.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
HEAD = """
import json, sys
from worlds.stand_in_device import DEVICE, OnDevice, StandIn
import numpy as np, torch
from bnconform.adapters import torch as adapter
from bnconform.adapters._torch import to_tensor
from bnconform.contract.case import PER_CHANNEL
from bnconform.contract.outcome import OUTPUTS
from bnconform.host.server import answer
from worlds.wired import draw
LAYOUTS = [((7, 3), 1), ((4, 3, 2, 5), 1), ((4, 2, 5, 3), -1)]
RUN = {one.name: one for one in adapter.IMPLEMENTATIONS}
def same(one, other):
    pairs = [(getattr(one, name), getattr(other, name)) for name in OUTPUTS]
    return all((a is None) == (b is None) and (a is None or a.tobytes() == b.tobytes()) for a, b in pairs)
"""
NAMES = (
    "torch.nn.functional.batch_norm",
    "torch.nn.functional.batch_norm:cudnn_off",
    "torch.native_batch_norm",
    "torch.func.vmap:batch_norm",
    "torch.func.jvp:batch_norm",
)
SETUP = "_setup_privateuseone_for_python_backend"


def _has_backends_in_python() -> bool:
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return False
    return SETUP in (Path(found.origin).parent / "utils" / "backend_registration.py").read_text(encoding="utf-8")


pytestmark = pytest.mark.skipif(not _has_backends_in_python(), reason="needs a torch with backends written in Python")


def program(body: str, device: str = "standin", *words: str) -> Any:
    """Returns what a program prints as JSON, in an environment where that is the device."""
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    environment = {**os.environ, "BNCONFORM_DEVICE": device, "PYTHONPATH": path}
    command = [sys.executable, "-W", "ignore", "-c", HEAD + body, *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


ALIKE = """
found = {}
for name in sys.argv[1:]:
    one = RUN[name]
    for shape, axis in LAYOUTS:
        for dtype in sorted(one.dtypes):
            for mode in ("train", "infer"):
                case = draw(shape, axis, dtype, mode)
                with StandIn() as there:
                    on_device = one.run(case)
                import bnconform.adapters._torch as shared
                shared.DEVICE, before = torch.device("cpu"), shared.DEVICE
                on_cpu = one.run(case)
                shared.DEVICE = before
                arrays = sum(getattr(case, n) is not None for n in ("x", "dy", *PER_CHANNEL))
                ok = same(on_device, on_cpu) and there.moved["to"] == arrays and there.moved["from"] >= 4
                found.setdefault(name, []).append(bool(ok and sum(there.ran.values()) > 2))
print(json.dumps({name: [all(oks), len(oks)] for name, oks in found.items()}))
"""


def test_everything_is_moved_once_and_computed_there_with_the_same_result() -> None:
    """A tensor that stays on the processor beside one that does not would raise in the stand-in."""
    found = program(ALIKE, "standin", *NAMES)
    assert {name: alike for name, (alike, _) in found.items()} == dict.fromkeys(NAMES, True)
    assert all(count >= 6 for _, count in found.values())  # three layouts, two modes, a dtype or more


MIXED = """
with StandIn():
    there = to_tensor(np.ones((2, 3), np.float32))
    words = []
    for other in (torch.ones(2, 3), torch.ones(3)):
        try:
            there + other
        except RuntimeError as error:
            words.append(str(error))
    number = (there + torch.tensor(1.0)).cpu().sum().item()
print(json.dumps([words, number, str(there.device)]))
"""


def test_the_stand_in_refuses_what_a_gpu_refuses() -> None:
    words, number, device = program(MIXED)
    assert len(words) == 2
    assert all("expected all tensors to be on the same device" in one for one in words)
    assert (number, device) == (12.0, "standin:0")


LAYOUT = """
seen = []
with StandIn() as there:
    def noting(name, func, args):
        if name == "native_batch_norm":
            seen.append([list(args[0].stride()), str(args[0].dtype), str(args[1].dtype)])
    there.before = noting
    for shape, axis in (((4, 3, 2, 5), 1), ((4, 2, 5, 3), -1)):
        for dtype in ("float32", "float16"):
            RUN["torch.nn.functional.batch_norm"].run(draw(shape, axis, dtype, "train"))
print(json.dumps(seen))
"""


def test_channels_last_reach_the_device_as_they_lie_and_16_bits_with_wide_parameters() -> None:
    assert program(LAYOUT) == [
        [[30, 10, 5, 1], "torch.float32", "torch.float32"],
        [[30, 10, 5, 1], "torch.float16", "torch.float32"],
        [[30, 1, 15, 3], "torch.float32", "torch.float32"],
        [[30, 1, 15, 3], "torch.float16", "torch.float32"],
    ]


SETTINGS = """
case, found = draw((4, 3, 2, 5), 1, "float32", "train"), {}
for name in ("torch.nn.functional.batch_norm", "torch.nn.functional.batch_norm:cudnn_off"):
    with StandIn() as there:
        RUN[name].run(case)
    found[name] = sorted(there.settings)
    found["after " + name] = torch.backends.cudnn.enabled
print(json.dumps(found))
"""


def test_cudnn_is_off_where_it_is_said_to_be_and_on_again_afterwards() -> None:
    plain, off = "torch.nn.functional.batch_norm", "torch.nn.functional.batch_norm:cudnn_off"
    found = program(SETTINGS)
    assert [on for on, _ in found[plain]] == [True]
    assert [on for on, _ in found[off]] == [False]
    assert found["after " + off] is True


TF32 = "print(json.dumps([torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32]))"


def test_float32_on_cuda_is_float32_and_not_its_ten_bits() -> None:
    assert program(TF32, "cuda") == [False, False]
    assert program(TF32, "cpu")[1] is True  # what torch has otherwise, so that the line before can fail


STICKY = """
one, case = RUN["torch.nn.functional.batch_norm"], draw((7, 3), 1, "float32", "train")
with StandIn(breaks="native_batch_norm_backward"):
    first = answer(one, case, adapter.__file__)
    second = answer(one, draw((5, 3), 1, "float32", "infer"), adapter.__file__)
print(json.dumps([[type(r).__name__, r.type, r.message] for r in (first, second)]))
"""


def test_an_asynchronous_error_is_the_implementations_and_stays_in_its_process() -> None:
    """It comes to light in the adapter's own line, where values are read, and must not be called the adapter's."""
    broken = ["Raised", "AcceleratorError", "CUDA error: an illegal memory access was encountered"]
    assert program(STICKY) == [broken, broken]


WITHOUT = """
from bnconform.adapters import flax
import jax
print(json.dumps([sorted(flax.IMPLEMENTATIONS[0].devices), jax.default_backend()]))
"""


@pytest.mark.skipif(importlib.util.find_spec("flax") is None, reason="flax is not installed")
def test_a_jax_without_the_device_offers_the_processor_and_is_no_broken_adapter() -> None:
    assert program(WITHOUT, "cuda") == [["cpu"], "cpu"]
