"""A matrix is data: what it states is read, and what cannot be is refused with the cell and what was expected."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bnconform.contract.address import installed_names
from bnconform.matrix.cells import MatrixError, chosen, read_cells

ROOT = Path(__file__).parents[2]
GOOD = {"framework": '"mini"', "version": '"1.2"', "python": '"3.11"', "labels": '["quick"]'}


def matrix(folder: Path, *tables: dict[str, str], more: str = "") -> Path:
    path = folder / "matrix.toml"
    text = "".join("[[cell]]\n" + "".join(f"{key} = {value}\n" for key, value in one.items()) for one in tables)
    path.write_text(more + text, encoding="utf-8")
    return path


def test_a_cell_states_what_is_installed(tmp_path: Path) -> None:
    told = {"distribution": '"mini-cpu[all]"', "pins": '["numpy==1.26.4", "other>=2"]', "megabytes": "12"}
    (cell,) = read_cells(matrix(tmp_path, GOOD | told))
    assert cell.requirements == (
        "mini-cpu[all]==1.2", "numpy==1.26.4", "other>=2", "ml_dtypes", "safetensors",
    )  # fmt: skip
    assert (cell.name, cell.device, cell.megabytes) == ("mini_1.2_py311", "cpu", 12)
    assert cell.words == "mini-cpu[all] 1.2 on Python 3.11, numpy==1.26.4, other>=2"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version": '">=1.2"'}, r"cell 1 \(mini\): version is '>=1.2'; expected one version"),
        ({"version": "1.2"}, "version is 1.2; expected one version"),
        ({"python": '"3"'}, "python is '3'; expected a version of Python such as '3.11'"),
        ({"labels": '["slow"]'}, "labels has 'slow'; expected some of quick, default, full"),
        ({"labels": "[]"}, "labels has nothing; expected"),
        ({"device": '"tpu"'}, "device is 'tpu'; expected one of cpu, cuda"),
        ({"pins": '["https://host/x.whl"]'}, "expected a requirement such as 'flax==0.10.7', and no address or path"),
        ({"pins": '"numpy"'}, "pins is 'numpy'; expected a list of texts"),
        ({"megabytes": "true"}, "megabytes is True; expected a whole number"),
        ({"name": '"../up"'}, "name is '../up'; expected letters"),
        ({"pyhton": '"3.11"'}, "it has pyhton, which nothing reads; expected framework, version, python, labels"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_cell(tmp_path: Path, changed: dict[str, str], words: str) -> None:
    with pytest.raises(MatrixError, match=words):
        read_cells(matrix(tmp_path, GOOD | changed))


def test_what_a_cell_lacks_is_told(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match="cell 2: it lacks version"):
        read_cells(matrix(tmp_path, GOOD, {key: value for key, value in GOOD.items() if key != "version"}))


@pytest.mark.parametrize(("more", "tables", "words"), [
    ("x = 1\n", [GOOD], "it has x, which nothing reads"), ("", [], "it has no cell"), ("[[", [], "expected TOML"),
    ("", [GOOD, GOOD], "two cells are called mini_1.2_py311"),
])  # fmt: skip
def test_a_file_that_is_no_matrix_is_refused(tmp_path: Path, more: str, tables: list[Any], words: str) -> None:
    with pytest.raises(MatrixError, match=words):
        read_cells(matrix(tmp_path, *tables, more=more))


def test_cells_are_chosen_by_label_and_name(tmp_path: Path) -> None:
    cells = read_cells(matrix(tmp_path, GOOD, GOOD | {"version": '"2"', "labels": '["full"]'}))
    assert [one.version for one in chosen(cells, "full")] == ["2"]
    assert [one.version for one in chosen(cells, None, ["mini_1*"])] == ["1.2"]
    with pytest.raises(MatrixError, match="no cell has the label quick and a name like mini_2"):
        chosen(cells, "quick", ["mini_2*"])


def test_the_matrix_of_the_project_is_read_and_its_adapters_are_there() -> None:
    cells = read_cells(ROOT / "matrix.toml")
    known = installed_names()
    assert {name for one in cells for name in one.adapters} <= set(known)
    assert {one.framework for one in cells} <= {name.partition("-")[0] for name in known}
    assert chosen(cells, "quick")


def test_tox_has_an_environment_for_each_cell() -> None:
    pytest.importorskip("tox")
    command = [sys.executable, "-m", "tox", "list", "--no-desc", "-q"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {one.name for one in read_cells(ROOT / "matrix.toml")} <= set(listed)
    assert "report" in listed
