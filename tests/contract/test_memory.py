"""Arrays are laid out as a case asks, bit for bit, wherever it is answered, replayed or reproduced; writes are seen."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from worlds.hosts import ANY_HOST
from worlds.hosts import adapter as write_adapter
from worlds.scripts import make_case, run_script, write_script

from bnconform.adapters._arrays import parameters
from bnconform.contract.case import MEMORY, Case, Memory
from bnconform.contract.errors import ContractError, Unsupported
from bnconform.contract.memory import InputOverwritten, handed_over, in_c_order, laid_out
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import NotOffered, Raised
from bnconform.contract.snippet import Snippet
from bnconform.contract.wire import load_case, pack_case, save_case, unpack_case
from bnconform.engine.shrink import reduced

NUMBERS: list[Any] = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
AS_PLAIN = [
    memory
    for memory in MEMORY
    if memory.startswith(("channels_", "dy_")) or memory in ("columns", "packed", "overlapping")
]
"""Ways in which x lies as in the plain case, in rank 2 or ever."""
ODD = [memory for memory in MEMORY if memory != "plain"]
TELL = """
def tell(case):
    x = case.x
    print(case.memory, x.strides, x.flags.aligned, x.flags.writeable, x.dtype.isnative, file=sys.stderr, flush=True)
    shared = case.beta is not None and np.shares_memory(case.gamma, case.beta)
    seen = [x.strides[0], x.flags.aligned, x.flags.writeable, x.dtype.isnative, shared]
    raise RuntimeError(str(seen))

def write(case):
    ctypes.c_uint8.from_address(case.{name}.ctypes.data).value ^= 1
    return Outcome(y=np.array(case.x))

def keep(case):
    return Outcome(y=np.array(case.x))
"""


def bits(array: np.ndarray) -> bytes:
    return np.array(array, array.dtype.newbyteorder("="), order="C").tobytes()


def odd_case(dtype: Any, memory: Memory, **more: Any) -> Case:
    """Returns a case with infinities, a NaN with a payload, zeros of both signs and equal γ and β."""
    x = np.array([[[0.0, -0.0, 1.5], [np.inf, -np.inf, 2.0]], [[1e-7, 3.0, 4.0], [5.0, 6.0, 7.0]]]).astype(dtype)
    x.reshape(-1).view(np.uint8)[-x.itemsize :] = 0x7F
    return make_case(dtype, x=x, dy=x[::-1], shape=(2, 2, 3), gamma=np.full(2, 3).astype(dtype),
                     beta=np.full(2, 3).astype(dtype), memory=memory, **more)  # fmt: skip


def _expected(case: Case, name: str) -> np.ndarray:
    array = getattr(case, name)
    assert isinstance(array, np.ndarray)
    return array


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("memory", ODD)
def test_values_stay_bit_for_bit_and_read_only(memory: Memory, dtype: Any) -> None:
    case = odd_case(dtype, memory, mask=np.array([[[True, False, True]]]))
    if memory == "swapped" and dtype is ml_dtypes.bfloat16:
        with pytest.raises(Unsupported, match="bfloat16"):
            laid_out(case)
        return
    found = laid_out(case)
    for name in ("x", "gamma", "beta", "running_mean", "running_var", "dy", "mask"):
        array, before = _expected(found, name), _expected(case, name)
        assert bits(array) == bits(before)
        assert not array.flags.writeable
        assert not np.shares_memory(array, before)
    assert bits(_expected(in_c_order(found), "x")) == bits(case.x)
    assert in_c_order(found).x.flags.c_contiguous
    assert in_c_order(found).x.dtype == case.x.dtype


def test_each_kind_lies_as_it_is_called() -> None:
    found = {memory: laid_out(odd_case(np.float32, memory)) for memory in MEMORY}
    assert found["plain"].x.strides == (24, 12, 4)
    assert found["reversed"].x.flags.f_contiguous
    assert found["strided"].x.strides == (48, 24, 8)
    between = found["strided"].x.base
    assert isinstance(between, np.ndarray)
    assert np.all(np.isnan(between[1::2]))
    assert found["backwards"].x.strides == (-24, -12, -4)
    assert not found["misaligned"].x.flags.aligned
    assert not found["swapped"].x.dtype.isnative
    assert {memory for memory, case in found.items() if np.shares_memory(case.gamma, case.beta)} == {"shared"}  # type: ignore[arg-type]


def test_a_plain_case_is_handed_over_as_it_is() -> None:
    seen: list[Case] = []

    def run(case: Case) -> Outcome:
        seen.append(case)
        return Outcome()

    case = make_case()
    handed_over(run, case)
    assert seen == [case]


@pytest.mark.parametrize("empty", [np.zeros((0, 2), np.float32), np.zeros((3, 0), np.float32)])
@pytest.mark.parametrize("memory", ODD)
def test_what_is_empty_can_lie_anywhere(memory: Memory, empty: np.ndarray) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"))
    case = Case(mode="train", x=empty, eps=0.1, momentum=0.1, memory=memory, **nothing)
    assert laid_out(case).x.shape == empty.shape


def test_another_kind_breaks_the_contract() -> None:
    with pytest.raises(ContractError, match=r"Case\.memory is 'diagonal'"):
        make_case(memory="diagonal")


@pytest.mark.parametrize("memory", [*MEMORY])
def test_a_case_travels_and_rests_with_its_manner(memory: Memory, tmp_path: Path) -> None:
    case = odd_case(np.float32, memory, watched=True, eager=True)
    save_case(tmp_path / "w", case)
    for copy in (unpack_case(pack_case(case))[0], load_case(tmp_path / "w")[0]):
        assert copy.flags == case.flags
        assert copy.needs == case.needs
        assert bits(copy.x) == bits(case.x)


def test_a_reduced_case_keeps_its_manner() -> None:
    case = make_case(memory="strided", watched=True, eager=True)
    assert reduced(case, 0, [0, 1], 1).flags == case.flags
    assert case.flags == {"memory": "strided", "eager": True, "watched": True}
    assert make_case().flags == {}
    assert make_case(watched=True).needs == frozenset()


@ANY_HOST
def test_the_adapter_sees_the_memory_that_the_case_asks_for(tmp_path: Path, kind: Any) -> None:
    with kind(write_adapter(tmp_path, TELL.format(name="x"))) as host:
        seen = {}
        for memory in MEMORY:
            case = make_case(memory=memory, beta=np.ones(2, np.float32), gamma=np.ones(2, np.float32))
            reply = host.run("bn.tell", case)
            assert isinstance(reply, Raised)
            seen[memory] = reply.message
    assert seen == {
        "plain": "[8, True, False, True, False]",
        "reversed": "[4, True, False, True, False]",
        "strided": "[16, True, False, True, False]",
        "backwards": "[-8, True, False, True, False]",
        "misaligned": "[8, False, False, True, False]",
        "swapped": "[8, True, False, False, False]",
        "shared": "[8, True, False, True, True]",
        "flipped": "[-8, True, False, True, False]",
        "cropped": "[16, True, False, True, False]",
        "x_reversed": "[4, True, False, True, False]",
    } | dict.fromkeys(AS_PLAIN, "[8, True, False, True, False]")


@ANY_HOST
@pytest.mark.parametrize("name", ["x", "gamma", "running_var", "dy"])
def test_a_write_through_a_pointer_is_told(tmp_path: Path, kind: Any, name: str) -> None:
    case = make_case(watched=True)
    before = pack_case(case)
    with kind(write_adapter(tmp_path, TELL.format(name=name))) as host:
        reply = host.run("bn.write", case)
        assert isinstance(reply, Raised)
        assert (reply.type, f"wrote to {name}," in reply.message) == ("InputOverwritten", True)
        assert reply.names == (name,)
        assert isinstance(host.run("bn.keep", case), Outcome)
        assert isinstance(host.run("bn.write", replace(case, watched=False, x=case.x.copy())), Outcome)
    assert kind.__name__ == "InProcessHost" or pack_case(case) == before


def test_a_write_between_the_elements_is_told() -> None:
    def run(case: Case) -> Outcome:
        whole = case.x.base
        assert isinstance(whole, np.ndarray)
        whole[1] = 0.0
        return Outcome()

    with pytest.raises(InputOverwritten, match="wrote to x,"):
        handed_over(run, make_case(memory="strided", watched=True))


@ANY_HOST
def test_what_numpy_cannot_lay_out_is_not_offered(tmp_path: Path, kind: Any) -> None:
    with kind(write_adapter(tmp_path, TELL.format(name="x"))) as host:
        assert isinstance(host.run("bn.keep", odd_case(ml_dtypes.bfloat16, "swapped")), NotOffered)


@pytest.mark.parametrize("memory", ["reversed", "strided", "backwards", "misaligned", "swapped", "shared", "columns"])
def test_widened_parameters_lie_as_the_case_asks(memory: Memory) -> None:
    ones = np.ones(3, np.float16)
    case = laid_out(make_case(np.float16, shape=(4, 3), gamma=ones, beta=ones.copy(), running_mean=ones.copy(),
                              running_var=ones.copy(), memory=memory))  # fmt: skip
    wide = parameters(case, np.dtype(np.float32))
    assert wide.gamma is not None
    assert wide.beta is not None
    expected = {"strided": 8, "backwards": -4, "columns": 20}.get(memory, 4)
    assert wide.gamma.strides == (expected,)
    assert wide.gamma.flags.aligned == (memory != "misaligned")
    assert wide.gamma.dtype.isnative == (memory != "swapped")
    assert np.shares_memory(wide.gamma, wide.beta) == (memory == "shared")


IDENTITY = """
import ctypes
import numpy as np
from bnconform import Implementation, Outcome

def run(case):
    assert case.x.flags.c_contiguous, case.x.strides
    if case.watched:
        ctypes.c_uint8.from_address(case.x.ctypes.data).value ^= 1
    return Outcome(y=case.x)

IMPLEMENTATIONS = [Implementation(name="mini.identity", run=run, features={"memory"})]
"""


@pytest.mark.parametrize(
    ("flags", "status", "said"),
    [
        ({}, 0, ""),
        ({"memory": "shared"}, 0, ""),
        ({"memory": "strided"}, 1, "AssertionError: (16, 8)"),
        ({"memory": "backwards"}, 1, "AssertionError: (-8, -4)"),
        ({"watched": True}, 1, "InputOverwritten: it wrote to x"),
    ],
)
def test_a_script_lays_out_and_watches_as_the_run_did(
    tmp_path: Path, flags: dict[str, Any], status: int, said: str
) -> None:
    (tmp_path / "mini.py").write_text(IDENTITY, encoding="utf-8")
    done = run_script(write_script(tmp_path, make_case(**flags)), cwd=tmp_path)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stderr


def test_a_script_goes_through_the_adapter_where_memory_matters(tmp_path: Path) -> None:
    told = {"implementation": "mini.identity", "adapter": "mini.py", "snippet": Snippet(code="def run(): ...")}
    plain, watched = (
        write_script(tmp_path, make_case(**flags), **told).read_text() for flags in ({}, {"watched": True})
    )
    assert "handed_over" not in plain
    assert "**{'watched': True}" in watched


def test_a_witness_of_memory_is_replayed_in_it(tmp_path: Path) -> None:
    (tmp_path / "mini.py").write_text(IDENTITY.replace("y=case.x", "y=case.x * 0 + case.beta"), encoding="utf-8")
    nothing: dict[str, Any] = dict.fromkeys(("gamma", "running_mean", "running_var", "dy"))
    case = make_case(shape=(2, 2), memory="strided", **nothing)
    about = {"implementation": "mini.identity", "adapter": "mini.py", "spec": "reads_every_order_of_memory"}
    save_case(tmp_path / "w.safetensors", case, **about)
    command = [sys.executable, "-m", "bnconform", "replay", "w.safetensors", "--adapter", "mini.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "raised AssertionError: (16, 8); the case has memory = 'strided'" in done.stdout


@pytest.mark.framework
@pytest.mark.parametrize("dtype", NUMBERS)
def test_torch_reads_the_memory_of_a_case_where_it_can(dtype: Any) -> None:
    pytest.importorskip("torch")
    adapter = importlib.import_module("bnconform.adapters.torch")
    to_array, to_tensor = adapter.to_array, adapter.to_tensor
    for memory in MEMORY:
        if memory == "swapped" and dtype is ml_dtypes.bfloat16:
            continue
        x = laid_out(odd_case(dtype, memory)).x
        own, shared = to_tensor(x), to_tensor(x, shared=True)
        assert own.data_ptr() != x.ctypes.data
        taken = memory not in ("backwards", "flipped", "swapped")
        assert (shared.data_ptr() == x.ctypes.data) == taken
        assert not taken or shared.stride() == tuple(step // x.itemsize for step in x.strides)
        native = np.dtype(dtype)
        assert bits(to_array(shared, native)) == bits(to_array(own, native)) == bits(x)
