"""A case written as a line is the very same case when it is read back, and a wrong line is refused with its word."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnconform import Case
from bnconform.contract.case import MEMORY, TENSORS
from bnconform.contract.dtypes import DTYPES, STATE_DTYPES, dtype_named
from bnconform.contract.errors import ContractError
from bnconform.contract.shards import batch_axis
from bnconform.contract.wire import pack_case
from bnconform.results.case_line import case_line, read_case

LINE = "train float32 axis=1 eps=0.25 momentum=0.5 shape=(2,1) x=[0 0.5] gamma=[1]"
VECTORS = ("gamma", "beta", "running_mean", "running_var", "dot_gamma", "dot_beta", "bar_dgamma", "bar_dbeta", "dvar")
SWITCHES = ("shuffled", "running_gradients", "eager", "watched", "default_eps", "default_momentum")


@st.composite
def arrays(draw: st.DrawFn, shape: tuple[int, ...], dtypes: tuple[str, ...] = DTYPES) -> np.ndarray:
    """Arrays of any bits: numbers, infinities, zeros of both signs, subnormals and NaNs of every kind."""
    dtype = dtype_named(draw(st.sampled_from(dtypes)))
    size = int(np.prod(shape))
    if dtype == np.bool_:
        return np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype).reshape(shape)
    blob = draw(st.binary(min_size=size * dtype.itemsize, max_size=size * dtype.itemsize))
    return np.frombuffer(blob, dtype).reshape(shape)


def _shared(examples: int) -> list[tuple[int, ...]]:
    return [(examples,), (examples, 0), (0, examples, 0)]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    shape = draw(st.tuples(st.integers(0, 3), st.integers(1, 3)) | st.tuples(*[st.integers(1, 2)] * 3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    values: dict[str, Any] = dict.fromkeys(VECTORS[:4])
    for name in draw(st.sets(st.sampled_from(TENSORS[1:]))):
        values[name] = draw(arrays(shape))
    for name in draw(st.sets(st.sampled_from(VECTORS))):
        values[name] = draw(arrays((shape[axis],)))
    if draw(st.booleans()):
        values["mask"] = draw(arrays(draw(st.sampled_from([shape, (1,) * len(shape)])), ("bool",)))
    if values["running_mean"] is values["running_var"] is None and draw(st.booleans()):
        values["state"] = draw(
            st.dictionaries(st.text(max_size=4), arrays((), STATE_DTYPES) | arrays((2,)), max_size=2)
        )
    values |= dict.fromkeys(draw(st.sets(st.sampled_from(SWITCHES))), True)
    return Case(
        mode=draw(st.sampled_from(["train", "infer"])),
        x=draw(arrays(shape)),
        eps=draw(st.floats() | st.integers(-1, 1)),
        momentum=draw(st.floats()),
        axis=axis,
        memory=draw(st.sampled_from(list(MEMORY))),
        shards=draw(st.sampled_from([(), *_shared(shape[batch_axis(len(shape), axis)])])),
        **values,
    )


@given(cases())
@settings(max_examples=300, deadline=None)
def test_a_case_survives_its_line_bit_for_bit(case: Case) -> None:
    line = case_line(case)
    assert "\n" not in line
    assert pack_case(read_case(line)) == pack_case(case)


@pytest.mark.parametrize(("word", "told"), [("gamma_matrix", "gamma(1,1)=[1]"), ("gamma_longer", "gamma=[1 2]")])
def test_a_malformed_case_survives_its_line(word: str, told: str) -> None:
    some = LINE.replace("momentum=0.5", "momentum=0.5 checkpointed wanted=x,gamma")
    assert case_line(read_case(some)) == some
    line = LINE.replace("momentum=0.5", f"momentum=0.5 malformed={word}").replace("gamma=[1]", told)
    assert case_line(read_case(line)) == line


@pytest.mark.parametrize("dtype", DTYPES)
def test_extremes_keep_their_bits(dtype: str) -> None:
    kind = dtype_named(dtype)
    info = ml_dtypes.finfo(kind)
    extremes = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, info.smallest_subnormal, info.tiny, info.max, 1 / 3]
    x = np.array(extremes, kind).reshape(-1, 1)
    none = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"))
    case = Case(mode="infer", x=x, eps=0.0, momentum=0.0, **none)  # type: ignore[arg-type]
    assert read_case(case_line(case)).x.tobytes() == x.tobytes()
    assert " inf -inf 0 -0 " in case_line(case)


def test_a_line_is_what_one_would_write() -> None:
    assert case_line(read_case(LINE)) == LINE
    more = "infer bfloat16 axis=-1 eps=1e-05 momentum=0.1 eager memory=strided shape=(1,2) x=[100 0.1] mask(1,1)=[0]"
    assert case_line(read_case(more)) == more
    mixed = "train float16 axis=1 eps=0.25 momentum=0.5 shape=(1,1) x=[1] gamma:float32=[0.1] state.count:int32()=[3]"
    assert case_line(read_case(mixed)) == mixed
    empty = "train float16 axis=1 eps=0.25 momentum=0.5 shape=(0,1) x=[] state"
    assert case_line(read_case(empty)) == empty


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("train", "trains", "got the case 'trains float32"),
        ("float32", "float8", "a mode, a dtype, settings, arrays"),
        ("float32", "int32", "a mode, a dtype, settings, arrays"),
        ("axis=1", "", "lacks axis"),
        ("axis=1", "axis=one", "got 'axis=one' in a case; expected a number"),
        ("axis=1", "axis=1 axis=1", "got 'axis' twice"),
        ("axis=1", "axes=1", "got the word 'axes=1' in a case; expected one of axis, eps"),
        ("eps=0.25", "eps=0.25 eager=1", "got the word 'eager=1'"),
        ("(2,1)", "(2,b)", "expected a shape such as (2,1)"),
        ("(2,1)", "(3,1)", "got 2 values of 'x' in a case; expected those of shape (3, 1)"),
        ("gamma=[1]", "gamma=[1 2]", "Case.gamma is an array of shape (2,)"),
        ("gamma=[1]", "gamma=[one]", "got 'gamma=[one]' in a case (could not convert string to float: 'one')"),
        ("gamma=[1]", "gamma=[0x123456789]", "expected values of float32"),
        ("gamma=[1]", "gamma:float8=[1]", "of dtype 'float8'; expected one of"),
        ("gamma=[1]", f"gamma:int{'9' * 9000}=[1]", "expected one of ('float16',"),
        ("gamma=[1]", f"state.{'a' * 9000}=[1] state.{'a' * 9000}=[1]", "aaa twice"),
        ("gamma=[1]", "gama=[1]", "got the word 'gama=[1]'"),
        ("gamma=[1]", "gamma=[1", "got the word 'gamma=[1'"),
        ("gamma=[1]", "memory=far", "Case.memory is 'far'"),
    ],
)
def test_a_wrong_line_is_refused_with_its_word(old: str, new: str, said: str) -> None:
    with pytest.raises(ContractError) as refused:
        read_case(LINE.replace(old, new))
    assert said in str(refused.value)
    assert len(str(refused.value)) < 600
    with pytest.raises(ContractError):
        read_case("")
