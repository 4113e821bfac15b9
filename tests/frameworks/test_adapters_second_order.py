"""Each adapter that offers tangents or second gradients wires them as it says.

The comparison is with the reference and loose, as in test_adapters.py: whether an implementation is right to the last
bit is the harness's own question. One process for each adapter; this file is also the program that it runs.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from worlds.wired import FLOAT64_IN_FLOAT32, TOLERANCE, draw, installed_of

from bnconform import Case, Implementation, Unsupported
from bnconform.contract.outcome import check_outcome
from bnconform.oracle import reference

ADAPTERS = [f"bnconform.adapters.{name}" for name in ("torch", "tf", "flax", "jax", "keras_jax")]
"""Those whose plain implementations offer both; others offer one of them, or know other exceptions."""
NAMES = ("dot_y", "grad_x", "grad_gamma", "grad_dy")
STOPPED = {"tf.nn.batch_normalization"}  # its variance is differentiated as if its mean were fixed: the harness says so
BROKEN = {"torch.nn.functional.batch_norm"}  # with beta and without gamma, second gradients raise: the harness says so


def further(case: Case) -> Case:
    """Returns the case with tangents and second cotangents, nothing of which could be mistaken for something else."""
    rng = np.random.default_rng(5)

    def drawn(like: np.ndarray | None) -> np.ndarray | None:
        return None if like is None else rng.normal(0.3, 1, like.shape).astype(like.dtype)

    dots = {"dot_x": drawn(case.x), "dot_gamma": drawn(case.gamma), "dot_beta": drawn(case.beta)}
    bars = {"bar_dx": drawn(case.x), "bar_dgamma": drawn(case.gamma), "bar_dbeta": drawn(case.beta)}
    return replace(case, **dots, **bars)


def cases(implementation: Implementation) -> Iterator[Case]:
    shape, axis = ((4, 3, 2, 5), 1)
    dtypes = {"float16", "float64"} if implementation.compiled else implementation.dtypes  # each costs a compilation
    for mode in ("train", "infer"):
        for dtype in sorted(dtypes):
            yield further(draw(shape, axis, dtype, mode))
    yield further(draw((4, 2, 5, 3), -1, "float32", "infer"))
    full = draw(shape, axis, "float32")
    if not implementation.compiled:
        yield further(replace(full, beta=None))
    if implementation.name not in BROKEN:
        yield further(replace(full, gamma=None))
    yield replace(further(full), dot_gamma=None, bar_dbeta=None)


def complaints(implementation: Implementation, case: Case) -> Iterator[str]:
    """Yields what is wrong with the implementation's tangents and second gradients of `case`."""
    outcome = check_outcome(case, implementation.run(case), implementation.name)
    for name in NAMES:
        got, want = getattr(outcome, name), getattr(reference, name)(case)
        if name == "grad_x" and case.mode == "train" and implementation.name in STOPPED:
            continue
        if name == "grad_gamma" and case.gamma is None:
            if got is not None:
                yield "grad_gamma of no gamma"
            continue
        if got is None:
            yield f"{name} is missing"
            continue
        error = np.abs(got.astype(float) - want).max() / np.abs(want).max()
        known = case.dtype == "float64" and implementation.name in FLOAT64_IN_FLOAT32
        if not error <= 5 * TOLERANCE["float32" if known else case.dtype]:
            yield f"{name} is off by {error:.2g} of its largest value"


def main(module: str) -> None:
    for implementation in importlib.import_module(module).IMPLEMENTATIONS:
        if implementation.opt_in:  # a variant takes fewer dtypes or derivatives, and is wired like its sibling
            continue
        assert {"tangents", "second_order"} <= set(implementation.features), implementation.name
        for case in cases(implementation):
            if implementation.dialect.average == "cumulative" and case.mode == "train":
                case = replace(case, running_mean=None, running_var=None)  # its weight is by a count of its own
            try:
                found = list(complaints(implementation, case))
            except Unsupported:
                found = ["Unsupported"]
            for one in found:
                print(implementation.name, case.mode, case.dtype, case.x.shape, case.axis, one)


@pytest.mark.parametrize("module", ADAPTERS)
def test_tangents_and_second_gradients_are_those_of_the_case(module: str) -> None:
    installed_of(module)
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, __file__, module], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


if __name__ == "__main__":
    main(sys.argv[1])
