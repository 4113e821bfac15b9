"""Who may import whom: the table of the rooms, held against the imports in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import bnconform

PACKAGE = Path(bnconform.__file__).parent
SPECS = Path(__file__).parents[1] / "specs"
"""Of the checkout: an installed package carries the spec book inside itself."""
JUDGE = {"contract", "host", "cases", "oracle", "engine"}
MAY_IMPORT = {
    "contract": set(),
    "host": {"contract"},
    "adapters": {"contract"},
    "cases": {"contract"},
    "oracle": {"contract"},
    "engine": {"contract", "host", "cases", "oracle"},
    "relations": {"contract", "cases", "oracle", "engine"},
    "analysis": JUDGE,
    "results": {"contract", "engine", "analysis"},
    "history": {"contract", "results"},
    "matrix": set(),
    "report": {"results", "history"},
    "cli": {"contract", "cases", "engine", "analysis", "results", "history", "matrix", "report"},
    "specs": {"contract", "cases", "oracle", "engine", "relations"},
}
"""Each room and the others that it may import; `specs` is the folder of the spec book, beside the package."""
LIGHT = ("contract", "host", "adapters")
"""What a host process needs, on Python 3.10; it imports none of HEAVY."""
HEAVY = {"hypothesis", "pytest", "jinja2", "latex2mathml", "packaging", "tomllib", "fastjsonschema"}
LARGE = ("adapters",)
"""Folders that may hold more than MOST modules."""
MOST = 20
SCRIPTS = PACKAGE / "results" / "deviations"
"""Its folders hold scripts that show a deviation, by framework: data, which nothing imports."""


def files(room: str) -> list[Path]:
    folder = SPECS if room == "specs" else PACKAGE / room
    return sorted(path for path in folder.rglob("*.py") if path.parent.parent != SCRIPTS)


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, also inside functions; of `from package import name` both readings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import; rooms are read off whole names"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(path: Path) -> set[str]:
    """The rooms that a file imports; the face of the package, which leads to `contract` alone, counts as that."""
    own = [name.split(".") for name in imported(path) if name.split(".")[0] == "bnconform"]
    return {parts[1] if parts[1] in MAY_IMPORT else "contract" for parts in own if len(parts) > 1}


def test_every_file_of_the_package_lies_in_a_room() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")} - {"__init__.py", "__main__.py"}
    assert rooms - {"specs"} == set(MAY_IMPORT) - {"specs"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_those_that_it_may(room: str) -> None:
    found = {path.name: rooms_of(path) - MAY_IMPORT[room] - {room} for path in files(room)}
    assert {name: rooms for name, rooms in found.items() if rooms} == {}
    assert files(room)


def test_the_table_names_no_import_that_is_not_made() -> None:
    made = {room: set().union(*(rooms_of(path) for path in files(room))) - {room} for room in MAY_IMPORT}
    assert made == MAY_IMPORT


def test_the_face_of_the_package_imports_the_contract_alone() -> None:
    assert rooms_of(PACKAGE / "__init__.py") == {"contract"}


@pytest.mark.parametrize("room", LIGHT)
def test_the_light_half_imports_nothing_heavy(room: str) -> None:
    found = {path.name: {name.split(".")[0] for name in imported(path)} & HEAVY for path in files(room)}
    assert {name: heavy for name, heavy in found.items() if heavy} == {}


def test_no_folder_is_crowded() -> None:
    folders = [folder for folder in (PACKAGE, *PACKAGE.rglob("*")) if folder.is_dir() and folder.parent != SCRIPTS]
    counts = {folder.relative_to(PACKAGE).as_posix(): len(list(folder.glob("*.py"))) for folder in folders}
    assert {name: count for name, count in counts.items() if count > MOST and name not in LARGE} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {_name(path): path for path in PACKAGE.rglob("*.py")}

    def needed(path: Path) -> set[str]:
        named = {name if name in modules else name.rpartition(".")[0] for name in imported(path)}
        return named & set(modules) - {_name(path)}

    TopologicalSorter({name: needed(path) for name, path in modules.items()}).prepare()


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
