"""Every command that reads a file tells in one line what is wrong with it, and shows nothing of it raw."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import hostile, records

from bnconform.cli.main import main
from bnconform.contract.wire import pack, save_case
from bnconform.results.case_line import read_case
from bnconform.results.file import read_results, text_beside

COMMANDS = {
    "report": ("report", "FILE", "--out", "out"),
    "summary": ("report", "FILE", "--summary", "-"),
    "sarif": ("report", "FILE", "--sarif", "out.sarif"),
    "against": ("report", "good.jsonl", "--against", "FILE", "--out", "out"),
    "list": ("list", "implementations", "--adapter", "bnconform.adapters.numpy_listing", "--results", "FILE"),
    "diff": ("diff", "good.jsonl", "FILE"),
    "compare": ("compare", "FILE", "good.jsonl"),
    "update": ("deviations", "--deviations", "known", "--update", "FILE"),
    "replay": ("replay", "FILE"),
    "registry": ("deviations", "--deviations", "FILE"),
}
READS_RESULTS = tuple(name for name in COMMANDS if name not in ("replay", "registry"))
SPEAKING = "\x1b[2J\x07\0\u202e"
RAW = set("\x1b\x07\0\u202e")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with good results, in which the commands are called."""
    monkeypatch.chdir(tmp_path)
    good = hostile.write_lines(tmp_path / "good", hostile.full_run(), hostile.full_finding(), hostile.end_line())
    good.rename("good.jsonl")
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], name: str, path: object) -> str:
    """Returns the line with which a command refuses a file."""
    assert main([str(path) if word == "FILE" else word for word in COMMANDS[name]]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("bnconform: ")
    assert told.err[:-1].isprintable()
    return told.err


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_no_such_file_is_one_line(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert "nowhere" in refused(capsys, name, "nowhere")
    Path("folder").mkdir()
    if name != "registry":  # an empty one knows nothing
        assert "folder" in refused(capsys, name, "folder")
    Path("binary").write_bytes(bytes(range(256)) * 100)
    assert "binary" in refused(capsys, name, "binary")
    Path("circle").symlink_to("circle")
    assert "circle" in refused(capsys, name, "circle")


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", COMMANDS)
def test_what_may_not_be_read_is_one_line(capsys: pytest.CaptureFixture[str], name: str) -> None:
    Path("secret").write_text("a")
    Path("secret").chmod(0)
    refused(capsys, name, "secret")


WRONG: dict[str, Any] = {
    "deep": '{"kind": "finding", "detail": ' + "[" * 50_000,
    "6,000 digits": json.dumps(hostile.full_finding()).replace('"examples": 100', f'"examples": {"9" * 6000}'),
    "huge shape": hostile.replaced(hostile.full_finding(), ("detail", "case", "shape"), [40_000, 40_000]),
    "settings": hostile.replaced(hostile.full_finding(), ("detail", "case"), SPEAKING),
    "diagnosis": hostile.replaced(hostile.full_finding(), ("diagnosis",), {SPEAKING: 1}),
    "kind": {"kind": SPEAKING},
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", READS_RESULTS)
def test_a_hostile_line_of_results_is_one_line(capsys: pytest.CaptureFixture[str], name: str, wrong: str) -> None:
    file = hostile.write_lines(Path("bad"), hostile.full_run(), WRONG[wrong], hostile.end_line())
    assert "line 2" in refused(capsys, name, file)


GOOD = {"mode": "train", "eps": 0.25, "momentum": 0.5, "axis": 1}
X = {"x": np.zeros((2, 1), np.float32)}
HUGE = b'{"x":{"dtype":"F32","shape":[0,9999999999999],"data_offsets":[0,0]},"__metadata__":{"bnconform":"MESSAGE"}}'


def message(case: Any = GOOD, metadata: Any = {}, **more: Any) -> dict[str, Any]:  # noqa: B006  # it is only read
    return {"kind": "Case", "case": case, "metadata": metadata, **more}


def of_no_values() -> bytes:
    text = HUGE.replace(b"MESSAGE", json.dumps(message()).replace('"', r"\"").encode())
    return len(text).to_bytes(8, "little") + text


WITNESSES = {
    "metadata are a list": pack(message(metadata=[1]), X),
    "metadata are a text": pack(message(metadata=SPEAKING), X),
    "settings are a text": pack(message(case="train"), X),
    "settings are a list": pack(message(case=[["mode", "train"]]), X),
    "no epsilon": pack(message(case={"mode": "train", "momentum": 0.5}), X),
    "a list for an epsilon": pack(message(case={**GOOD, "eps": [1]}), X),
    "an epsilon beyond floats": pack(message(case={**GOOD, "eps": 10**400}), X),
    "true for an axis": pack(message(case={**GOOD, "axis": True}), X),
    "half an axis": pack(message(case={**GOOD, "axis": 0.5}), X),
    "a list for the mode": pack(message(case={**GOOD, "mode": ["train"]}), X),
    "a list for a flag": pack(message(case={**GOOD, "watched": [1]}), X),
    "a deep setting": pack(message(case={**GOOD, SPEAKING: [[[[]]]]}), X),
    "another kind": pack({"kind": SPEAKING}, X),
    "a text": pack("text", X),  # type: ignore[arg-type]
    "a shape of trillions": of_no_values(),
}


@pytest.mark.parametrize("blob", WITNESSES.values(), ids=WITNESSES)
def test_a_hostile_witness_is_one_line(capsys: pytest.CaptureFixture[str], blob: bytes) -> None:
    Path("w.safetensors").write_bytes(blob)
    assert "w.safetensors" in refused(capsys, "replay", "w.safetensors")


def test_results_that_name_what_is_no_witness_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    records.write(Path("theirs"), records.finding(verdict="fails", witness="witnesses/a.safetensors"))
    assert "witnesses/a.safetensors" in refused(capsys, "update", "theirs")


@pytest.mark.parametrize("name", [one for one in READS_RESULTS if one != "list"])  # which starts all adapters
def test_no_text_of_results_reaches_the_screen_raw(capsys: pytest.CaptureFixture[str], name: str) -> None:
    run, finding = hostile.full_run(), hostile.full_finding(verdict="fails")
    fields = {"implementation", "quantity", "reason", "explanation", "raises", "title", "words", "effect", "sentence"}
    for place in hostile.places(finding):
        if isinstance(_at(finding, place), str) and place[-1] in fields:
            finding = hostile.replaced(finding, place, f"a{SPEAKING}b")
    file = hostile.write_lines(Path("theirs"), run, finding, hostile.end_line())
    assert main([str(file) if word == "FILE" else word for word in COMMANDS[name]]) in (0, 1, 2)
    told = capsys.readouterr()
    assert not set(told.out + told.err) & RAW
    for one in Path().rglob("*.html"):
        assert not set(one.read_text(encoding="utf-8")) & RAW


def _at(record: Any, place: Any) -> Any:
    for key in place:
        record = record[key]
    return record


def test_no_text_of_a_registry_reaches_the_screen_raw(capsys: pytest.CaptureFixture[str]) -> None:
    line = "train float32 axis=1 eps=0.25 momentum=0.5 shape=(2,1) x=[0 0.5]"
    raw = r"a\u001b[2J\u0007\u202eb"
    text = f"""[[cause]]
implementations = ["lib.{raw}"]
versions = ">=2"
fault = "implementation"
reason = "{raw}"
link = "https://example.org/{raw}"
findings = [{{ spec = "{raw}", dtypes = ["float32"], quantity = "{raw}", witness = "k" }}]
witnesses = {{ k = "{line}" }}
"""
    Path("known").mkdir()
    Path("known", "lib.toml").write_text(text, encoding="utf-8")
    assert main(["deviations", "--deviations", "known"]) == 0
    told = capsys.readouterr().out
    assert "reason  a\N{REPLACEMENT CHARACTER}[2J" in told
    assert not set(told) & RAW


def test_a_script_that_is_no_text_or_lies_elsewhere_is_not_shown() -> None:
    folder, defect = Path("theirs"), {**hostile.full_defect(), "script": "scripts/a.py"}
    results = read_results(
        hostile.write_lines(folder, hostile.full_run(), hostile.full_finding(), defect, hostile.end_line())
    )
    (folder / "scripts").mkdir()
    Path("secret").write_text("hunter2")
    script = folder / "scripts" / "a.py"
    assert text_beside(results, "scripts/a.py") == ""
    script.write_text("print(1)")
    assert text_beside(results, "scripts/a.py") == "print(1)"
    script.write_bytes(b"\xff")
    assert text_beside(results, "scripts/a.py") == ""
    script.unlink()
    script.symlink_to(Path("secret").absolute())
    assert text_beside(results, "scripts/a.py") == ""


def test_a_report_of_strangers_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts and witnesses of results are shown, and none is run, imported or followed out of the folder."""
    folder = Path("theirs")
    script = "open('obeyed', 'w')\n"
    found = hostile.full_finding(verdict="fails")
    defect = {**hostile.full_defect(), "id": "mini/y", "script": "scripts/mini_y.py"}
    hostile.write_lines(folder, hostile.full_run(), found, defect, hostile.end_line())
    for place in ("scripts/mini_y.py", "reproduce/a.py", "mini.py", "mini/a.py"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text(script)
    (folder / "witnesses").mkdir()
    save_case(
        folder / "witnesses" / "a.safetensors", read_case("train float32 axis=1 eps=1 momentum=1 shape=(1,1) x=[0]")
    )
    started: list[str] = []
    watched = [True]

    def watch(event: str, arguments: Any) -> None:
        if watched and event in ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn"):
            started.append(event)

    sys.addaudithook(watch)
    assert main(["report", str(folder), "--out", "out"]) == 0
    watched.clear()
    assert started == []
    assert not Path("obeyed").exists()
    assert {path.name for path in Path().iterdir()} == {"theirs", "out", "good", "good.jsonl"}
