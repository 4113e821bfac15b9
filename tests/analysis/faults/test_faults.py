"""The catalogue of faults: each wrong in one way, the right formulas beside them right."""

from functools import cache

import numpy as np
import pytest
from worlds.drawing import DTYPES
from worlds.ratios import worst_ratio

from bnconform.analysis.faults import FAULTS, LOSSES, RIGHT, VARIANTS, perform, values
from bnconform.analysis.faults.adapter import DIALECT, IMPLEMENTATIONS
from bnconform.analysis.faults.calculation import Calculation, Floats
from bnconform.analysis.faults.fault import fault, faults_of, prepared, together
from bnconform.analysis.faults.formulas import FORMULAS
from bnconform.analysis.selftest.power import POWERED, drawn_of
from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.contract.errors import ContractError

USE = "use"
"""The chapter whose faults no plain case shows; see `test_use`."""


def tiny(**changed):
    fields = {
        "mode": "train",
        "x": np.array([[1.0], [3.0]], np.float32),
        "gamma": np.array([2.0], np.float32),
        "beta": np.array([1.0], np.float32),
        "running_mean": np.array([0.0], np.float32),
        "running_var": np.array([1.0], np.float32),
        "eps": 3.0,
        "momentum": 0.5,
    }
    return Case(**{**fields, **changed})


def test_the_catalogue_is_large_and_each_fault_says_what_is_wrong():
    assert len(FAULTS) >= 60
    assert len({one.name for one in FAULTS}) == len(FAULTS)
    assert all(one.sentence.endswith(".") and "  " not in one.sentence for one in FAULTS)
    assert all(one.formulas or one.prepare or one.alter or one.mends for one in FAULTS)


def test_formulas_give_what_can_be_computed_by_hand():
    found = perform(RIGHT, tiny(dy=np.array([[1.0], [0.0]], np.float32)))
    # μ = 2, v = 1, r = 1/√(1 + 3) = 1/2, h = ∓1/2; P(g) = g - 1/2 + h/4 = 3/8, -3/8
    np.testing.assert_array_equal(found.y, [[0], [2]])
    np.testing.assert_array_equal(found.running_mean, [1])
    np.testing.assert_array_equal(found.running_var, [1.5])
    np.testing.assert_array_equal(found.dbeta, [1])
    np.testing.assert_array_equal(found.dgamma, [-0.5])
    np.testing.assert_array_equal(found.dx, [[0.375], [-0.375]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_right_formulas_agree_with_the_reference(dtype):
    for family in POWERED:
        for case in drawn_of(family, dtype, 5):
            for name, exact in values(RIGHT, case).items():
                if name.startswith("running_") and (case.mode == "infer" or case.rows == 1):
                    continue
                assert worst_ratio(case, name, exact, DIALECT) < 1e-3, name


@cache
def examples(dtype):
    families = [*POWERED, cases(mode="train", channels="constant"), cases(mode="train", gradients=False)]
    return [case for family in families for case in drawn_of(family, dtype, 12)]


@pytest.mark.parametrize("one", [one for one in FAULTS if one.chapter != USE], ids=lambda one: one.name)
def test_a_fault_is_no_variant_of_what_is_right(one):
    """Odd situations included: it differs from the right one somewhere, or takes what that refuses."""
    dtype = "float64" if "float64" in one.dtypes else sorted(one.dtypes)[0]
    plain = examples(dtype)
    odd = [tiny(eps=0.0), tiny(momentum=0.0), tiny(x=np.array([[np.nan, 1], [1, 2]], np.float32),
           gamma=None, beta=None, running_mean=None, running_var=None)]  # fmt: skip
    if one.takes_nothing:
        empty = tiny(x=np.zeros((0, 1), np.float32))
        assert np.isnan(perform(one, empty).running_mean).all()
        with pytest.raises(ValueError, match="no examples"):
            perform(RIGHT, empty)
        return
    assert any(differs(one, case) for case in [*plain, *odd, plain[0]])


def differs(one, case):
    wrong, right = values(one, case), values(RIGHT, case)
    return any(not np.array_equal(wrong[name], right[name], equal_nan=True) for name in right)


def test_subjects_are_adapters_of_every_fault_loss_and_variant():
    names = [one.name for one in IMPLEMENTATIONS]
    assert len(set(names)) == len(names) == len(FAULTS) + len(LOSSES) + 2 * len(VARIANTS)


def test_a_fault_of_an_unknown_quantity_is_refused():
    with pytest.raises(TypeError, match="replaces \\['meen'\\]"):

        @fault("meen")
        def wrong(c):
            """The mean is another."""

    with pytest.raises(TypeError, match="both replaces \\['varience'\\]"):

        @together()
        def both():
            """Mean and variance are others."""
            return {"mean": lambda c: c.x, "varience": lambda c: c.x}

    with pytest.raises(TypeError, match="no sentence"):

        @prepared()
        def silent(case):
            return case


def test_a_calculation_names_the_formulas_that_there_are():
    calculation = Calculation(tiny(), FORMULAS, Floats("float32"))
    with pytest.raises(AttributeError, match="no formula for 'variants'"):
        calculation.variants  # noqa: B018


def test_16_bits_are_computed_in_32_unless_narrow():
    case = drawn_of(cases(mode="train"), "bfloat16", 1)[0]
    assert perform(RIGHT, case).dgamma.dtype == np.float32
    narrow = perform(RIGHT, case, narrow=True)
    assert narrow.dgamma.dtype == narrow.y.dtype == case.x.dtype


def test_chapters_hold_their_faults_in_order():
    names = [one.name for one in faults_of("bnconform.analysis.faults.affine")]
    assert names[:2] == [
        "one_added_to_the_scale",
        "scale_missing",
    ]


def test_an_empty_case_is_refused_clearly():
    with pytest.raises((ValueError, ContractError), match="at least one"):
        perform(RIGHT, tiny(x=np.zeros((0, 1), np.float32)))
