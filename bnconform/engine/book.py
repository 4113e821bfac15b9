"""Where the chapters of the spec book lie, their order, and how their specs are loaded."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from bnconform.engine.spec import Spec


def specs_folder() -> Path:
    """Returns the folder of the chapters: the one inside an installed package, or the one beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def load_chapter(path: Path) -> tuple[Spec, ...]:
    """Returns the specs of one file, in the order in which they stand there; a file is imported once per process."""
    name = f"bnconform_specs.{path.stem}"
    module = sys.modules.get(name)
    if module is None or getattr(module, "__file__", None) != str(path):
        found = importlib.util.spec_from_file_location(name, path)
        if found is None or found.loader is None:
            raise ImportError(f"{path} cannot be imported; expected a Python file of specs")
        module = importlib.util.module_from_spec(found)
        sys.modules[name] = module
        found.loader.exec_module(module)
    return tuple(value for value in vars(module).values() if isinstance(value, Spec))


def all_specs(folder: Path | None = None) -> tuple[Spec, ...]:
    """Returns the specs of every chapter in `folder`; None: bnconform's own."""
    return tuple(one for path in chapters(folder or specs_folder()) for one in load_chapter(path))


def chapters(folder: Path) -> list[Path]:
    """Returns the files of specs in `folder`, in the order in which the book is read: that of its `chapters.txt`.

    A chapter that is not named there, and every one of a folder without that file, comes behind, by name.
    """
    paths = [path for path in folder.glob("*.py") if not path.name.startswith(("_", "conftest"))]
    named = folder / "chapters.txt"
    order = named.read_text(encoding="utf-8").split() if named.is_file() else []
    return sorted(paths, key=lambda path: (order.index(path.stem) if path.stem in order else len(order), path.stem))
