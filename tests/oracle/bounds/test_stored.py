"""The bounds of statistics that are stored between passes in a type that holds less than the one that computed them."""

from dataclasses import replace

import numpy as np
import pytest
from worlds.channel_regimes import TYPES, hard_case
from worlds.ratios import worst_ratio
from worlds.rounded_normalization import Variant, outputs

from bnconform import Dialect


@pytest.mark.parametrize("magnitude", [2.0**-24, 2.0**-20, 2.0**-14, 2.0**-7, 1.0])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("form", ["variance", "root"])
def test_statistics_stored_in_a_narrow_type_stay_within_the_bounds(dtype, form, magnitude):
    dialect = Dialect(stats_dtype="float32", params_dtype="float32", stored_dtype=dtype)
    for seed, m in enumerate((2, 3, 16)):
        case = hard_case(seed, dtype, m, "train")
        d = magnitude * np.random.default_rng(seed).integers(-3, 4, case.x.shape)
        case = replace(case, x=d.astype(TYPES[dtype]), eps=1e-5)
        for name, got in outputs(case, Variant(stored=form), np.float32, np.float32).items():
            assert worst_ratio(case, name, got, dialect) <= 1, (name, m)


@pytest.mark.parametrize("magnitude", [2.0**-7, 1.0])
@pytest.mark.parametrize("form", ["variance", "root"])
def test_what_storing_loses_is_not_within_the_bounds_of_those_who_do_not_declare_it(form, magnitude):
    case = hard_case(0, "float16", 16, "train")
    case = replace(case, x=(magnitude * np.random.default_rng(0).standard_normal(case.x.shape)).astype(np.float16))
    got = outputs(case, Variant(stored=form), np.float32, np.float32)["running_mean"]
    assert worst_ratio(case, "running_mean", got, Dialect(stats_dtype="float32", params_dtype="float32")) > 1
