"""Cases and replies as bytes: between a client and its host, and at rest as witness files.

Rules: a message is a safetensors blob whose metadata holds one JSON string under "bnconform"; on a pipe the blob's
length goes first, as 8 little-endian bytes; an array that is None is absent; floats keep every bit; arrays arrive in C
order; those of a state go under "state.<name>", and only they may be integers. A case has one sequence of bytes: its
settings stand in the order of the fields, and those at their defaults are left out (but the axis), so that a new field
changes no old file. Nothing is pickled, and unreadable bytes give a ContractError, never a half-read value.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from bnconform.contract.case import Case
from bnconform.contract.checks import check_extent
from bnconform.contract.dtypes import DTYPES, STATE_DTYPES
from bnconform.contract.errors import ContractError
from bnconform.contract.files import write_whole
from bnconform.contract.outcome import OUTPUTS, Outcome
from bnconform.contract.reply import KINDS, Reply
from bnconform.contract.text import on_one_line

_FLOATS: dict[str, Any] = {"F16": np.float16, "BF16": ml_dtypes.bfloat16, "F32": np.float32, "F64": np.float64}
_TYPES: dict[str, Any] = {**_FLOATS, "BOOL": np.bool_}
_STATE = "state."
_INTEGERS = {
    f"{kind[0].upper()}{bits}": np.dtype(f"{kind}{bits}") for kind in ("int", "uint") for bits in (8, 16, 32, 64)
}
TENSOR_TYPES: dict[str, Any] = {**_TYPES, **_INTEGERS}
_NATIVE = frozenset(np.dtype(kind) for kind in _FLOATS.values())
_BOOLEAN = frozenset({"mask"})
_ENCODE = json.JSONEncoder(default=np.generic.item).encode
_NOTHING = {"nothing": np.zeros(0, np.float32)}  # without any tensor, safetensors 0.4 writes a broken header
_DEFAULTS = {field.name: field.default for field in fields(Case)}  # in the order of the fields; MISSING: required
_REQUIRED = [name for name, default in _DEFAULTS.items() if default is MISSING]
_ALWAYS_WRITTEN = (*_REQUIRED, "axis")  # programs behind a pipe read the axis from every case
_BESIDE = "beside_reference"
_CHUNK = 1 << 20
_NUMBER: tuple[type, ...] = (float, int)
_SETTINGS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys((name for name, default in _DEFAULTS.items() if default is False), (bool,)),
    **{
        "mode": (str,),
        "memory": (str,),
        "axis": (int,),
        "layer": (str,),
        "groups": (int,),
        "malformed": (str,),
        "between_mode": (str,),
        "eps": _NUMBER,
        "momentum": _NUMBER,
        "shards": (list,),
        "wanted": (list,),
    },
}
"""The types that settings have in a file; `True` is no number."""
_LARGEST = sys.float_info.max


def pack(message: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Returns `message`, of JSON values, and `arrays` as one safetensors blob."""
    for name, array in arrays.items():
        if name in _BOOLEAN and array.dtype == np.bool_:
            continue
        if name.startswith(_STATE) and array.dtype.name in STATE_DTYPES:
            continue
        if array.dtype not in _NATIVE and array.dtype.name not in DTYPES:  # the name alone is slow
            raise ContractError(f"{name} has dtype {array.dtype.name}; expected one of {DTYPES}")
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}  # keeps rank 0, that of a counter
    return save(whole or _NOTHING, {"bnconform": _ENCODE(message)})


def unpack(blob: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Returns the message and the arrays of a blob that `pack` made; raises ContractError for any other bytes."""
    try:
        header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")].decode("utf-8"))
        message = json.loads(header["__metadata__"]["bnconform"])
        tensors = deserialize(blob)  # type: ignore[no-untyped-call]  # safetensors' stub leaves it untyped
        arrays = {name: _array(name, tensor) for name, tensor in tensors if name not in _NOTHING}
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        got = f"got {len(blob)} bytes that are not a whole safetensors blob with bnconform's metadata"
        raise ContractError(f"{got} ({type(error).__name__}: {on_one_line(str(error)):.200})") from None
    if not isinstance(message, dict):
        raise ContractError(f"got metadata {message!r:.60}; expected a JSON object")
    return message, arrays


def _array(name: str, tensor: Mapping[str, Any]) -> np.ndarray:
    types = TENSOR_TYPES if name.startswith(_STATE) else _TYPES if name in _BOOLEAN else _FLOATS
    shape = tensor["shape"]
    check_extent(name, shape)
    array: np.ndarray = np.frombuffer(tensor["data"], dtype=types[tensor["dtype"]]).reshape(shape)
    return array


def _state_arrays(state: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
    return {_STATE + name: array for name, array in (state or {}).items()}


def _take_state(arrays: dict[str, np.ndarray], names: Any) -> dict[str, Any]:
    """Takes the arrays of a state out of `arrays`; `names` are those that the message lists, None for no state."""
    found = {name[len(_STATE) :]: arrays.pop(name) for name in list(arrays) if name.startswith(_STATE)}
    if names is None and not found:
        return {}
    if not isinstance(names, list) or set(names) != set(found):
        raise ContractError(f"got a state of {sorted(found)}; expected {names!r:.200}, the names that come with it")
    return {"state": {name: found[name] for name in names}}


def pack_case(case: Case, **metadata: object) -> bytes:
    """Returns `case` as bytes, with `metadata` of JSON values beside it; equal cases give equal bytes."""
    values = {name: getattr(case, name) for name in _DEFAULTS if name != "state"}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    settings = {
        name: value
        for name, value in values.items()
        if name not in arrays and value is not None and (name in _ALWAYS_WRITTEN or value != _DEFAULTS[name])
    }
    if case.state is not None:
        settings["state"] = list(case.state)
        arrays |= _state_arrays(case.state)
    return pack({"kind": "Case", "case": settings, "metadata": metadata}, arrays)


def unpack_case(blob: bytes) -> tuple[Case, dict[str, Any]]:
    """Returns the Case and the metadata that `pack_case` was given; raises ContractError for any other bytes."""
    message, arrays = unpack(blob)
    if message.get("kind") != "Case":
        raise ContractError(f"got a message of kind {message.get('kind')!r:.60}; expected a 'Case'")
    try:
        settings = _settings(message["case"])
        state = _take_state(arrays, settings.pop("state", None))
        values = {**dict.fromkeys(_REQUIRED), **settings, **arrays, **state}
        unknown = sorted(set(values) - set(_DEFAULTS))
        if unknown:
            got = f"{unknown!r:.200}"
            raise ContractError(f"got a Case with {got}, which this version of bnconform does not know; update it")
        if not isinstance(message["metadata"], dict):
            raise ContractError(f"got metadata {message['metadata']!r:.60} of a Case; expected a JSON object")
        return Case(**values), message["metadata"]
    except (KeyError, TypeError) as error:
        raise ContractError(f"got a Case whose settings do not fit ({error!r:.200})") from None


def _settings(found: Any) -> dict[str, Any]:
    """Returns a copy of a case's settings; raises ContractError where one is not of its type."""
    if not isinstance(found, dict):
        raise ContractError(f"got the settings {found!r:.60} of a Case; expected a JSON object")
    for name, types in _SETTINGS.items():
        if name not in found and name not in _REQUIRED:
            continue
        value = found.get(name)
        if type(value) not in types or (types is _NUMBER and isinstance(value, int) and abs(value) > _LARGEST):
            words = " or ".join(one.__name__ for one in types)
            raise ContractError(
                f"got {name} = {value!r:.60} of type {type(value).__name__} in a Case; expected {words}"
            )
    return dict(found)


def pack_reply(reply: Reply, *, beside_reference: bool = False) -> bytes:
    """Returns `reply` as bytes. beside_reference: whether its process had loaded bnconform's reference."""
    if not isinstance(reply, Outcome):
        return pack({"kind": type(reply).__name__, **vars(reply)}, {})
    arrays = {name: getattr(reply, name) for name in OUTPUTS}
    given = {name: array for name, array in arrays.items() if array is not None}
    message: dict[str, Any] = {"kind": "Outcome"}
    if reply.state is not None:
        message["state"] = list(reply.state)
    if beside_reference:
        message[_BESIDE] = True
    return pack(message, given | _state_arrays(reply.state))


def is_beside_reference(blob: bytes) -> bool:
    """Returns whether the Outcome in `blob` comes from a process that had loaded bnconform's reference."""
    header = blob[8 : 8 + int.from_bytes(blob[:8], "little")]
    return _BESIDE.encode() in header and unpack(blob)[0].get(_BESIDE) is True


def unpack_reply(blob: bytes) -> Reply:
    """Returns the reply that `pack_reply` was given; raises ContractError for any other bytes."""
    message, arrays = unpack(blob)
    kind = message.pop("kind", None)
    try:
        if kind == "Outcome":
            state = _take_state(arrays, message.pop("state", None))
            return Outcome(**arrays, **state)
        if "names" in message:
            message["names"] = tuple(message["names"])
        reply: Reply = KINDS[kind](**message)
    except (KeyError, TypeError) as error:
        raise ContractError(f"got a message of kind {kind!r:.60} ({error!r:.200}); expected a Reply") from None
    return reply


def save_case(path: str | os.PathLike[str], case: Case, **metadata: object) -> None:
    """Writes a witness file: `case`, with `metadata` of JSON values. A reader sees the old file or all of the new."""
    write_whole({Path(path): pack_case(case, **metadata)})


def load_case(path: str | os.PathLike[str]) -> tuple[Case, dict[str, Any]]:
    """Returns the Case and the metadata of a witness file; raises ContractError naming `path` if it is none."""
    try:
        return unpack_case(Path(path).read_bytes())
    except OSError as error:
        raise ContractError(f"{path}: cannot be read ({error.strerror}); expected a witness file") from None
    except ContractError as error:
        raise ContractError(
            f"{path}: {on_one_line(str(error))}; expected a witness file, as `bnconform run` writes them"
        ) from None


def framed(blob: bytes) -> bytes:
    """Returns `blob` as it goes over a pipe, behind its length in bytes."""
    return len(blob).to_bytes(8, "little") + blob


def receive(descriptor: int) -> bytes | None:
    """Returns the next blob from a pipe, waiting for it; None at the end of the pipe, even amid a message."""
    length = _read(descriptor, 8)
    return None if length is None else _read(descriptor, int.from_bytes(length, "little"))


def send(descriptor: int, blob: bytes) -> None:
    """Writes `blob` to a pipe, waiting until all is written."""
    rest = memoryview(framed(blob))
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _read(descriptor: int, size: int) -> bytes | None:
    chunks: list[bytes] = []
    while size:
        chunk = os.read(descriptor, min(size, _CHUNK))
        if not chunk:
            return None
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)
