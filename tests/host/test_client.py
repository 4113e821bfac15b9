"""Whatever happens to a host's process, its client gets a Reply, and the next case is answered again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from worlds.hosts import ECHO, LOCK, SOON, adapter, echoes, is_locked, make, wait_for

import bnconform
from bnconform.contract.address import AdapterFailure, named_address
from bnconform.contract.errors import ContractError
from bnconform.contract.reply import Crashed, NotOffered, TimedOut
from bnconform.host.client import Host, InProcessHost

CRASHES = {
    "abort": ("os.abort()", "SIGABRT"),
    "segfault": ("ctypes.string_at(0)", "SIGSEGV"),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "exit": ("os._exit(3)", "exit status 3"),
    "exit_zero": ("os._exit(0)", "exit status 0"),
}


@pytest.mark.parametrize(("code", "how"), CRASHES.values(), ids=CRASHES.keys())
def test_a_crash_is_an_answer_and_the_next_case_works(tmp_path: Path, code: str, how: str) -> None:
    crash = f"def crash(case):\n    os.write(2, b'last words')\n    {code}\n"
    with Host(adapter(tmp_path, ECHO + crash)) as host:
        for _ in range(2):
            reply = host.run("bn.crash", make())
            assert isinstance(reply, Crashed)
            assert reply.how == how
            assert "last words" in reply.stderr
            assert how not in ("SIGABRT", "SIGSEGV") or 'File "adapter.py", line ' in reply.stderr  # by faulthandler
            assert str(tmp_path) not in reply.stderr
        assert echoes(host.run("bn.echo", make()), make())


def test_only_the_end_of_standard_error_is_kept(tmp_path: Path) -> None:
    crash = "def crash(case):\n    os.write(2, b'x' * 1000000 + b'end')\n    os._exit(1)\n"
    with Host(adapter(tmp_path, crash)) as host:
        reply = host.run("bn.crash", make())
    assert isinstance(reply, Crashed)
    assert len(reply.stderr) == 4096
    assert reply.stderr.endswith("xend")


def test_a_hang_ends_in_time_and_the_next_case_works(tmp_path: Path) -> None:
    hangs = "def sleep(case): time.sleep(1e6)\ndef spin(case):\n    while True: pass\n"
    with Host(adapter(tmp_path, ECHO + hangs)) as host:
        assert echoes(host.run("bn.echo", make()), make())
        for name in ("bn.sleep", "bn.spin"):
            host.timeout, start = 0.2, time.monotonic()
            assert host.run(name, make()) == TimedOut(0.2)
            assert time.monotonic() - start < SOON
            host.timeout = SOON
            assert echoes(host.run("bn.echo", make()), make())


def test_the_import_does_not_count_against_the_limit(tmp_path: Path) -> None:
    slow = "time.sleep(0.6)\ndef sleep(case): time.sleep(1e6)\n"
    with Host(adapter(tmp_path, slow + ECHO), timeout=0.5) as host:
        assert host.run("bn.sleep", make()) == TimedOut(0.5)
        assert echoes(host.run("bn.echo", make()), make())


def test_what_is_printed_disturbs_nothing(tmp_path: Path) -> None:
    flood = """
print("imported", flush=True)
os.write(1, b"from below")
def flood(case):
    print("out" * 300_000)
    print("err" * 300_000, file=sys.stderr)
    subprocess.run([sys.executable, "-c", "print('child' * 100_000)"])
    assert sys.stdin.read() == ""
    return Outcome(y=case.x)
"""
    with Host(adapter(tmp_path, flood), timeout=SOON) as host:
        for _ in range(3):
            assert echoes(host.run("bn.flood", make()), make())


def test_a_flood_without_end_is_a_hang(tmp_path: Path) -> None:
    flood = "def flood(case):\n    while True: print('x' * 1000)\n"
    with Host(adapter(tmp_path, flood), timeout=0.3) as host:
        assert host.run("bn.flood", make()) == TimedOut(0.3)


def test_large_arrays_travel(tmp_path: Path) -> None:
    case = make((2_000_000, 2))
    with Host(adapter(tmp_path, ECHO)) as host:
        assert echoes(host.run("bn.echo", case), case)


def test_processes_that_an_adapter_started_end_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = LOCK + f"file = hold({str(path)!r})\nimport time\nprint(flush=True)\ntime.sleep(1e6)"
    start = f"""
def start(case):
    process = subprocess.Popen([sys.executable, "-c", {code!r}], stdout=subprocess.PIPE)
    process.stdout.readline()
    {{}}
"""
    for end, kind in (("time.sleep(1e6)", TimedOut), ("os._exit(1)", Crashed)):
        with Host(adapter(tmp_path, start.format(end)), timeout=2.0) as host:
            assert isinstance(host.run("bn.start", make()), kind)
            wait_for(lambda: not is_locked(path), "the adapter's child ended")
    with Host(adapter(tmp_path, start.format("return Outcome()")), timeout=SOON) as host:
        host.run("bn.start", make())
        assert is_locked(path)
    wait_for(lambda: not is_locked(path), "the adapter's child ended")


def test_a_forked_process_that_holds_the_pipes_does_not_hide_a_crash(tmp_path: Path) -> None:
    fork = "def fork(case):\n    if os.fork() == 0: time.sleep(1e6)\n    os._exit(5)\n"
    with Host(adapter(tmp_path, fork), timeout=SOON) as host:
        reply = host.run("bn.fork", make())
    assert isinstance(reply, Crashed)
    assert reply.how == "exit status 5"


@pytest.mark.parametrize("code", ["time.sleep(1e6)", "return Outcome()"], ids=["busy", "idle"])
def test_a_host_does_not_outlive_its_client(tmp_path: Path, code: str) -> None:
    path = tmp_path / "lock"
    wait = f"def wait(case):\n    open({str(path)!r} + '.ready', 'w').close()\n    {code}\n"
    address = adapter(tmp_path, LOCK + f"file = hold({str(path)!r})\n" + wait)
    client = f"""
import sys, time
sys.path.insert(0, {os.path.dirname(os.path.dirname(bnconform.__file__))!r})
import numpy as np
from bnconform import Case
from bnconform.host.client import Host
from bnconform.contract.address import named_address
x = np.ones((3, 2))
case = Case(mode="train", x=x, gamma=None, beta=None, running_mean=None, running_var=None, eps=0.0, momentum=0.1)
host = Host(named_address({address.target!r}))
host.run("bn.wait", case)
time.sleep(1e6)
"""
    process = subprocess.Popen([sys.executable, "-c", client])
    try:
        wait_for((tmp_path / "lock.ready").exists, "the case arrived")
        assert is_locked(path)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_for(lambda: not is_locked(path), "the host ended")


def test_an_interrupted_call_leaves_no_late_answer(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    slow = "def slow(case):\n    time.sleep(0.5)\n    return Outcome()\n"
    with Host(adapter(tmp_path, ECHO + slow)) as host:
        host.describe()
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(KeyboardInterrupt):
                host.run("bn.slow", make())
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert echoes(host.run("bn.echo", make()), make())


def test_what_an_adapter_left_for_its_end_is_done(tmp_path: Path) -> None:
    path = tmp_path / "done"
    register = f"import atexit, pathlib\natexit.register(pathlib.Path({str(path)!r}).touch)\n"
    with Host(adapter(tmp_path, ECHO + register)) as host:
        assert echoes(host.run("bn.echo", make()), make())
    assert path.exists()


def test_a_closed_host_starts_again(tmp_path: Path) -> None:
    host = Host(adapter(tmp_path, ECHO))
    host.close()
    for _ in range(2):
        assert echoes(host.run("bn.echo", make()), make())
        host.close()
        host.close()


def test_a_crash_while_importing_is_said_with_the_last_words(tmp_path: Path) -> None:
    address = adapter(tmp_path, "print('loading the library')\nos.abort()\n")
    with Host(address) as host, pytest.raises(AdapterFailure, match=r"(?s)while it was imported \(SIGABRT\).*loading"):
        host.run("bn.any", make())


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    address = replace(adapter(tmp_path, ECHO), python=str(tmp_path / "no_python"))
    with (
        Host(address) as host,
        pytest.raises(AdapterFailure, match=r"adapter\.py: its host did not start: .*no_python"),
    ):
        host.describe()
    with InProcessHost(address) as within, pytest.raises(ContractError, match=r"asks for the interpreter .*no_python"):
        within.describe()


def test_a_host_has_its_own_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    names = ("BNCONFORM_DEVICE", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "JAX_ENABLE_X64", "KERAS_BACKEND")
    tell = f"def tell(case): raise Unsupported(' '.join(str(os.environ.get(name)) for name in {names}))\n"
    address = replace(adapter(tmp_path, tell), env=(("KERAS_BACKEND", "torch"),))
    with Host(address) as host:
        assert host.run("bn.tell", make()) == NotOffered("cpu  2 1 torch")


def test_a_host_imports_only_the_light_half() -> None:
    code = "import sys, bnconform.host.server; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    folder = os.path.dirname(os.path.dirname(bnconform.__file__))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    assert {"pytest", "hypothesis", "jinja2"}.isdisjoint(done.stdout.split())


def test_a_host_runs_on_the_interpreter_that_its_adapter_is_named_with(tmp_path: Path) -> None:
    tell = "def tell(case): raise Unsupported(sys.executable)\n"
    linked = tmp_path / "a python"
    linked.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    linked.chmod(0o755)
    asked = named_address(f"python={linked}:{adapter(tmp_path, 'import sys' + chr(10) + tell).target}")
    assert asked.python == str(linked)
    with Host(asked) as host:
        assert host.run("bn.tell", make()) == NotOffered(sys.executable)


def test_an_interpreter_without_numpy_is_told_by_what_it_lacks(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    bare.chmod(0o755)
    address = named_address(f"python={bare}:{adapter(tmp_path, ECHO).target}")
    with Host(address) as host, pytest.raises(AdapterFailure, match=r"(?s)exit status 1.*No module named 'numpy'"):
        host.describe()


def _other_python() -> str:
    """An older interpreter with what a host needs; "" where there is none."""
    path = os.environ.get("BNCONFORM_TEST_PYTHON") or shutil.which("python3.10") or ""
    test = [path, "-c", "import numpy, ml_dtypes, safetensors"]
    return path if path and subprocess.run(test, capture_output=True, check=False).returncode == 0 else ""


def test_a_host_runs_on_an_older_interpreter(tmp_path: Path) -> None:
    python = _other_python()
    if not python:
        pytest.skip("neither BNCONFORM_TEST_PYTHON nor python3.10 is a Python with numpy, ml_dtypes and safetensors")
    address = named_address(f"python={python}:{adapter(tmp_path, ECHO).target}")
    for dtype in ("bfloat16", "float32"):
        case = make(dtype=dtype)
        with Host(address) as host:
            assert echoes(host.run("bn.echo", case), case)
