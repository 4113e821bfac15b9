"""Readers of strangers' files and frames, fed with mutants under watch.

`python -m worlds.fuzzing KIND COUNT SECONDS SEED` reads mutants of a kind, at most so many and so long, and prints as
JSON how many were read and how many refused. It ends with 1 and tells the mutant where one raises anything but the
documented errors, takes more than PATIENCE seconds of processor time, or makes the process start, compile or import
something; and where more than LARGEST MiB were in use.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from bnconform.contract.address import Address
from bnconform.contract.case import Case
from bnconform.contract.errors import ContractError
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import NotOffered, Raised
from bnconform.contract.wire import load_case, pack, pack_case, pack_reply, save_case, unpack_reply
from bnconform.host.pipe import read_description, read_reply
from bnconform.host.process import Garbled
from bnconform.report import render, render_book, render_choices
from bnconform.report.gathered import Gathered
from bnconform.results.case_line import case_line, read_case
from bnconform.results.comparison import MEASURED, SAID, differences
from bnconform.results.deviations import load_registry
from bnconform.results.deviations.proposal import proposals, unfit, unknown
from bnconform.results.deviations.registry import Registry
from bnconform.results.deviations.witnesses import case_key, write_packed
from bnconform.results.file import merge, read_results
from bnconform.results.records import case_record
from worlds import hostile, mutated

PATIENCE = 10.0
REFUSALS = (ContractError, Garbled)
LARGEST = 500  # MiB of memory in use
_FORBIDDEN = ("exec", "compile", "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn",
              "socket.connect", "ctypes.dlopen", "os.remove", "os.rename", "shutil.rmtree", "os.symlink")  # fmt: skip
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
Mutate = Callable[[random.Random, bytes], bytes]
Read = Callable[[bytes], object]


def make_case(**changed: Any) -> Case:
    """Returns a case in which much is set."""
    x, one = np.array([[0, 0.5], [1, -2]], np.float32), np.array([1, 2], np.float32)
    told: dict[str, Any] = {"mode": "train", "x": x, "gamma": one, "beta": one, "running_mean": one, "running_var": one}
    told |= {
        "eps": 0.25,
        "momentum": 0.5,
        "dy": x,
        "bar_dx": x,
        "mask": np.array([[True], [False]]),
        "memory": "strided",
    }
    return Case(**told | {"watched": True} | changed)


STATE = {"mean": np.array([0.5, 1], np.float32), "count": np.array(3)}
STATEFUL = make_case(running_mean=None, running_var=None, state=STATE, memory="plain")
TOLD = {"spec": "normalizes_by_the_batch", "implementation": "mini.bn", "adapter": "mini.py", "device": "cpu"}


class Kind:
    """What is read: a corpus to mutate, ways to mutate it, and the reader, which works in a folder of its own."""

    corpus: tuple[bytes, ...] = ()
    ways: tuple[Mutate, ...] = (mutated.of_bytes, mutated.of_blob, mutated.of_blob)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read_so_far = 0

    def read(self, data: bytes) -> None:
        """Reads a mutant; raises one of REFUSALS for what is none."""
        raise NotImplementedError


class Results(Kind):
    """Results files, and all that is made of those that are read; pages of one in fifty."""

    corpus = ("\n".join(map(json.dumps, (hostile.full_run(), hostile.full_finding(), hostile.full_defect(),
                                         hostile.end_line()))).encode() + b"\n",)  # fmt: skip
    ways = (mutated.of_bytes, mutated.of_lines, mutated.of_lines)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "witnesses").mkdir()
        save_case(folder / "witnesses" / "a.safetensors", make_case())

    def read(self, data: bytes) -> None:
        """Reads a results file."""
        path = self.folder / "results.jsonl"
        path.write_bytes(data)
        found = read_results(path)
        self.read_so_far += 1
        merged = merge([found])
        list(differences(found, found, (*MEASURED, *SAID)))
        new = [one for one in unknown(found, Registry()) if not unfit(one)]
        if self.read_so_far % 50 == 1:
            render(Gathered(merged))
            render_book(merged)
            render_choices(merged)
            proposals(new, self.folder)


class Witnesses(Kind):
    """Witness files."""

    corpus = (pack_case(make_case(), **TOLD), pack_case(STATEFUL, **TOLD))

    def read(self, data: bytes) -> None:
        """Reads a witness."""
        path = self.folder / "w.safetensors"
        path.write_bytes(data)
        case, metadata = load_case(path)
        metadata.get("spec")
        again, _ = load_case(path)
        if pack_case(again) != pack_case(case):
            raise AssertionError("a case that was read is written otherwise the second time")
        case_record(case)


_ARRAYS = {"y": make_case().x, "running_mean": STATE["mean"]}
_ARGUMENT = {"name": "eps", "default": "1e-5", "link": "", "on": "True", "off": "False"}
_DESCRIBED = {"name": "pipe.bn", "version": "1", "dtypes": ["float32"], "ranks": [2, 4], "devices": ["cpu"],
              "features": ["mask"], "versions": {"pipe": "1"}, "compiled": False, "opt_in": True,
              "dialect": {"running_var": "biased", "links": {"running_var": "https://a.b"}},
              "by_dtype": {"float16": {"stats_dtype": "float32"}},
              "settings": {"call": "bn", "eps": _ARGUMENT, "momentum": _ARGUMENT, "weighs": "old", "axis": _ARGUMENT,
                           "layouts": {"1": "NCHW"}, "fixed": {"a": "b"}, "offers": ["training"]}}  # fmt: skip


class Frames(Kind):
    """Frames of the protocol behind a pipe: answers and descriptions."""

    corpus = (
        pack_reply(Outcome(**_ARRAYS)),
        pack_reply(Outcome(y=STATEFUL.x, state=STATE)),
        pack_reply(NotOffered("why")),
        pack_reply(Raised("InputOverwritten", "it wrote to x", "  File", ("x",))),
        pack({"kind": "Described", "implementations": [_DESCRIBED]}, {}),
    )

    def read(self, data: bytes) -> None:
        """Reads a frame as a description and as an answer."""
        self.read_so_far += 1
        if self.read_so_far % 2:
            for one in read_description(Address("pipe:mini", "", True), data):
                json.dumps(one.to_json())
                one.dialect_for("float16")
        else:
            read_reply(data, make_case(), "pipe.bn")
            pack_reply(unpack_reply(data))


_LINE = case_line(make_case())
_SMALL = case_key(read_case(_LINE))
_LARGE = make_case(x=np.zeros((8, 8), np.float32), dy=None, mask=None, bar_dx=None, gamma=None, beta=None,
                   running_mean=None, running_var=None)  # fmt: skip
_TOML = f"""[defects.one]
title = "It adds one"
severity = "ordinary"
effect = "y is one too large."

[[cause]]
defect = "one"
implementations = ["lib.norm", "lib.norm:*"]
versions = ">=2.0,<3"
devices = ["cpu"]
fault = "implementation"
reason = '''
It adds one.
'''
link = "https://example.org/1"
findings = [
  {{ spec = "adds", dtypes = ["float32"], quantity = "y", diagnosis = "one", witness = "{_SMALL}" }},
  {{ spec = "adds_more", dtypes = ["float32", "float64"], verdict = "crashes", witness = "{case_key(_LARGE)}" }},
]

[cause.witnesses]
{_SMALL} = "{_LINE}"
"""


class Registries(Kind):
    """TOML files of a registry, each with its packed witnesses, whole or mutants too."""

    corpus = (_TOML.encode(),)
    ways = (mutated.of_bytes, mutated.of_words, mutated.of_words)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._packed = folder / "lib.safetensors"
        write_packed(self._packed, {case_key(_LARGE): _LARGE})
        self._whole = self._packed.read_bytes()

    def read(self, data: bytes) -> None:
        """Reads a registry and the cases in it."""
        self.read_so_far += 1
        rng = random.Random(self.read_so_far)
        wild = self.read_so_far % 4 == 0
        (self.folder / "lib.toml").write_bytes(_TOML.encode() if wild else data)
        self._packed.write_bytes(
            rng.choice((mutated.of_bytes, mutated.of_blob))(rng, self._whole) if wild else self._whole
        )
        for one in load_registry(self.folder, drafts=True).deviations:
            one.cause.covers("2.1")
            _ = one.witness


class Lines(Kind):
    """Cases as lines, as registries hold them."""

    corpus = (_LINE.encode(), case_line(STATEFUL).encode())
    ways = (mutated.of_bytes, mutated.of_words, mutated.of_words)

    def read(self, data: bytes) -> None:
        """Reads a line."""
        case = read_case(data.decode("utf-8", "replace"))
        if pack_case(read_case(case_line(case))) != pack_case(case):
            raise AssertionError("a case that was read is told as another one")


KINDS: dict[str, type[Kind]] = {"results": Results, "witnesses": Witnesses, "frames": Frames, "registries": Registries,
                                "lines": Lines}  # fmt: skip


def main(name: str, count: int, seconds: float, seed: int) -> int:
    """Reads mutants; returns the exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        kind = KINDS[name](Path(scratch))
        _warm(kind, random.Random(0))
        signal.signal(signal.SIGVTALRM, _late)
        started, done, refused = time.monotonic(), 0, 0
        _watched.append(True)
        while done < count and time.monotonic() - started < seconds:
            data = rng.choice(kind.ways)(rng, rng.choice(kind.corpus))
            done += 1
            try:
                refused += _refused(kind, data)
            except BaseException:
                _watched.clear()
                traceback.print_exc()
                print(f"mutant {done} of {name}, seed {seed}: {base64.b64encode(data).decode()[:20_000]}")
                return 1
        _watched.clear()
    used = _most_in_use()
    told = {"kind": name, "mutants": done, "refused": refused, "read": done - refused, "MiB": used}
    print(json.dumps(told | {"seconds": round(time.monotonic() - started, 1)}))
    return int(used > LARGEST)


def _most_in_use() -> int:
    """Returns the most MiB that this process had in use; what it was forked from does not count."""
    found = _PEAK.search(Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) // 1024 if found else 0


def _refused(kind: Kind, data: bytes) -> bool:
    """Reads a mutant; returns whether it was refused, with a message that is short and has no line of its own."""
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        kind.read(data)
    except REFUSALS as error:
        told = str(error)
        if len(told) > 3000 or "\n" in told:
            raise AssertionError(f"no line for a screen: {told[:500]!r}") from error
        return True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return False


def _warm(kind: Kind, rng: random.Random) -> None:
    mutants = (rng.choice(kind.ways)(rng, rng.choice(kind.corpus)) for _ in range(50))
    for one in (*kind.corpus * 2, *mutants):  # whole ones are read, and whatever is imported late is imported
        with contextlib.suppress(REFUSALS):
            kind.read(one)


_watched: list[bool] = []


def _late(*_: Any) -> NoReturn:
    raise TimeoutError(f"more than {PATIENCE:g} s of processor time")


def _audit(event: str, arguments: Any) -> None:
    if _watched and event in _FORBIDDEN and not str(arguments[0]).startswith(tempfile.gettempdir()):
        raise PermissionError(f"a mutant made the reader do {event}: {arguments!r:.300}")


if __name__ == "__main__":
    sys.addaudithook(_audit)
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main(sys.argv[1], int(float(sys.argv[2])), float(sys.argv[3]), int(sys.argv[4])))
