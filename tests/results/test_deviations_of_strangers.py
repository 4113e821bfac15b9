"""Results and registries of strangers: proposals stay in their folder and are data, whatever the texts hold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import tomllib
from hypothesis import given
from hypothesis import strategies as st
from worlds import records

from bnconform.cli import deviations as command
from bnconform.cli.main import main
from bnconform.contract.errors import ContractError
from bnconform.contract.wire import save_case
from bnconform.results.case_line import case_line, read_case
from bnconform.results.deviations import load_registry
from bnconform.results.deviations.quoting import listed, quoted, tabled
from bnconform.results.deviations.signature import signature_in

LINE = "train float32 axis=1 eps=0.25 momentum=0.5 shape=(2,1) x=[0 0.5]"
WITNESS = "witnesses/a.safetensors"
INJECTED = """1.0"
[[cause]]
implementations = ["torch.*"]
versions = ">=0"
fault = "by-design"
reason = "reviewed"
link = "https://example.org"
findings = []
#"""


def results(folder: Path, *findings: Any) -> Path:
    """Writes results of these failures, with a witness for all."""
    records.write(folder, *(records.finding(**{"verdict": "fails", "witness": WITNESS, **one}) for one in findings))
    (folder / "witnesses").mkdir(parents=True)
    save_case(folder / WITNESS, read_case(LINE))
    return folder


def updated(tmp_path: Path, *findings: Any) -> int:
    """Proposes entries of results into the folder `known`."""
    place = results(tmp_path / "theirs", *findings)
    return main(["deviations", "--deviations", str(tmp_path / "known"), "--update", str(place)])


def files(folder: Path) -> set[str]:
    return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}


@pytest.mark.parametrize("name", ["/somewhere/pyproject.bn", "../pyproject.bn", "..", ".x", "a/b.c", "\\a.b", "γ.b",
                                  "x" * 200, "con:1.b", "a\0b.c"])  # fmt: skip
def test_proposals_are_written_nowhere_but_in_their_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "pyproject.toml").write_text("mine")
    (tmp_path / "known").mkdir()
    name = name.replace("/somewhere", str(tmp_path))
    assert updated(tmp_path, {"implementation": name[:200]}) == 0
    (written,) = (one for one in files(tmp_path) - {"pyproject.toml"} if not one.startswith("theirs/"))
    assert written.startswith("known/")
    assert (tmp_path / "pyproject.toml").read_text() == "mine"
    (known,) = load_registry(tmp_path / "known", drafts=True).deviations
    assert known.witness.x.tolist() == [[0.0], [0.5]]


def test_a_name_that_is_a_glob_is_proposed_as_a_name(tmp_path: Path) -> None:
    assert updated(tmp_path, {"implementation": "torch.*"}, {"implementation": "g.bn[fast]"}) == 0
    registry = load_registry(tmp_path / "known", drafts=True)
    spec = records.NORMALIZES["id"]

    def covers(name: str) -> bool:
        return registry.of(spec, name, "1.0", "float32", "cpu") is not None

    assert covers("torch.*")
    assert covers("g.bn[fast]")
    assert not covers("torch.nn.BatchNorm")
    assert not covers("g.bnf")


@pytest.mark.parametrize("field", ["implementation", "quantity", "raises", "spec"])
def test_no_text_of_results_becomes_a_table(tmp_path: Path, field: str) -> None:
    assert updated(tmp_path, {field: INJECTED[:200]}) == 0
    (path,) = (tmp_path / "known").glob("*.toml")
    (cause,) = tomllib.loads(path.read_text(encoding="utf-8"))["cause"]
    assert (cause["reason"], cause["link"], cause["fault"]) == ("", "", "implementation")
    assert INJECTED[:20] in str(cause).replace("\\n", "\n").replace("[[]", "[").replace("\\'", "'")
    with pytest.raises(ContractError, match="reason is ''"):
        load_registry(tmp_path / "known")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"version": INJECTED[:200]}, "which is none by PEP 440"),
        ({"version": ""}, "its version is '', which is none by PEP 440; let its adapter state one"),
        ({"version": "1." + "9" * 190}, None),
        ({"version": "1.0+cpu"}, None),
        ({"dtype": 'a = 1 }\n[[cause]]\nb = "'}, "is no dtype on a device that bnconform knows"),
        ({"device": 'cpu"]\n[[cause]]\nb = "'}, "is no dtype on a device that bnconform knows"),
        ({"quantity": None}, "it says neither what was wrong nor what was raised"),
        ({"implementation": ""}, "it names no implementation or no spec"),
    ],
)
def test_what_no_entry_can_be_of_is_left_out_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: Any, why: str | None
) -> None:
    assert updated(tmp_path, changed) == 0
    told = capsys.readouterr().out
    assert ("left out: " in told, bool(files(tmp_path / "known"))) == (why is not None, why is None)
    assert (why or "") in told
    assert len(load_registry(tmp_path / "known", drafts=True).deviations) == (why is None)


def test_witnesses_lie_beside_the_results_or_nothing_is_proposed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = results(tmp_path / "theirs", {})
    save_case(tmp_path / "other.safetensors", read_case(LINE))
    os.mkfifo(tmp_path / "theirs" / "pipe")
    call = ["deviations", "--deviations", str(tmp_path / "known"), "--update", str(place)]
    for aim in (tmp_path / "other.safetensors", Path("/etc/hostname"), Path("../pipe"), Path("nowhere")):
        (place / WITNESS).unlink()
        (place / WITNESS).symlink_to(aim)
        assert main(call) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "a.safetensors" in told
        assert not files(tmp_path / "known")
    (place / WITNESS).unlink()
    (place / WITNESS).write_text("root:x:0:0")
    assert main(call) == 2
    assert "expected a witness file" in capsys.readouterr().err


def test_an_installed_registry_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = results(tmp_path / "theirs", {})
    own = tmp_path / "site-packages" / "bnconform" / "results" / "deviations"
    own.mkdir(parents=True)
    monkeypatch.setattr(command, "FOLDER", own)
    assert main(["deviations", "--update", str(place)]) == 2
    assert "name a folder of yours, `--deviations FOLDER`" in capsys.readouterr().err
    assert files(own) == set()
    (tmp_path / "site-packages" / "pyproject.toml").write_text("a clone")
    assert main(["deviations", "--update", str(place)]) == 0
    assert files(own) == {"mini.toml"}


def test_an_exception_behind_a_good_example_has_no_quantity() -> None:
    raised = records.finding(verdict="fails", quantity="y", raises="ValueError")
    assert signature_in(raised).quantity is None
    assert signature_in(records.finding(verdict="crashes", quantity="y")).quantity is None
    assert signature_in(records.finding(verdict="fails", quantity="y")).quantity == "y"


# TOML

ANY = st.text(st.characters(exclude_categories=()))


@given(ANY, st.lists(ANY, max_size=3), st.dictionaries(ANY, ANY, max_size=3))
def test_any_text_is_read_back_from_toml(text: str, texts: list[str], table: dict[str, str]) -> None:
    def kept(one: str) -> str:
        return one.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    lines = [f"a = {quoted(text)}", f"b = {listed(texts)}", f"c = {tabled({k: quoted(v) for k, v in table.items()})}"]
    written = "\n".join(lines).encode().decode()
    if len({kept(key) for key in table}) == len(table):
        assert tomllib.loads(written) == {
            "a": kept(text),
            "b": [kept(one) for one in texts],
            "c": {kept(key): kept(value) for key, value in table.items()},
        }


# Registries


def cause(**changed: Any) -> str:
    """Returns a cause of a registry as text."""
    told = {"implementations": '["lib.norm"]', "versions": '">=2"', "fault": '"implementation"', "reason": '"so"'}
    told |= {"link": '"https://example.org"', "witnesses": f'{{ k = "{LINE}" }}'}
    told["findings"] = '[{ spec = "s", dtypes = ["float32"], quantity = "y", witness = "k" }]'
    return "[[cause]]\n" + "\n".join(f"{key} = {value}" for key, value in (told | changed).items())


MANY = ", ".join(f'"lib.{number}"' for number in range(99))
ROW = '{ spec = "s", dtypes = [' + ", ".join(['"float32"'] * 99) + '], quantity = "y", witness = "k" }'
HOSTILE = {
    "deep": "a = " + "[" * 100_000,
    "dotted": ".".join("a" * 50_000) + " = 1",
    "dotted with blanks": "[" + " . ".join("a" * 50_000) + "]",
    "6,000 digits": f"a = {'9' * 6000}",
    "bytes": "\udcff\udcfe",
    "a list for a defect": cause(defect='["a"]'),
    "a defect of a strange name": cause() + '\n[defects."a\\nb\\u001b[2J"]\ntitle = 1',
    "a strange key": cause() + '\n"a\\nb\\u202e" = 1',
    "a long key": cause() + f"\n{'k' * 100_000} = 1",
    "a long version": cause(versions=f'">={"9" * 6000}"'),
    "a text for versions": cause(versions='"' + "x" * 100_000 + '"'),
    "a table for the link": cause(link="{ a = 1 }"),
    "a long list": cause(implementations=f"[{MANY}, {MANY}]"),
    "a long name": cause(implementations=f'["{"x" * 100_000}"]'),
    "millions of entries": cause(implementations=f"[{MANY}]", findings=f"[{', '.join([ROW] * 200)}]"),
    "a script outside": cause(script='"../../etc/passwd"'),
    "a link outside": cause(link='"/etc/passwd"'),
    "a link of NUL": cause(link='"a\\u0000b"'),
    "a long line": cause(witnesses='{ k = "' + "a=[ " * 100_000 + '" }'),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_registry_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "lib.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert main(["deviations", "--deviations", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("bnconform: ")
    assert told[:-1].isprintable()
    assert len(told) < 1100


def test_nothing_of_a_registry_lies_outside_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "known").mkdir()
    (tmp_path / "evil.py").write_text("raise SystemExit(1)")
    (tmp_path / "known" / "evil.py").symlink_to(tmp_path / "evil.py")
    for told in ({"script": '"evil.py"'}, {"link": '"../evil.py"'}, {"witnesses": "{}"}):
        (tmp_path / "known" / "lib.toml").write_text(cause(**told))
        (tmp_path / "known" / "lib.safetensors").unlink(missing_ok=True)
        (tmp_path / "known" / "lib.safetensors").symlink_to(tmp_path / "packed.safetensors")
        assert main(["deviations", "--deviations", str(tmp_path / "known")]) == 2
        assert "expected one in it, and no link out of it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "shape=(4294967296,4294967296) x=[]",
        "shape=(-1,-2) x=[0 0.5]",
        "shape=(0,1000000000000) x=[]",
        f"shape=({'1,' * 40}2) x=[0 0.5]",
        "shape=(2,1) x=[0 0.5] gamma(-1,-1)=[1]",
        f"shape=({'9' * 5000},1) x=[0]",
    ],
)
def test_a_line_of_a_shape_that_no_array_has_is_refused(line: str) -> None:
    with pytest.raises(ContractError):
        read_case(f"train float32 axis=1 eps=0.25 momentum=0.5 {line}")


@pytest.mark.parametrize("setting", ["axis=1.5", "axis=1e0", "axis=nan", f"eps={'9' * 400}", f"momentum=-{'9' * 4400}"])
def test_a_line_of_a_setting_that_no_case_has_is_refused(setting: str) -> None:
    name = setting.partition("=")[0]
    line = LINE.replace(next(one for one in LINE.split() if one.startswith(name)), setting)
    with pytest.raises(ContractError, match="expected a number behind the ="):
        read_case(line)


def test_a_number_too_large_for_its_type_is_infinite() -> None:
    assert case_line(read_case(LINE.replace("float32", "float16").replace("0.5]", "1e10]"))).endswith("x=[0 inf]")
