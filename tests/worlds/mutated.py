"""Mutants of files: of their bytes, of their words, and of the values in the JSON that they hold.

Every mutant follows from its `random.Random`; lengths that a format counts are set right for mutants of its values.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from worlds.hostile import places

_DEEP = "@deep@"
NUMBERS = (0, 1, -1, 2, 7, 0.5, -0.0, 1e-300, 1.7e308, float("nan"), float("inf"), 2**31, 2**53 + 1, 2**63, 2**64 - 1,
           10**30, 10**400, -(10**400))  # fmt: skip
TEXTS = ("", "a", "y", "x", "train", "float32", "bool", "F32", "I64", "BF16", "fails", "nan", "inf", "../a", "a/b",
         "/etc/passwd", "\0", "\x1b[2J", "\u202e", "\ud800", "a\nb", '"', "'", "{{ 1 }}", "*", "[!a]", "x" * 250,
         "x" * 25_000, "9" * 5000, _DEEP)  # fmt: skip
LISTS: tuple[Any, ...] = ([], {}, [[]], [0], [1, 1], [0, 2**62], [2**32, 2**32], [1] * 40, ["a"], [None], {"a": 1},
                          {"": []}, {"kind": "run"}, [{"fault": "a"}])  # fmt: skip
VALUES: tuple[Any, ...] = (None, True, False, *NUMBERS, *TEXTS, *LISTS)
WORDS = (b"", b"\0", b"\xff", b"\xed\xa0\x80", b"\n", b'"', b"'", b"\\", b"\\u0000", b"{", b"}", b"[", b"]", b"[[",
         b"=", b"-1", b"0", b"1e999", b"NaN", b"0x7fffffff", b"9" * 30, b"9" * 5000, b"true", b"null", b"[" * 3000,
         b"inf", b"shape=(0,9999999999999)", b"(2,1)", b"axis=2", b"1979-05-27", b".a" * 50, b"\x1b[2J", b"a = 1", b"#",
         b"\xe2\x80\xae", b"state", b"state.a:int64=[1]", b"float16", b"x=[0 0.5]", b"eager", b"[cause.x]",
         b"[[cause]]")  # fmt: skip
_PARTS = re.compile(rb"[A-Za-z0-9_.:/+-]+|\s+|.", re.DOTALL)


def of_bytes(rng: random.Random, data: bytes) -> bytes:
    """Returns `data` with a few places changed, left out, doubled or exchanged."""
    changed = bytearray(data)
    for _ in range(1 + int(rng.expovariate(0.7))):
        at = rng.randrange(len(changed) + 1)
        end = min(len(changed), at + int(rng.expovariate(0.1)))
        match rng.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                del changed[at:end]
            case 2:
                changed[at:at] = changed[at:end]
            case 3:
                changed[at:end] = rng.randbytes(min(16, end - at))
            case 4:
                del changed[at:]
            case _:
                changed[at:end] = rng.choice(WORDS)
    return bytes(changed)


def of_words(rng: random.Random, data: bytes) -> bytes:
    """Returns a text with a few words or lines changed, left out, doubled or moved."""
    parts = _PARTS.findall(data) or [b""]
    for _ in range(1 + int(rng.expovariate(0.7))):
        at, other = rng.randrange(len(parts)), rng.randrange(len(parts))
        match rng.randrange(5):
            case 0:
                parts[at] = rng.choice(WORDS)
            case 1:
                parts[at] = b""
            case 2:
                parts[at] = parts[other]
            case 3:
                parts[at] += b" " + rng.choice(WORDS)
            case _:
                lines = b"".join(parts).split(b"\n")
                lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
                parts = _PARTS.findall(b"\n".join(lines)) or [b""]
    return b"".join(parts)


def of_values(rng: random.Random, record: Any) -> Any:
    """Returns JSON with a few values exchanged, left out or added."""
    for _ in range(1 + int(rng.expovariate(1.2))):
        found = list(places(record))
        if not found:
            return _value(rng)
        at = rng.choice(found)
        inner = record
        for key in at[:-1]:
            inner = inner[key]
        match rng.randrange(8):
            case 0:
                del inner[at[-1]]
            case 1:
                inner[at[-1]] = json.loads(json.dumps(_at(record, rng.choice(found))))
            case 2 if isinstance(inner, dict):
                inner[rng.choice(("a", "", "kind", "\ud800", "x" * 300, str(at[-1]) + "_"))] = _value(rng)
            case 3 if isinstance(inner, list):
                inner.insert(0, _value(rng))
            case _:
                inner[at[-1]] = _value(rng)
    return record


def _value(rng: random.Random) -> Any:
    return deepcopy(rng.choice(VALUES))


def _at(record: Any, place: Sequence[Any]) -> Any:
    for key in place:
        record = record[key]
    return record


def dumped(record: Any) -> str:
    """Returns JSON as text, with lists in lists where a mutant has the mark of it."""
    return json.dumps(record).replace(json.dumps(_DEEP), "[" * 2000 + "]" * 2000)


def of_lines(rng: random.Random, data: bytes) -> bytes:
    """Returns lines of JSON with values of one of them changed."""
    lines = data.decode().split("\n")
    at = rng.randrange(len(lines) - 1)
    lines[at] = dumped(of_values(rng, json.loads(lines[at])))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def of_blob(rng: random.Random, data: bytes) -> bytes:
    """Returns a safetensors blob whose header, or the message in it, has changed values."""
    size = int.from_bytes(data[:8], "little")
    header, rest = json.loads(data[8 : 8 + size]), data[8 + size :]
    message = json.loads(header["__metadata__"]["bnconform"])
    which = rng.randrange(3)
    told: Any = dumped(of_values(rng, message) if which else message)
    header["__metadata__"]["bnconform"] = told
    text = dumped(header if which else of_values(rng, header)).encode("utf-8", "surrogatepass")
    if which == 2:
        rest = of_bytes(rng, rest)
    return len(text).to_bytes(8, "little") + text + rest
