"""The kernels of examples/kernels, run where there is no GPU, by interpretation: each is right, and its twin is wrong.

A kernel that loses its last rows, adds up half of its threads, counts lanes that are masked or reads a row twice is
right on many shapes: what tells it is a case of the usual search, among the first few.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from worlds.searches import SPECS

from bnconform.contract.address import named_address
from bnconform.engine.runner import Runner
from bnconform.engine.search import explore
from bnconform.engine.tally import Effort, Tally
from bnconform.engine.target import Target
from bnconform.host.client import Host

KERNELS = Path(__file__).parents[2] / "examples" / "kernels"
STATEMENTS = (
    "normalizes_by_the_batch",
    "averages_the_running_mean",
    "averages_the_unbiased_variance",
    "sends_gradients_through_the_statistics",
    "sums_the_gradient_of_the_scale",
    "sums_the_gradient_of_the_shift",
)
NEEDS = {"pallas": "jax", "numba": "numba", "triton": "triton", "opencl": "pyopencl"}
SHOWN = {  # a mask that is missing in the forward kernel alone leaves the mean and dβ as they are
    "pallas": set(STATEMENTS),
    "numba": set(STATEMENTS),
    "triton": set(STATEMENTS) - {"averages_the_running_mean", "sums_the_gradient_of_the_shift"},
    "opencl": set(STATEMENTS),
}
PLATFORMS = "import pyopencl; print(len(pyopencl.get_platforms()))"


@contextmanager
def hosted(kernel: str) -> Iterator[Host]:
    """Starts the example's process; skips where its package is missing, or OpenCL has no device."""
    if importlib.util.find_spec(NEEDS[kernel]) is None:
        pytest.skip(f"{NEEDS[kernel]} is not installed")
    if kernel == "opencl":
        found = subprocess.run([sys.executable, "-c", PLATFORMS], capture_output=True, text=True, check=False)
        if found.returncode or int(found.stdout) == 0:
            pytest.skip("there is no OpenCL device; pocl-binary-distribution is one")
    host = Host(named_address(str(KERNELS / f"{kernel}_batch_norm.py")), timeout=240)
    try:
        yield host
    finally:
        host.close()


def judged(host: Host, which: int) -> dict[str, Tally]:
    about = sorted(host.describe(), key=lambda one: one.name)[which]
    target = Target(implementation=about, dtype="float32")
    tallies = [Tally(spec=SPECS[name]) for name in STATEMENTS]
    explore(tallies, target, Runner.of(target, lambda: host), Effort(examples=3))
    return {tally.spec.id: tally for tally in tallies}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", NEEDS)
def test_a_kernel_is_right_and_its_twin_is_wrong(kernel: str) -> None:
    with hosted(kernel) as host:
        right, twin = judged(host, 0), judged(host, 1)
    assert {name: tally.verdict for name, tally in right.items()} == dict.fromkeys(STATEMENTS, "conforms")
    assert min(tally.claimed for tally in right.values()) > 0
    assert {name for name, tally in twin.items() if tally.verdict == "fails"} == SHOWN[kernel]
