"""A new framework is one file: dropped into a folder, all that reads of implementations knows it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from worlds import tiny
from worlds.scripts import run_script

FRAMEWORK = (
    tiny.HEAD
    + """
from bnconform import Argument, Dialect, Settings, Snippet

PAGE = "https://mini.example/batch_norm"
DIALECT = Dialect(running_var="biased", links={"running_var": PAGE + "#variance"})
SETTINGS = Settings(
    call="mini.batch_norm",
    eps=Argument("epsilon", "0.002", PAGE),
    momentum=Argument("keep", "0.75", PAGE),
    weighs="old",
)
SNIPPET = Snippet(needs="mini", code='''
def run():
    x, old = VALUES["x"].astype(DTYPES["x"]), VALUES["running_mean"]
    mean = np.moveaxis(x, AXIS, -1).reshape(-1, x.shape[AXIS]).mean(axis=0)
    return {"running_mean": MOMENTUM * old + (1 - MOMENTUM) * mean}
''')


def swapped(case):
    return train(checked(case), 1 - case.momentum)


def right(case):
    return train(checked(case), case.momentum)


STATED = {"version": "4.2", "versions": {"mini-lib": "4.2", "mini-core": "1.0"}, "dtypes": {"float32"}}
IMPLEMENTATIONS = [
    Implementation(
        name="mini.batch_norm", run=swapped, dialect=DIALECT, settings=SETTINGS, snippet=SNIPPET, **STATED
    ),
    Implementation(
        name="mini.batch_norm:right",
        run=right,
        settings=Settings(call="mini.right", eps=Argument("eps", "1e-05", PAGE)),
        opt_in=True,
        **STATED,
    ),
]
"""
)
BOTH = ["mini.batch_norm", "mini.batch_norm:right"]
MEAN = "averages_the_running_mean"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the one file, and the results of a run of one spec."""
    folder = tmp_path_factory.mktemp("framework")
    (folder / "mini.py").write_text(FRAMEWORK, encoding="utf-8")
    done = tiny.bnconform("run", "--adapter", "mini.py", "--spec", MEAN, "--examples", 5, "--out", "out", cwd=folder)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout + done.stderr
    return folder


def test_a_run_judges_it_and_its_variant(folder: Path) -> None:
    found = {name: verdict for (name, *_), verdict in tiny.verdicts(folder / "out").items()}
    assert found == dict(zip(BOTH, ("fails", "conforms"), strict=True))


def test_the_first_line_of_results_names_its_distributions(folder: Path) -> None:
    run = tiny.lines(folder / "out")[0]
    assert run["versions"].keys() >= {"bnconform", "numpy"}
    assert run["versions"] | {"mini-lib": "4.2", "mini-core": "1.0"} == run["versions"]
    assert [one["versions"] for one in run["implementations"]] == [{"mini-lib": "4.2", "mini-core": "1.0"}] * 2


def test_the_script_of_a_finding_needs_neither_the_file_nor_bnconform(folder: Path, tmp_path: Path) -> None:
    (script,) = (folder / "out" / "reproduce").iterdir()
    text = script.read_text(encoding="utf-8")
    assert "Needs mini and NumPy." in text
    assert "import bnconform" not in text
    assert "from bnconform" not in text
    done = run_script(script, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "running_mean returned" in done.stdout


def test_the_table_of_choices_has_what_it_documents(folder: Path) -> None:
    listed = tiny.bnconform("list", "implementations", "--adapter", "mini.py", "--links", cwd=folder)
    assert (listed.returncode, listed.stderr) == (0, "")
    first, variant, *table = listed.stdout.splitlines()
    assert first == "mini.batch_norm  4.2  float32  cpu"
    assert variant == "mini.batch_norm:right  4.2  float32  cpu  opt-in"
    page = (folder / "out" / "choices.html").read_text(encoding="utf-8")
    for text in ("\n".join(table), page):
        for said in ("epsilon=0.002", "keep=0.75", "biased", "https://mini.example/batch_norm#variance"):
            assert said in text, said


def test_a_layer_of_it_is_converted(folder: Path) -> None:
    done = tiny.bnconform("convert", *BOTH, "--adapter", "mini.py", cwd=folder)
    assert done.stderr == ""
    assert done.stdout.startswith("mini.batch_norm(epsilon=0.002, keep=0.75")
    assert "mini.right(eps=0.002" in done.stdout


def test_nothing_beside_the_file_was_needed(folder: Path) -> None:
    assert sorted(name for name in os.listdir(folder) if name != "__pycache__") == ["mini.py", "out"]
