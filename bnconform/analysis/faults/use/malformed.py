"""Faults of malformed calls: a number where there should be an error.

Rule: what makes a call fit reads the array as memory without a check would: again from its start, or no further.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bnconform.analysis.faults.fault import mending
from bnconform.contract.case import Case
from bnconform.contract.checks import array_of

AVERAGES = ("running_mean", "running_var")


def _again(array: np.ndarray, size: int) -> np.ndarray:
    """Returns the first values, so many of them, those of too short an array over and over."""
    return np.asarray(array[np.arange(size) % len(array)])


def _backwards(array: np.ndarray, size: int) -> np.ndarray:
    return array.reshape(size)[::-1].copy()


def _made_to_fit(case: Case, *words: str, by: Callable[[np.ndarray, int], np.ndarray] = _again, mode: str = "") -> Case:
    """Returns a Case that is malformed by one of the words, in that mode, with an array that fits; any other as it
    is."""
    if case.malformed not in words or mode not in ("", case.mode):
        return case
    name = array_of(str(case.malformed))
    mended: dict[str, Any] = {name: by(getattr(case, name), len(case.x) if name == "dy" else case.channels)}
    return replace(case, malformed=None, **mended)


def _of_averages(*ways: str) -> list[str]:
    return [f"{name}_{how}" for name in AVERAGES for how in ways]


@mending()
def longer_parameters_cut(case: Case) -> Case:
    """Of a scale or a shift with more values than there are channels, the last are left out."""
    return _made_to_fit(case, "gamma_longer", "beta_longer")


@mending()
def shorter_parameters_repeated(case: Case) -> Case:
    """A scale or a shift with fewer values than there are channels is read again from its start."""
    return _made_to_fit(case, "gamma_shorter", "beta_shorter")


@mending()
def single_parameter_spread(case: Case) -> Case:
    """A scale or a shift of a single value is that of every channel."""
    return _made_to_fit(case, "gamma_single", "beta_single")


@mending()
def matrix_of_parameters_read_backwards(case: Case) -> Case:
    """A scale or a shift of shape (1, C) is taken, and its values are in reverse order."""
    return _made_to_fit(case, "gamma_matrix", "beta_matrix", by=_backwards)


@mending()
def averages_cut_or_repeated_in_training(case: Case) -> Case:
    """Training takes running statistics of more or fewer values than there are channels, cut off or repeated."""
    return _made_to_fit(case, *_of_averages("longer", "shorter"), mode="train")


@mending()
def single_average_spread_in_training(case: Case) -> Case:
    """Training takes a running statistic of a single value for that of every channel."""
    return _made_to_fit(case, *_of_averages("single"), mode="train")


@mending()
def averages_cut_or_repeated_in_inference(case: Case) -> Case:
    """Inference takes running statistics of more or fewer values than there are channels, cut off or repeated."""
    return _made_to_fit(case, *_of_averages("longer", "shorter"), mode="infer")


@mending()
def single_average_spread_in_inference(case: Case) -> Case:
    """Inference takes a running statistic of a single value for that of every channel."""
    return _made_to_fit(case, *_of_averages("single"), mode="infer")


@mending()
def cotangent_cut_or_repeated(case: Case) -> Case:
    """A gradient of y with more or fewer examples than y is cut off, or read again from its start."""
    return _made_to_fit(case, "dy_longer", "dy_shorter")


@mending()
def single_cotangent_spread(case: Case) -> Case:
    """A gradient of y with a single example is that of every example."""
    return _made_to_fit(case, "dy_single")
