"""A world for tests of programs behind a pipe: a program of a few lines that knows the protocol but not bnconform."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from bnconform.contract.address import Address, named_address

HEAD = '''
import json, os, struct, sys, time

def frame(message, header={}, data=b""):
    """A frame of `message` and arrays, whose part of the header and whose bytes are given as they stand."""
    text = json.dumps({"__metadata__": {"bnconform": json.dumps(message)}, **header}).encode()
    return struct.pack("<QQ", 8 + len(text) + len(data), len(text)) + text + data

def receive():
    """The message, the header and the bytes of the next case; None at the end."""
    start = sys.stdin.buffer.read(16)
    if not start:
        return None
    length, used = struct.unpack("<QQ", start)
    header, data = sys.stdin.buffer.read(used), sys.stdin.buffer.read(length - 8 - used)
    header = json.loads(header)
    return json.loads(header.pop("__metadata__")["bnconform"]), header, data

def write(blob):
    sys.stdout.buffer.write(blob)
    sys.stdout.buffer.flush()

def echo(message, header, data, name="y", **more):
    about = header["x"]
    start, end = about["data_offsets"]
    out = {name: {**about, "data_offsets": [0, end - start]}}
    return frame({"kind": "Outcome", **more}, out, data[start:end])

def describe(*names, **fields):
    return frame({"kind": "Described", "implementations": [{"name": f"pipe.{name}", **fields} for name in names]})
'''


def framed(message: Any, header: Any = None, data: bytes = b"") -> bytes:
    """Returns the frame that a program of HEAD makes."""
    names: dict[str, Any] = {}
    exec(HEAD, names)
    made: bytes = names["frame"](message, header or {}, data)
    return made


TAIL = """
CHOICES = {name: value for name, value in list(globals().items()) if getattr(value, "__doc__", None) == "offered"}
write(describe(*CHOICES, version="1.2", dtypes=["float16", "bfloat16", "float32", "float64"]))
while (got := receive()) is not None:
    write(CHOICES[got[0]["metadata"]["implementation"].partition(".")[2]](*got))
"""
"""Serves the functions whose docstring is "offered": message, header and data of a case to the bytes of an answer."""


def offered(name: str, line: str) -> str:
    """The text of a function that a program offers; `line` is its last one."""
    return f"def {name}(message, header, data):\n    'offered'\n    {line}\n"


ECHO = offered("same", "return echo(message, header, data)")


def program(folder: Path, functions: str = ECHO, tail: str = TAIL) -> Address:
    """Writes a program and returns it as the command line names it; without `tail` it says and answers nothing."""
    path = folder / "program.py"
    path.write_text(HEAD + functions + tail, encoding="utf-8")
    return named_address(f"pipe:{shlex.quote(sys.executable)} -I {shlex.quote(str(path))}")
