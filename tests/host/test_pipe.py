"""A program that speaks the protocol of pipe.md is a host like any other; one that breaks it is told what it did."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds.hosts import SOON, echoes, make
from worlds.programs import ECHO, framed, offered, program

import bnconform
from bnconform.contract.address import AdapterFailure, named_address
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import ContractError
from bnconform.contract.reply import Broken, Crashed, NotOffered, Raised, TimedOut
from bnconform.contract.wire import unpack_case
from bnconform.host.client import Host, InProcessHost
from bnconform.host.ends import Garbled
from bnconform.host.pipe import read_description, read_reply

DOCUMENT = (Path(bnconform.__file__).parent / "host" / "pipe.md").read_text(encoding="utf-8")
ADDRESS = named_address("pipe:sh")


def of_the_document(kind: str) -> list[Any]:
    return [json.loads(text) for text in re.findall(rf"<!-- {kind} -->\n```json\n(.*?)```", DOCUMENT, re.DOTALL)]


# What is right


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 4), (0, 3), (1, 1)])
def test_a_program_describes_itself_and_answers(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    case = make(shape, dtype)
    with Host(program(tmp_path)) as host:
        (described,) = host.describe()
        assert (described.name, described.version, described.dtypes) == ("pipe.same", "1.2", tuple(sorted(DTYPES)))
        for _ in range(3):
            reply = host.run("pipe.same", case)
            assert echoes(reply, case)
            assert reply.y.dtype == case.x.dtype  # type: ignore[union-attr]


def test_large_arrays_travel(tmp_path: Path) -> None:
    case = make((2_000_000, 2))
    with Host(program(tmp_path)) as host:
        assert echoes(host.run("pipe.same", case), case)


def test_refusals_and_errors_arrive(tmp_path: Path) -> None:
    raised = "{'kind': 'Raised', 'type': 'E', 'message': 'γ', 'traceback': ''}"
    functions = offered("no", "return frame({'kind': 'NotOffered', 'reason': 'why'})")
    with Host(program(tmp_path, functions + offered("error", f"return frame({raised})"))) as host:
        assert host.run("pipe.no", make()) == NotOffered("why")
        assert host.run("pipe.error", make()) == Raised("E", "γ", "")


def test_a_program_has_the_variables_of_a_host_and_writes_no_core(tmp_path: Path) -> None:
    said = "os.environ['OMP_NUM_THREADS'] + os.popen('ulimit -c').read()"
    line = f"return frame({{'kind': 'NotOffered', 'reason': {said}}})"
    with Host(program(tmp_path, offered("tell", line))) as host:
        assert re.fullmatch(r"\d+0\n", host.run("pipe.tell", make()).reason)  # type: ignore[union-attr]


def test_the_examples_of_the_document_are_what_it_says() -> None:
    (description,) = of_the_document("description")
    (described,) = read_description(ADDRESS, framed(description)[8:])
    assert (described.name, described.version, described.ranks) == ("mylib.batch_norm", "2.1", (2, 3, 4, 5))
    assert (described.dialect.running_var, *described.dialect.links) == ("biased", "running_var")
    (message,) = of_the_document("case")
    x = {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}
    case, metadata = unpack_case(framed(message, {"x": x}, bytes(24))[8:])
    assert (case.mode, case.momentum, case.watched, case.gamma, metadata) == (
        "train", 0.1, False, None, {"implementation": "mylib.batch_norm"},
    )  # fmt: skip
    replies = [read_reply(framed(answer)[8:], make(), "mylib.batch_norm") for answer in of_the_document("answer")]
    assert [type(reply).__name__ for reply in replies] == ["Outcome", "NotOffered", "Raised"]


@pytest.mark.parametrize("more", [{}, {"names": ["x"]}])
def test_a_program_names_overwritten_arrays_in_its_message_or_beside_it(more: dict[str, Any]) -> None:
    message = {"kind": "Raised", "type": "InputOverwritten", "message": "the mode of x", "traceback": "", **more}
    reply = read_reply(framed(message)[8:], make(), "mylib.batch_norm")
    assert isinstance(reply, Raised)
    assert reply.names == ("x",)
    with pytest.raises(Garbled, match="with texts"):
        read_reply(framed({**message, "names": [1]})[8:], make(), "mylib.batch_norm")


# What is wrong


CRASHES = {"abort": ("os.abort()", "SIGABRT"), "exit": ("os._exit(3)", "exit status 3"), "end": ("sys.exit()", "0")}


@pytest.mark.parametrize(("code", "how"), CRASHES.values(), ids=CRASHES.keys())
def test_a_crash_is_an_answer_and_the_next_case_works(tmp_path: Path, code: str, how: str) -> None:
    crash = offered("crash", f"os.write(2, b'last words'), {code}")
    with Host(program(tmp_path, ECHO + crash)) as host:
        for _ in range(2):
            reply = host.run("pipe.crash", make())
            assert isinstance(reply, Crashed)
            assert reply.how.endswith(how)
            assert "last words" in reply.stderr
        assert echoes(host.run("pipe.same", make()), make())


def test_a_hang_ends_in_time_and_the_next_case_works(tmp_path: Path) -> None:
    hangs = offered("sleep", "time.sleep(1e6)") + offered("half", "write(b'12'), time.sleep(1e6)")
    with Host(program(tmp_path, ECHO + hangs)) as host:
        for name in ("pipe.sleep", "pipe.half"):
            host.timeout = 0.2
            assert host.run(name, make()) == TimedOut(0.2)
            host.timeout = SOON
            assert echoes(host.run("pipe.same", make()), make())


GARBAGE = {
    "text": ("return b'y = 1.25\\n'", r"it wrote b'y = 1\.25\\n'; expected a frame: 8 bytes"),
    "late": ("write(echo(message, header, data)), time.sleep(0.5); return b'done'", r"it wrote (b'done|more than)"),
    "twice": ("return 2 * echo(message, header, data)", r"more than the \d+ bytes of its frame"),
    "unasked": ("write(echo(message, header, data)); return b'done'", r"it wrote (b'done|more than)"),
    "no_blob": ("return struct.pack('<Q', 9) + b'not blob{'", r"9 bytes that are not a whole safetensors blob"),
    "short": ("return frame({'kind': 'Outcome'}, {'y': header['x']}, b'1234')", r"not a whole safetensors blob"),
    "kind": ("return frame({'kind': 'Done'})", r"kind 'Done'"),
    "ours": ("return frame({'kind': 'TimedOut', 'seconds': 1})", r"got TimedOut.*; expected an Outcome, or NotOffer"),
    "reason": ("return frame({'kind': 'NotOffered', 'reason': 5})", r"with texts"),
    "array": ("return echo(message, header, data, name='z')", r"unexpected keyword argument 'z'"),
    "integers": (
        "header['x']['dtype'] = 'I32'; return echo(message, header, data)",
        r"not a whole safetensors blob.*I32",
    ),
}


@pytest.mark.parametrize(("line", "message"), GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_the_adapters_fault_and_the_next_case_works(tmp_path: Path, line: str, message: str) -> None:
    with Host(program(tmp_path, ECHO + offered("bad", line))) as host:
        reply = host.run("pipe.bad", make())
        if not isinstance(reply, Broken):  # what came too late for this answer is met before the next question
            reply = host.run("pipe.bad", make())
        assert isinstance(reply, Broken)
        assert re.search(message, reply.message), reply.message
        assert reply.message.startswith("pipe.bad: ")
        assert echoes(host.run("pipe.same", make()), make())


def test_an_outcome_is_held_to_the_contract(tmp_path: Path) -> None:
    shape = offered("shape", "header['x']['shape'] = [2, 3]; return echo(message, header, data)")
    wider = offered("wider", "header['x'].update(dtype='F64', shape=[3, 1]); return echo(message, header, data)")
    with Host(program(tmp_path, shape + wider)) as host:
        assert host.run("pipe.shape", make()) == Broken("pipe.shape returned y of shape (2, 3); expected (3, 2)")
        assert "expected (3, 2)" in host.run("pipe.wider", make()).message  # type: ignore[union-attr]


def test_what_is_not_watched_is_not_said_to_be_left_alone(tmp_path: Path) -> None:
    case = replace(make(), watched=True)
    watches = offered("watches", "return echo(message, header, data, watched=message['case']['watched'])")
    with Host(program(tmp_path, ECHO + watches)) as host:
        reply = host.run("pipe.same", case)
        assert isinstance(reply, NotOffered)
        assert '"watched": true' in reply.reason
        assert echoes(host.run("pipe.watches", case), case)


STARTS = {
    "text": ("print('hello world', flush=True); time.sleep(1e6)", r"it offers: it wrote b'hello world"),
    "end": ("print('no such library', file=sys.stderr); sys.exit(4)", r"before it said .*status 4\); it wrote\nno"),
    "silence": ("time.sleep(1e6)", r"did not say what it offers within 0\.3 s"),
    "blob": ("write(struct.pack('<Q', 3) + b'abc'); time.sleep(1e6)", r"first frame: got 3 bytes that are not a whole"),
}


@pytest.mark.parametrize(("code", "message"), STARTS.values(), ids=STARTS.keys())
def test_a_program_that_does_not_describe_itself_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    limit = 0.3 if code.startswith("time") else SOON
    with (
        Host(program(tmp_path, code, tail=""), timeout=limit, slowest_import=limit) as host,
        pytest.raises(ContractError, match=message),
    ):
        host.describe()


# How it is named


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pipe:", "nothing is no program that can be started"),
        ("pipe:no_such_program -x", "'no_such_program' is no program that can be started"),
        ("pipe:'sh", "No closing quotation; expected a command as one types it"),
    ],
)
def test_what_cannot_be_started_is_refused_at_once(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        named_address(text)


def test_a_program_is_found_from_any_folder_and_shown_without_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "my bn.py"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    address = named_address("pipe:'./my bn.py' --of data/x.py")
    assert address.program == [str(path), "--of", "data/x.py"]
    assert (str(address), address.is_program, address.is_file) == ("pipe:my bn.py --of x.py", True, False)
    monkeypatch.chdir("/")
    assert named_address(address.target) == address


def test_a_program_that_cannot_be_executed_is_said_to_end(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(b"\x7fELF" + bytes(60))
    path.chmod(0o755)
    with Host(named_address(f"pipe:{path}")) as host, pytest.raises(AdapterFailure, match=r"status 126\); it wrote"):
        host.describe()


def test_a_debugger_is_refused_a_program() -> None:
    with InProcessHost(ADDRESS) as host, pytest.raises(ContractError, match="expected a call without --in-process"):
        host.describe()


def test_arrays_that_arrive_are_read_only_values(tmp_path: Path) -> None:
    with Host(program(tmp_path)) as host:
        y = host.run("pipe.same", make()).y  # type: ignore[union-attr]
    assert isinstance(y, np.ndarray)
