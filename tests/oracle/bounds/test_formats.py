"""Facts about dtypes, and which of them a Dialect makes hold."""

import ml_dtypes
import numpy as np
import pytest

from bnconform import Dialect
from bnconform.cases.strategies import short_weight
from bnconform.contract.dtypes import DTYPES
from bnconform.oracle.bounds.formats import arithmetic, effective

FINFO = {name: ml_dtypes.finfo(name if name != "bfloat16" else ml_dtypes.bfloat16) for name in DTYPES}


@pytest.mark.parametrize("name", DTYPES)
def test_facts_are_those_of_the_type(name):
    facts, info = arithmetic(name), FINFO[name]
    assert facts.bits == info.bits
    assert facts.u == float(info.eps) / 2
    assert facts.normal == float(info.smallest_normal)
    assert facts.subnormal == float(info.smallest_subnormal)
    assert facts.largest == float(info.max)


def test_an_unknown_type_is_named():
    with pytest.raises(ValueError, match=r"'int8'.*float16"):
        arithmetic("int8")


@pytest.mark.parametrize("name", DTYPES)
def test_without_declarations_everything_is_in_the_inputs_type(name):
    types = effective(name, Dialect())
    assert types.stored is None
    for role in ("accumulate", "elementwise", "cotangents", "output", "params", "running"):
        assert getattr(types, role).name == name


def test_wider_statistics_carry_the_elementwise_arithmetic_and_the_cotangents_with_them():
    types = effective("float16", Dialect(stats_dtype="float32", params_dtype="float32"))
    assert types.accumulate.name == types.elementwise.name == types.cotangents.name == "float32"
    assert types.params.name == types.running.name == "float32"
    assert types.output.name == "float16"
    assert types.stored is None


def test_each_role_can_be_declared_narrower_than_the_statistics():
    dialect = Dialect(
        stats_dtype="float32", stored_dtype="bfloat16", elementwise_dtype="bfloat16", cotangent_dtype="bfloat16"
    )
    types = effective("bfloat16", dialect)
    assert types.accumulate.name == "float32"
    assert types.stored is not None
    assert types.stored.name == types.elementwise.name == types.cotangents.name == "bfloat16"


def test_running_statistics_can_be_declared_wider_than_the_other_parameters():
    types = effective("bfloat16", Dialect(running_dtype="float32"))
    assert (types.params.name, types.running.name) == ("bfloat16", "float32")


@pytest.mark.parametrize(
    "field", ["stats_dtype", "stored_dtype", "elementwise_dtype", "cotangent_dtype", "params_dtype", "running_dtype"]
)
def test_a_declared_type_that_is_no_wider_than_the_input_means_nothing(field):
    dialect = Dialect(**{field: "float32"})
    assert effective("float64", dialect) == effective("float64", Dialect())
    assert effective("float32", dialect) == effective("float32", Dialect())


def test_float16_and_bfloat16_do_not_stand_in_for_each_other():
    assert effective("float16", Dialect(stats_dtype="bfloat16")).accumulate.name == "float16"


def test_the_largest_number_plus_half_a_unit_overflows():
    with np.errstate(over="ignore"):
        for name in ("float16", "float32"):
            facts = arithmetic(name)
            assert np.isinf(np.float64(facts.largest * (1 + facts.u)).astype(name))


@pytest.mark.parametrize("weight", [0.0, 1e-9, 0.01, 0.1, 1 / 3, 0.5, 0.875, 1.0])
def test_float32_holds_a_short_weight_and_its_complement(weight):
    short = short_weight(weight)
    assert [float(np.float32(value)) for value in (short, 1 - short)] == [short, 1 - short]
    assert abs(short - weight) <= 2.0**-25
