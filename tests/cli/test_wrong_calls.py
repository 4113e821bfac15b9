"""A wrong call or adapter is one message that names the culprit, what was got and what was expected; exit status 2."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds import tiny

SPEC = ("--spec", "normalizes_by_the_batch")
ADAPTER = ("--adapter", "tiny.py")


def run(folder: Path, *words: str) -> tuple[int, str]:
    """Returns the exit status and all that was said."""
    done = tiny.bnconform("run", *ADAPTER, "--examples", 3, "--in-process", "--out", "out", *words, cwd=folder)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said
    return done.returncode, said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--implementation", "tiny.wright"), "'tiny.wright' fits nothing; did you mean 'tiny.right'?"),
        (("--spec", "normalises_by_the_batch"), "fits nothing; did you mean 'normalizes_by_the_batch'?"),
        (("--dtype", "float31"), "--dtype float31: unknown dtype; expected one of float16, bfloat16, float32, float64"),
        (("--adapter", "nowhere.py"), "--adapter nowhere.py: there is no such file; expected a module or the path"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_said_in_one_message(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    tiny.adapter(tmp_path, "right")
    status, said = run(tmp_path, *words)
    assert status == 2
    assert message in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = x / 0\n", "tiny.py (line 2) could not be imported: ZeroDivisionError: division by zero"),
        ("x = 1\n", "tiny.py has no IMPLEMENTATIONS; expected a list of bnconform.Implementation under that name"),
        ("IMPLEMENTATIONS = 3\n", "tiny.py: IMPLEMENTATIONS is 3 of type int; expected a list of bnconform.Impl"),
    ],
)  # fmt: skip
def test_an_adapter_that_does_not_load_is_said_in_one_message(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "tiny.py").write_text(text)
    status, said = run(tmp_path, *SPEC)
    assert status == 2
    assert message in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Outcome(y=case.x[:1])", "tiny.own returned y of shape (1, "),
        ("Outcome(y=case.x.astype('float64'))", "tiny.own returned y of dtype float64; expected float32, the dtype of"),
        ("Outcome(y=case.x.tolist())", "tiny.own returned y as [["),
    ],
)  # fmt: skip
def test_an_outcome_that_breaks_the_contract_is_the_adapters_fault(tmp_path: Path, body: str, message: str) -> None:
    tiny.adapter(tmp_path, "own", own=f"def own(case): return {body}\n")
    status, said = run(tmp_path, *SPEC)
    assert status == 2
    assert said.count("the adapter is broken") == 1
    assert f"the adapter is broken: {message}" in said
    (finding,) = (line for line in tiny.lines(tmp_path / "out") if line["kind"] == "finding")
    assert (finding["verdict"], finding["fault"], finding["witness"]) == ("unsupported", "adapter", None)
    assert message in finding["reason"]


def test_a_wrong_call_leaves_an_earlier_report_as_it_was(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "swapped")
    assert run(tmp_path, "--spec", "averages_the_running_mean")[0] == 1
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {path.name for path in before} >= {"results.jsonl", "index.html", "specs.html", "choices.html"}
    for words in (("--implementation", "nothing.*"), ("-n", "many")):
        assert run(tmp_path, *words)[0] == 2
        after = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
        assert after == before, words


def test_a_folder_with_a_strangers_files_is_left_alone(tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "right")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.html").write_text("my own page")
    status, said = run(tmp_path, *SPEC)
    assert status == 2
    assert "index.html is not of an earlier bnconform run; choose another --out or remove it" in said
    assert (tmp_path / "out" / "index.html").read_text() == "my own page"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("replay", "nowhere.safetensors"), "nowhere.safetensors"),
        (("replay", "tiny.py"), "tiny.py"),
        (("report", "nowhere"), "nowhere holds no results.jsonl; expected the results of a bnconform run"),
    ],
)
def test_other_commands_say_what_is_wrong_too(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    tiny.adapter(tmp_path, "right")
    done = tiny.bnconform(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
