"""What a host may cost: memory, bytes of an answer, time of a restart, and no process or text left of it anywhere."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from worlds.hosts import ECHO, LOCK, SOON, adapter, echoes, is_locked, make
from worlds.programs import ECHO as PROGRAM_ECHO
from worlds.programs import offered, program

import bnconform
from bnconform import Outcome
from bnconform.contract.errors import ContractError
from bnconform.contract.reply import Broken, Crashed, NotOffered, Raised, TimedOut
from bnconform.host import usage
from bnconform.host.client import Host, InProcessHost

MIB = 1 << 20
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="nothing is known of processes and memory elsewhere")

# Processes

LEAVES = {
    "session": "subprocess.Popen([sys.executable, '-c', HOLD], start_new_session=True)",
    "group": "subprocess.Popen([sys.executable, '-c', HOLD], process_group=0)",
    "double_fork": "os.fork() or (os.setsid(), os.fork() and os._exit(0), os.execve(sys.executable, "
    "[sys.executable, '-c', HOLD], {}))",
}


@LINUX
@pytest.mark.parametrize("end", ["time.sleep(1e6)", "os.abort()", "return Outcome()"], ids=["hang", "crash", "close"])
@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES.keys())
def test_no_process_leaves_a_host_by_its_group_or_session(tmp_path: Path, leave: str, end: str) -> None:
    path, ready = tmp_path / "lock", tmp_path / "ready"
    hold = LOCK + f"file = hold({str(path)!r})\nimport time\nopen({str(ready)!r}, 'w').close()\ntime.sleep(1e6)"
    code = f"""
HOLD = {hold!r}
def start(case):
    {leave}
    while not os.path.exists({str(ready)!r}): time.sleep(0.01)
    {end}
"""
    with Host(adapter(tmp_path, code), timeout=3.0) as host:
        host.run("bn.start", make())
        assert ready.exists()
    assert not is_locked(path)


def test_a_pause_of_the_client_is_not_the_time_of_its_host(tmp_path: Path) -> None:
    address = adapter(tmp_path, "def slow(case):\n    time.sleep(1.0)\n    return Outcome(y=case.x)\n")
    client = f"""
import sys
sys.path.insert(0, {os.path.dirname(os.path.dirname(bnconform.__file__))!r})
import numpy as np
from bnconform import Case
from bnconform.host.client import Host
from bnconform.contract.address import named_address
x = np.ones((3, 2))
case = Case(mode="train", x=x, gamma=None, beta=None, running_mean=None, running_var=None, eps=0.0, momentum=0.1)
with Host(named_address({address.target!r}), timeout=2.5) as host:
    host.describe()
    print("ready", flush=True)
    print(type(host.run("bn.slow", case)).__name__)
"""
    with subprocess.Popen([sys.executable, "-c", client], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGSTOP)
        time.sleep(3.0)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == "Outcome\n"


# Memory

HOG = "def hog(case):\n    kept = [np.ones(1 << 20) for _ in range(100)]\n    time.sleep(1e6)\n"


@LINUX
def test_a_host_that_uses_more_than_it_may_is_ended_and_the_message_says_so(tmp_path: Path) -> None:
    with Host(adapter(tmp_path, ECHO + HOG), memory=256 * MIB) as host:
        reply = host.run("bn.hog", make())
        assert isinstance(reply, Crashed)
        assert reply.how == "it used more than 0.25 GiB of memory, the most that a host may use"
        assert echoes(host.run("bn.echo", make()), make())


@LINUX
def test_memory_of_a_process_that_the_host_started_counts(tmp_path: Path) -> None:
    code = "b = bytearray(400 << 20); import time; time.sleep(1e6)"
    child = f"def child(case):\n    subprocess.run([sys.executable, '-c', {code!r}])\n"
    with Host(adapter(tmp_path, child), memory=256 * MIB) as host:
        reply = host.run("bn.child", make())
    assert isinstance(reply, Crashed)
    assert "more than 0.25 GiB" in reply.how


def test_shared_pages_count_once(tmp_path: Path) -> None:
    code = "b = bytearray(200 << 20)\nimport os, time\nos.fork(), os.fork()\nprint(flush=True)\ntime.sleep(1e6)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        for _ in range(4):
            process.stdout.readline()
        held = usage.held(process.pid, 100 * MIB)
        os.killpg(process.pid, signal.SIGKILL)
    assert sys.platform != "linux" or 200 * MIB < held < 400 * MIB


LEAK = "kept = []\ndef leak(case):\n    kept.append(np.ones(4 << 20))\n    return Outcome(y=case.x)\n"
WHO = "def who(case): raise Unsupported(f'{os.getpid()} {len(kept)}')\n"


@LINUX
def test_an_implementation_beside_a_leaking_one_has_a_fresh_host(tmp_path: Path) -> None:
    with Host(adapter(tmp_path, LEAK + WHO), memory=480 * MIB) as host:
        for _ in range(3):
            host.run("bn.leak", make())
        reply = host.run("bn.who", make())
        assert isinstance(reply, NotOffered)
        assert reply.reason.endswith(" 0")


@LINUX
def test_one_that_leaks_is_given_a_fresh_host_before_it_is_full(tmp_path: Path) -> None:
    with Host(adapter(tmp_path, LEAK), memory=480 * MIB) as host:
        for _ in range(25):  # 800 MiB in all
            assert echoes(host.run("bn.leak", make()), make())
            time.sleep(0.05)


def test_what_follows_a_memory_error_of_another_has_a_fresh_host(tmp_path: Path) -> None:
    poor = "def poor(case):\n    kept.append(1)\n    raise MemoryError\n"
    with Host(adapter(tmp_path, LEAK + WHO + poor)) as host:
        assert isinstance(host.run("bn.poor", make()), Raised)
        assert host.run("bn.who", make()).reason.endswith(" 0")  # type: ignore[union-attr]


# Bytes

SENDS = {
    "claims": ("write(struct.pack('<QQ', 1 << 30, 9) + b'{'); time.sleep(1e6)", r"announced a frame of 1,073,741,824"),
    "for_ever": (
        "write(struct.pack('<QQ', 1 << 20, 9) + b'{')\n    while True: write(bytes(1 << 20))",
        r"it wrote more than the 1048576 bytes of its frame",
    ),
    "long": ("return frame({'kind': 'NotOffered', 'reason': 'x' * (5 << 20)})", r"expected at most 1,04\d,\d+"),
}


@pytest.mark.parametrize(("line", "message"), SENDS.values(), ids=SENDS.keys())
def test_a_program_that_sends_too_much_is_cut_off_early(tmp_path: Path, line: str, message: str) -> None:
    with Host(program(tmp_path, PROGRAM_ECHO + offered("bad", line)), timeout=SOON) as host:
        started = time.monotonic()
        reply = host.run("pipe.bad", make())
        assert time.monotonic() - started < SOON / 2
        assert isinstance(reply, Broken)
        assert re.search(message, reply.message), reply.message
        assert echoes(host.run("pipe.same", make()), make())


def test_a_state_much_larger_than_the_case_is_the_adapters_fault(tmp_path: Path) -> None:
    state = "def state(case): return Outcome(y=case.x, state={'big': np.zeros(SIZE)})\nSIZE = 1 << 20\n"
    case = replace(make(), state={})
    with Host(adapter(tmp_path, state)) as host:
        reply = host.run("bn.state", case)
        assert isinstance(reply, Broken)
        assert "announced a frame of 8,3" in reply.message
        unasked = host.run("bn.state", make())
    assert isinstance(unasked, Outcome)
    assert unasked.state is None


# Texts

ODD = "\x1b[2J\0\a\udcff\u202ebad" + "x" * 30_000
SAYS = f"""
ODD = {ODD!r}
def raises(case): raise RuntimeError(ODD)
def refuses(case): raise Unsupported(ODD)
def crashes(case):
    os.write(2, ODD[:90].encode('utf-8', 'surrogatepass'))
    os._exit(1)
def types(case): raise type('E' + ODD, (Exception,), {{}})('no')
"""
VERSIONED = (
    "\nIMPLEMENTATIONS = [Implementation(name=one.name, run=one.run, version=ODD, dtypes={'float32'}) "
    "for one in IMPLEMENTATIONS]\n"
)
CLEAN = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f\udcff\u202e]*")


@pytest.mark.parametrize("kind", [Host, InProcessHost])
def test_texts_of_an_adapter_are_cleaned_and_cut_where_they_arrive(
    tmp_path: Path, kind: type[Host] | type[InProcessHost]
) -> None:
    address = adapter(tmp_path, SAYS)
    Path(address.target).write_text(Path(address.target).read_text(encoding="utf-8") + VERSIONED, encoding="utf-8")
    names = ["raises", "refuses", "types", *["crashes"] * (kind is Host)]
    with kind(address) as host:
        versions = {text for one in host.describe() for text in (one.version, *one.versions.values())}
        replies = [host.run(f"bn.{name}", make()) for name in names]
    texts = [value for reply in replies for value in vars(reply).values() if isinstance(value, str)] + list(versions)
    assert max(map(len, texts)) <= 20_000
    assert sum(map(len, versions)) < 10_000
    assert [text for text in texts if not CLEAN.fullmatch(text)] == []
    assert sum("\N{REPLACEMENT CHARACTER}" in text for text in texts) >= len(names) + 1


def test_texts_of_a_program_are_cleaned_and_cut_where_they_arrive(tmp_path: Path) -> None:
    said = "{'kind': 'Raised', 'type': ODD, 'message': ODD, 'traceback': ODD, 'names': [ODD]}"
    functions = f"ODD = {ODD[:90]!r}\n" + offered("bad", f"return frame({said})")
    tail = "VERSION = ODD\n"
    with Host(program(tmp_path, functions + tail)) as host:
        reply = host.run("pipe.bad", make())
    assert isinstance(reply, Raised)
    for text in (reply.type, reply.message, reply.traceback, *reply.names):
        assert CLEAN.fullmatch(text)
        assert text.startswith("\N{REPLACEMENT CHARACTER}[2J")


# Restarts

ONCE = """
import pathlib
count = pathlib.Path(__file__).with_name("count")
count.write_text(str(int(count.read_text()) + 1) if count.exists() else "1")
if count.read_text() != "1": raise OSError("the device is taken")
def abort(case): os.abort()
"""


def test_a_host_that_does_not_start_again_is_told_with_the_crash_and_tried_once_more(tmp_path: Path) -> None:
    with Host(adapter(tmp_path, ECHO + ONCE)) as host:
        assert isinstance(host.run("bn.abort", make()), Crashed)
        for _ in range(3):
            reply = host.run("bn.abort", make())
            assert isinstance(reply, Crashed)
            assert re.search(r"SIGABRT, and did not start again: .*the device is taken", reply.how)
            other = host.run("bn.echo", make())
            assert isinstance(other, Broken)
            assert re.search(r"did not start again after bn.abort had ended its process \(SIGABRT\)", other.message)
    assert (tmp_path / "count").read_text() == "3"


def test_the_import_has_a_limit_of_its_own(tmp_path: Path) -> None:
    slow = "time.sleep(1e6)\n"
    with (
        Host(adapter(tmp_path, ECHO + slow), timeout=0.1, slowest_import=0.7) as host,
        pytest.raises(ContractError, match=r"was not imported within 0\.7 s"),
    ):
        host.describe()


# Answers

LIAR = """
class Liar(np.ndarray):
    shape = property(lambda self: (3, 2))
def lies(case): return Outcome(y=np.zeros((2, 2), np.float32).view(Liar))
class Worse(np.ndarray):
    def __array__(self, *_, **__): raise RuntimeError("no array")
    dtype = property(lambda self: np.dtype(np.float32))
def worse(case): return Outcome(y=np.zeros((3, 2), np.float64).view(Worse))
"""


def test_an_array_that_lies_is_the_adapters_fault(tmp_path: Path) -> None:
    with Host(adapter(tmp_path, ECHO + LIAR)) as host:
        assert host.run("bn.lies", make()) == Broken("bn.lies returned y of shape (2, 2); expected (3, 2)")
        assert isinstance(host.run("bn.worse", make()), Broken)
        assert echoes(host.run("bn.echo", make()), make())


def test_a_hang_at_the_very_end_of_its_time_is_still_a_hang(tmp_path: Path) -> None:
    drips = offered(
        "drips", "write(struct.pack('<QQ', 900000, 9) + b'{')\n    while True: write(b' '), time.sleep(0.01)"
    )
    with Host(program(tmp_path, drips), timeout=0.5) as host:
        started = time.monotonic()
        assert host.run("pipe.drips", make()) == TimedOut(0.5)
        assert time.monotonic() - started < SOON / 2
    assert np.isfinite(started)
