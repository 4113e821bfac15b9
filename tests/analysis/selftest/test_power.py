"""The power gate: what the strategies draw shows every fault of the catalogue, in every dtype."""

import numpy as np
import pytest
from worlds.drawing import DTYPES

from bnconform.analysis.faults import FAULTS, RIGHT, VARIANTS
from bnconform.analysis.faults.adapter import DIALECT
from bnconform.analysis.selftest.power import NEEDED, POWERED, drawn_of, greatest_power, power

# What only a case that a spec derives can show: ε = 0, momentum 0, one value, no example, a NaN, a second call.
DERIVED = {
    "epsilon_at_least_1e_5",
    "no_momentum_taken_for_the_default",
    "single_value_poisons_the_average",
    "empty_batch_poisons_the_averages",
    "nan_spreads_to_other_channels",
    "second_call_differs",
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
