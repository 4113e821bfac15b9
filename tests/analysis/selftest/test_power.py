"""The power gate: what the strategies draw shows every fault of the catalogue, in every dtype."""

import numpy as np
import pytest
from worlds.drawing import DTYPES

from bnconform.analysis.faults import FAULTS, RIGHT, VARIANTS, values
from bnconform.analysis.faults.adapter import DIALECT
from bnconform.analysis.selftest.power import NEEDED, POWERED, drawn_of, greatest_power, power
from bnconform.oracle.bounds.ratios import ratios
from bnconform.oracle.expected import outputs

# What only a case that a spec derives can show: ε = 0, momentum 0, one value, no example, a NaN, a second call.
DERIVED = {
    "epsilon_at_least_1e_5",
    "no_momentum_taken_for_the_default",
    "single_value_poisons_the_average",
    "empty_batch_poisons_the_averages",
    "nan_spreads_to_other_channels",
    "second_call_differs",
    *(one.name for one in FAULTS if one.chapter == "use"),  # in cases made by its statements: see faults/test_use.py
}
# A second gradient of bfloat16 is compared within about a tenth of its size: these show, by less than the rest.
FAINT = {"bfloat16": {"second_gradient_with_constant_variance": 1.5, "second_gradient_with_constant_mean": 1.5}}


@pytest.fixture(scope="module")
def examples():
    return {dtype: [case for family in POWERED for case in drawn_of(family, dtype, 100)] for dtype in DTYPES}


@pytest.mark.parametrize("dtype", DTYPES)
def test_for_every_fault_some_drawn_case_has_power(examples, dtype):
    low = {}
    for one in FAULTS:
        if dtype in one.dtypes and one.name not in DERIVED:
            found = greatest_power(one, examples[dtype], DIALECT)
            if found < FAINT.get(dtype, {}).get(one.name, NEEDED):
                low[one.name] = found
    assert low == {}


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_case_has_power_for_what_is_right(examples, dtype):
    for case in examples[dtype][::10]:
        assert power(RIGHT, case, DIALECT) <= 1
        for one in VARIANTS:
            assert power(one, case, DIALECT) <= 1, one.name


def test_cases_without_power_are_told_from_those_with_it(examples):
    swapped = next(one for one in FAULTS if one.name == "momentum_complemented")
    assert all(power(swapped, case, DIALECT) <= 1 for case in examples["float32"] if case.mode == "infer")
    assert np.isfinite(greatest_power(swapped, examples["float32"], DIALECT))


def test_any_two_faults_are_told_apart_by_a_drawn_case(examples):
    """Two that no case tells apart would be one fault under two names."""
    faults = [one for one in FAULTS if "float32" in one.dtypes and one.name not in DERIVED]
    alike = np.triu(np.ones((len(faults), len(faults)), bool), 1)
    for case in sorted(examples["float32"], key=lambda case: case.x.size):
        asked = np.flatnonzero(alike.any(0) | alike.any(1))
        found = {index: values(faults[index], case) for index in asked}
        for name, _, within in outputs(case, DIALECT):
            claimed = np.isfinite(within.allowance)
            given = {index: one[name][claimed] for index, one in found.items() if name in one}
            for index, one in given.items():
                others = [other for other in np.flatnonzero(alike[index]) if other in given]
                if others:
                    each = np.stack([given[other] for other in others])
                    alike[index, others] &= ~apart(one, each, within.allowance[claimed])
    assert [(faults[i].name, faults[j].name) for i, j in np.argwhere(alike)] == []


def apart(one, others, allowance):
    """Which of the others differ by so many bounds that rounding cannot make two such faults alike."""
    same = (one == others) | (np.isnan(one) & np.isnan(others))
    with np.errstate(all="ignore"):
        return (ratios(np.where(same, 0.0, one - others), allowance) > NEEDED).any(axis=1)
