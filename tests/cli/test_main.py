"""The command line judges, lists, merges and replays, and its exit status tells what was found."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from worlds import tiny

from bnconform.engine.book import all_specs

SPECS = ("normalizes_by_the_batch", "averages_the_running_mean")
CHOSEN = [word for name in SPECS for word in ("--spec", name)]
MEAN = "averages_the_running_mean"
MINE = ("--adapter", "tiny.py")
FIELDS = {
    "kind", "spec", "implementation", "version", "dtype", "device", "verdict", "worst_ratio", "quantity", "examples",
    "claimed", "diagnosis", "witness", "reproduce",
}  # fmt: skip


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder with the results of a run over a right and a wrong implementation, and what that run said."""
    folder = tmp_path_factory.mktemp("judged")
    tiny.adapter(folder, "right", "swapped", "refuses")
    return folder, tiny.bnconform("run", "--adapter", "tiny.py", *CHOSEN, "--examples", 5, "--out", "out", cwd=folder)


Judged = tuple[Path, subprocess.CompletedProcess[str]]


def test_a_statement_that_is_not_kept_is_exit_status_1(judged: Judged) -> None:
    _, said = judged
    assert said.returncode == 1, said.stdout + said.stderr
    assert "tiny.right float32: 2 conforms; nearest to its bound 0." in said.stdout
    assert "not kept: averages_the_running_mean" in said.stdout
    assert "✗ Behaves like momentum complemented: silent on ordinary data" in said.stdout
    assert "(ran, exit status 1)" in said.stdout
    assert len(said.stdout.splitlines()) <= 20
    assert "3 conforms, 1 fails, 2 unsupported" in said.stdout
    assert said.stderr == ""


def test_results_hold_a_line_for_the_run_each_finding_each_defect_and_the_end(judged: Judged) -> None:
    run, *findings, defect, end = tiny.lines(judged[0] / "out")
    assert (defect["kind"], defect["id"]) == ("defect", "tiny.swapped/momentum_complemented")
    assert (defect["findings"], defect["status"], defect["known"]) == (1, 1, False)
    assert (run["kind"], run["schema"], run["seed"], run["examples"]) == ("run", 1, 0, 5)
    assert run["versions"].keys() >= {"bnconform", "numpy", "hypothesis", "pytest"}
    assert [one["id"] for one in run["specs"]] == list(SPECS)
    assert [one["name"] for one in run["implementations"]] == ["tiny.right", "tiny.swapped", "tiny.refuses"]
    assert run["command"][:4] == ["bnconform", "run", "--adapter", "tiny.py"]
    assert {one["kind"] for one in findings} == {"finding"}
    assert all(one.keys() >= FIELDS for one in findings)
    assert {one["device"] for one in findings} == {"cpu"}
    assert {one["version"] for one in findings} == {"1.2"}
    assert (end["kind"], end["findings"], end["exit_status"]) == ("end", 6, 1)
    assert end["verdicts"] == {"conforms": 3, "fails": 1, "unsupported": 2}


def test_verdicts_are_those_of_the_implementations(judged: Judged) -> None:
    assert tiny.verdicts(judged[0] / "out") == {
        (f"tiny.{name}", "float32", spec): verdict
        for name, both in {
            "right": ("conforms", "conforms"),
            "swapped": ("conforms", "fails"),
            "refuses": ("unsupported", "unsupported"),
        }.items()
        for spec, verdict in zip(SPECS, both, strict=True)
    }


def test_a_report_a_witness_and_a_script_are_written_and_no_more(judged: Judged) -> None:
    out = judged[0] / "out"
    (failed,) = (one for one in tiny.lines(out) if one.get("verdict") == "fails")
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    pages = {"index.html", "specs.html", "choices.html", "framework-tiny.html"}
    script = "scripts/tiny.swapped--momentum_complemented.py"
    assert names == {"results.jsonl", ".bnconform", failed["witness"], failed["reproduce"], script, *pages}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "tiny.swapped" in page
    assert "Behaves like momentum complemented" in page
    assert sorted(path.name for path in judged[0].iterdir() if path.name != "__pycache__") == ["out", "tiny.py"]


def test_the_script_reproduces_the_failure(judged: Judged, tmp_path: Path) -> None:
    (script,) = (judged[0] / "out" / "reproduce").glob("*.py")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=tiny.environment(), capture_output=True,
                          text=True, timeout=100, check=False)  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_replay_judges_the_implementation_of_the_witness(judged: Judged, tmp_path: Path) -> None:
    (witness,) = (judged[0] / "out" / "witnesses").glob("*.safetensors")
    done = tiny.bnconform("replay", witness, "--adapter", judged[0] / "tiny.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"tiny.swapped 1.2 float32: fails: {MEAN}: running_mean[0] is ")


def test_replay_judges_another_implementation_by_the_same_witness(judged: Judged) -> None:
    (witness,) = (judged[0] / "out" / "witnesses").glob("*.safetensors")
    done = tiny.bnconform("replay", witness, *MINE, "--implementation", "tiny.right", cwd=judged[0])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"tiny.right 1.2 float32: conforms: {MEAN}: within the bound everywhere")


def test_replay_prints_the_script_that_the_run_wrote(judged: Judged) -> None:
    (witness,) = (judged[0] / "out" / "witnesses").glob("*.safetensors")
    (script,) = (judged[0] / "out" / "reproduce").glob("*.py")
    done = tiny.bnconform("replay", witness, *MINE, "--script", cwd=judged[0])
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == script.read_text(encoding="utf-8")
    kept = tiny.bnconform("replay", witness, *MINE, "--script", "--implementation", "tiny.right", cwd=judged[0])
    assert (kept.returncode, kept.stdout.partition(":")[0]) == (0, "tiny.right 1.2 float32")


def test_two_runs_are_merged_into_one_report(judged: Judged, tmp_path: Path) -> None:
    tiny.adapter(tmp_path, "right", dtypes=("float64",), file="other.py")
    words = ("--adapter", "other.py", "--spec", MEAN, "--examples", 3, "--out", "second")
    assert tiny.bnconform("run", *words, cwd=tmp_path).returncode == 0
    done = tiny.bnconform("report", judged[0] / "out", "second/results.jsonl", "--out", "both", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "7 findings: both/index.html\n"
    page = (tmp_path / "both" / "index.html").read_text(encoding="utf-8")
    assert "float64" in page
    assert "tiny.swapped" in page


def test_nothing_but_conforms_and_unsupported_is_exit_status_0_from_any_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "conftest.py").write_text("raise SystemExit('not ours')\n")
    (elsewhere / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    path = tiny.adapter(tmp_path, "right", "refuses")
    done = tiny.bnconform("run", "--adapter", path, *CHOSEN, "--examples", 3, cwd=elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 conforms, 2 unsupported" in done.stdout
    assert tiny.lines(elsewhere / "reports" / "latest")[-1]["exit_status"] == 0


def test_specs_are_listed_by_chapter_with_sentence_and_source(tmp_path: Path) -> None:
    said = tiny.bnconform("list", "specs", cwd=tmp_path).stdout
    specs = all_specs()
    assert max(map(len, said.splitlines())) <= 120
    blocks: list[list[str]] = []
    for line in said.splitlines():
        if line.startswith(" "):
            blocks[-1].append(line)
        elif "." in line:
            blocks.append([line])
        else:
            assert line in {"", *(one.chapter.replace("_", " ").upper() for one in specs)}
    assert [block[0] for block in blocks] == [f"{one.chapter}.{one.id}" for one in specs]
    for one, (_, *told) in zip(specs, blocks, strict=True):
        assert " ".join(" ".join(told).split()) == " ".join(f"{one.sentence} [{one.source}]".split())


@pytest.mark.slow
def test_installed_implementations_are_listed(tmp_path: Path) -> None:
    done = tiny.bnconform("list", "implementations", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    listed = [line for line in done.stdout.splitlines() if line.startswith("numpy.")]
    assert listed
    assert all("float32" in line and "cpu" in line for line in listed)


def _interruptible() -> None:
    """Lets a process be interrupted even where what runs the tests was started in the background, deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupted(run: subprocess.Popen[str]) -> str:
    """Interrupts a run, again where it goes on: Python drops an interrupt that arrives inside the garbage collector's
    callbacks, of which Hypothesis has one. Returns what it printed.
    """
    run.send_signal(signal.SIGINT)
    try:
        return run.communicate(timeout=4)[0]  # less than the limit of the call that it waits for
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGINT)
        return run.communicate(timeout=100)[0]


def test_an_interrupted_run_has_no_end_line_and_no_finished_report(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    waits = f"def waits(case):\n    open({str(asked)!r}, 'w').close()\n    time.sleep(1e6)\n"
    tiny.adapter(tmp_path, "right", "waits", own=waits)
    words = ["run", "--adapter", "tiny.py", *CHOSEN, "--examples", "3", "--out", "out"]
    command = [sys.executable, "-m", "bnconform", *words]
    run = subprocess.Popen(
        command, cwd=tmp_path, env=tiny.environment(), stdout=subprocess.PIPE, text=True, preexec_fn=_interruptible
    )
    deadline = time.monotonic() + 100
    while not asked.exists():
        assert time.monotonic() < deadline, "the implementation that never answers was not asked"
        assert run.poll() is None
        time.sleep(0.05)
    output = _interrupted(run)
    assert run.returncode == 2, output
    assert [line["kind"] for line in tiny.lines(tmp_path / "out")] == ["run", "finding", "finding"]
    page = tmp_path / "out" / "index.html"
    assert not page.exists() or "interrupted" in page.read_text(encoding="utf-8")
    assert "interrupted" in tiny.bnconform("report", "out", "--out", "again", cwd=tmp_path).stdout
