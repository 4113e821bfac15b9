"""What is packed is unpacked bit by bit, and what was not packed whole is refused."""

from __future__ import annotations

import math
import os
import struct
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnconform import Case, Outcome
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import ContractError
from bnconform.contract.reply import Broken, Crashed, NotOffered, Raised, Reply, TimedOut
from bnconform.contract.wire import (
    load_case,
    pack,
    pack_case,
    pack_reply,
    receive,
    save_case,
    send,
    unpack,
    unpack_case,
    unpack_reply,
)

REPLIES = [
    NotOffered("no axis -1"),
    Raised("InputOverwritten", "it wrote", "", ("x", "running_var")),
    Raised("ValueError", 'a "quoted" γ \udcff \x00', "  File …"),
    Crashed("SIGABRT", ""),
    TimedOut(0.1),
    Broken("mylib.bn returned y as None"),
]


def make(dtype: str = "float32", shape: tuple[int, ...] = (13, 16)) -> Case:
    values = np.random.default_rng(0).normal(size=shape)
    vector = np.linspace(0.1, 2.0, shape[1]).astype(dtype)
    return Case(
        mode="train",
        x=values.astype(dtype),
        gamma=vector,
        beta=-vector,
        running_mean=vector,
        running_var=vector,
        eps=1e-5,
        momentum=0.1,
        dy=values[::-1].astype(dtype),
    )


DIGEST = """
import hashlib, numpy as np
from bnconform import Case
from bnconform.contract.wire import pack_case
one = np.linspace(0.1, 2, 4, dtype="float32")
case = Case(mode="train", x=np.outer(one, one), gamma=one, beta=one, running_mean=one, running_var=one, eps=1e-5,
            momentum=0.1, axis=0, dy=np.outer(one, one), dmean=one, memory="strided", watched=True)
print(hashlib.sha256(pack_case(case, spec="s", device="cpu")).hexdigest())
"""


def test_a_case_has_one_sequence_of_bytes_whatever_the_hash_seed() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(digests) == 1


def test_settings_stand_in_the_order_of_the_fields_and_those_at_their_defaults_are_left_out() -> None:
    message, _ = unpack(pack_case(make()))
    assert list(message["case"]) == ["mode", "eps", "momentum", "axis"]
    message, _ = unpack(pack_case(replace(make(), watched=True, memory="reversed", shuffled=True)))
    assert list(message["case"]) == ["mode", "eps", "momentum", "axis", "shuffled", "memory", "watched"]


def test_a_case_with_settings_at_their_defaults_written_out_is_read_alike() -> None:
    message, arrays = unpack(pack_case(make()))
    message["case"] |= {"shuffled": False, "memory": "plain", "eager": False, "running_gradients": False}
    case, _ = unpack_case(pack(message, arrays))
    assert pack_case(case) == pack_case(make())


def same(got: object, expected: object) -> bool:
    if isinstance(expected, np.ndarray):
        assert isinstance(got, np.ndarray)
        return got.dtype == expected.dtype and got.shape == expected.shape and got.tobytes() == expected.tobytes()
    return got == expected


def assert_same(got: Case, expected: Case) -> None:
    for field in fields(Case):
        assert same(getattr(got, field.name), getattr(expected, field.name)), field.name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(13, 16), (2, 3, 4, 5, 6), (1, 1), (0, 3), (4, 0)])
def test_a_case_survives(dtype: str, shape: tuple[int, ...]) -> None:
    case = make(dtype, shape)
    got, metadata = unpack_case(pack_case(case, implementation="mylib.bn"))
    assert_same(got, case)
    assert metadata == {"implementation": "mylib.bn"}


def test_all_other_settings_survive() -> None:
    case = replace(make(), mode="infer", axis=-1, shuffled=True, eps=0.1 + 0.2, momentum=5e-324)
    assert_same(unpack_case(pack_case(case))[0], case)


def test_shards_survive_as_a_tuple() -> None:
    case = replace(make(), shards=(make().examples, 0))
    got, _ = unpack_case(pack_case(case))
    assert got.shards == case.shards
    assert unpack(pack_case(make()))[0]["case"].get("shards") is None


def test_a_malformed_case_survives_and_no_other_case_says_that_it_is_none() -> None:
    one = make()
    case = replace(one, gamma=one.gamma[None], malformed="gamma_matrix")
    assert_same(unpack_case(pack_case(case))[0], case)
    between = replace(one, between=one.x, between_mode="infer")
    assert_same(unpack_case(pack_case(between))[0], between)
    some = replace(one, wanted=("x", "beta"))
    assert_same(unpack_case(pack_case(some))[0], some)
    again = replace(one, checkpointed=True, earlier=one.x)
    assert_same(unpack_case(pack_case(again))[0], again)
    assert "malformed" not in unpack(pack_case(make()))[0]["case"]


def test_absent_arrays_stay_absent() -> None:
    nothing: dict[str, Any] = {"gamma": None, "beta": None, "running_mean": None, "running_var": None, "dy": None}
    blob = pack_case(replace(make(), **nothing))
    assert set(unpack(blob)[1]) == {"x"}
    got, _ = unpack_case(blob)
    assert all(getattr(got, name) is None for name in nothing)


def test_a_mask_survives_and_no_other_array_of_booleans() -> None:
    case = replace(make(), mask=np.arange(13).reshape(13, 1) % 3 != 2)
    assert_same(unpack_case(pack_case(case))[0], case)
    with pytest.raises(ContractError, match=r"x has dtype bool; expected one of"):
        pack_case(replace(make(), x=np.zeros((13, 16), dtype=bool)))


COUNTED = {"mean": np.array([0.5, -0.0], np.float32), "count": np.array(3), "flags": np.array([True, False])}


@pytest.mark.parametrize("state", [{}, COUNTED])
def test_a_state_survives_with_its_counter(state: dict[str, np.ndarray]) -> None:
    case = replace(make(), running_mean=None, running_var=None, state=state)
    got, reply = unpack_case(pack_case(case))[0].state, unpack_reply(pack_reply(Outcome(y=case.x, state=state)))
    assert isinstance(reply, Outcome)
    for found in (got, reply.state):
        assert found is not None
        assert list(found) == list(state)
        assert all(same(found[name], array) for name, array in state.items())


def test_only_a_state_may_hold_integers() -> None:
    with pytest.raises(ContractError, match=r"x has dtype int64; expected one of"):
        pack_case(replace(make(), x=np.zeros((13, 16), np.int64)))
    with pytest.raises(ContractError, match=r"holds 'it' of dtype complex128; expected one of"):
        replace(make(), running_mean=None, running_var=None, state={"it": np.zeros(2, complex)})
    with pytest.raises(ContractError, match=r"Case.state comes with running statistics"):
        replace(make(), state={})


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, -0.0])
def test_special_scalars_survive(value: float) -> None:
    got, _ = unpack_case(pack_case(replace(make(), eps=value, momentum=value)))
    assert struct.pack("dd", got.eps, got.momentum) == struct.pack("dd", value, value)


def test_a_numpy_scalar_keeps_its_value() -> None:
    settings: dict[str, Any] = {"eps": np.float32(1e-5), "shuffled": np.bool_(True)}
    got, _ = unpack_case(pack_case(replace(make(), **settings)))
    assert (got.eps, got.shuffled) == (float(np.float32(1e-5)), True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values_in_arrays_survive(dtype: str) -> None:
    x = np.array([[np.nan, np.inf], [-np.inf, -0.0]]).astype(dtype)
    case = Case(mode="train", x=x, gamma=None, beta=None, running_mean=None, running_var=None, eps=0.0, momentum=0.0)
    assert_same(unpack_case(pack_case(case))[0], case)


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_in_any_order_arrive_in_c_order(dtype: str) -> None:
    whole = make(dtype, (4, 6, 5))
    x = np.moveaxis(whole.x, 1, 2)[::2, :, ::-1]
    case = replace(whole, x=x, dy=np.asfortranarray(x), axis=2)
    got, _ = unpack_case(pack_case(case))
    assert_same(got, case)
    assert got.x.flags.c_contiguous


def test_swapped_bytes_are_put_right() -> None:
    case = make()
    swapped = replace(case, x=case.x.astype(">f4"))
    assert_same(unpack_case(pack_case(swapped))[0], case)


def test_a_foreign_dtype_is_refused_by_name() -> None:
    with pytest.raises(ContractError, match=r"x has dtype int64; expected one of .*bfloat16"):
        pack_case(replace(make(), x=np.zeros((13, 16), dtype=np.int64)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_outcome_survives(dtype: str) -> None:
    case = make(dtype)
    got = unpack_reply(pack_reply(Outcome(y=case.x, running_var=case.running_var, dx=case.x.T.copy().T)))
    assert isinstance(got, Outcome)
    assert same(got.y, case.x)
    assert same(got.dx, case.x)
    assert same(got.running_var, case.running_var)
    assert (got.running_mean, got.dgamma, got.dbeta) == (None, None, None)


def test_an_empty_outcome_survives() -> None:
    assert vars(unpack_reply(pack_reply(Outcome()))) == vars(Outcome())


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: type(reply).__name__)
def test_a_reply_survives(reply: Reply) -> None:
    assert unpack_reply(pack_reply(reply)) == reply


def test_a_case_is_not_taken_for_a_reply_nor_a_reply_for_a_case() -> None:
    with pytest.raises(ContractError, match="'Case'"):
        unpack_reply(pack_case(make()))
    with pytest.raises(ContractError, match="'TimedOut'; expected a 'Case'"):
        unpack_case(pack_reply(TimedOut(1.0)))


def test_messages_follow_each_other_on_a_pipe() -> None:
    reading, writing = os.pipe()
    try:
        send(writing, b"one")
        send(writing, b"")
        assert (receive(reading), receive(reading)) == (b"one", b"")
        os.write(writing, (9).to_bytes(8, "little") + b"cut")
    finally:
        os.close(writing)
    assert receive(reading) is None
    assert receive(reading) is None
    os.close(reading)


def test_a_witness_file_survives(tmp_path: Path) -> None:
    case, path = make("bfloat16"), tmp_path / "witness.safetensors"
    save_case(path, case, spec="normalizes", ratio=1.5, diagnosis=["eps outside"])
    got, metadata = load_case(str(path))
    assert_same(got, case)
    assert metadata == {"spec": "normalizes", "ratio": 1.5, "diagnosis": ["eps outside"]}


def test_every_cut_of_a_witness_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "witness.safetensors"
    save_case(path, make(shape=(2, 2)))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ContractError, match=r"witness\.safetensors: got \d+ bytes .*expected a witness file"):
            load_case(path)


@pytest.mark.parametrize("position", [0, 7, 8, 20])
def test_a_damaged_header_is_refused(tmp_path: Path, position: int) -> None:
    path = tmp_path / "witness.safetensors"
    save_case(path, make())
    damaged = bytearray(path.read_bytes())
    damaged[position] ^= 0x80
    path.write_bytes(damaged)
    with pytest.raises(ContractError, match=r"witness\.safetensors"):
        load_case(path)


FOREIGN = {
    "empty": b"",
    "text": b"not a witness, though more than eight bytes",
    "foreign": b"\x0a" + bytes(7) + b"{}        ",
    "other_metadata": b"\x20" + bytes(7) + b'{"__metadata__":{"format":"pt"}}',
    "fewer_settings": pack_case(make()).replace(b'mode\\"', b'node\\"'),
    "wrong_setting": pack_case(make()).replace(b"train", b"trein"),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(content)
    with pytest.raises(ContractError, match=r"foreign\.safetensors: .*expected a witness file"):
        load_case(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"nowhere\.safetensors: cannot be read"):
        load_case(tmp_path / "nowhere.safetensors")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "witness.safetensors"
    save_case(path, make(), number=1)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_case(path, make(), number=2)
    assert load_case(path)[1] == {"number": 1}
    assert os.listdir(tmp_path) == ["witness.safetensors"]
