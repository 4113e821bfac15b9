"""What is near a fault of the catalogue is not called by its name, and two at once by the names of both alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from worlds.searches import SPECS, Here, searched

from bnconform import Implementation
from bnconform.analysis.diagnosis import Diagnosis, Diagnostician
from bnconform.analysis.faults import Fault, perform
from bnconform.analysis.faults.calculation import Formula
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.implementation import Described
from bnconform.engine.runner import Runner
from bnconform.engine.target import Target

OUTSIDE: Mapping[str, Formula] = {"r": lambda c: 1.0 / (c.sqrt(c.variance_in_y) + c.epsilon)}
STOPPED: Mapping[str, Formula] = {"reaching": lambda c: c.g}
LARGER: Mapping[str, Formula] = {"epsilon": lambda c: 1.05 * c.eps}
CLIPPED: Mapping[str, Formula] = {"y": lambda c: c.vector(c.plain(c.h).clip(-3, 3)) * c.scale + c.shift}


def diagnosed(formulas: Mapping[str, Formula], spec: str, dtype: str) -> Diagnosis:
    wrong = Fault(name="wrong", chapter="", sentence="", formulas=formulas)
    about = Implementation(name="bn.norm", run=lambda case: perform(wrong, case, narrow=True), dtypes=set(DTYPES))
    host = Here(about)
    failure = searched(host, spec, dtype=dtype)[spec].failure
    assert failure is not None
    target = Target(implementation=Described.of(about), dtype=dtype)
    return Diagnostician(target, Runner(lambda: host, about.name)).diagnose(SPECS[spec], failure)


@pytest.mark.parametrize(
    ("formulas", "spec", "dtype"),
    [
        # The bounds of one pass in 16 bits, and of float32, are so wide there that they hold whatever is wrong.
        (LARGER, "sums_the_gradient_of_the_scale", "float16"),
        (CLIPPED, "needs_no_running_statistics", "float16"),
    ],
)
def test_no_fault_is_named_for_what_is_none(formulas: Mapping[str, Formula], spec: str, dtype: str) -> None:
    found = diagnosed(formulas, spec, dtype)
    assert found.likely == (), found.words
    assert found.words.startswith("no known fault explains it")


@pytest.mark.parametrize(
    ("spec", "dtype"),
    [
        # What one witness of two rows shows happens to be what another fault gives; ordinary cases tell.
        ("trains_a_network_step_by_step", "float32"),
        # What ε outside the root makes of a constant channel is as small as the rounding of float32.
        ("gives_the_shift_for_a_constant_channel", "float64"),
    ],
)
def test_two_at_once_are_named_together_and_by_no_third_name(spec: str, dtype: str) -> None:
    found = diagnosed(OUTSIDE | STOPPED, spec, dtype)
    assert [(one["fault"], one.get("beside")) for one in found.likely] == [
        ("epsilon_outside_the_root", "inference_gradient_in_training"),
        ("inference_gradient_in_training", "epsilon_outside_the_root"),
    ]
    words = "behaves like epsilon outside the root together with inference gradient in training, within 0."
    assert found.words.startswith(words)
