"""Makes a tox environment of each cell of matrix.toml, which judges that cell as `bnconform matrix run` does."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from tox.config.loader.memory import MemoryLoader
from tox.config.types import Command
from tox.plugin import impl

ROOT = Path(__file__).parent
OUT = ("--out", str(ROOT / "reports" / "cells"))


def _cells() -> Any:
    # By its path: where tox is installed bnconform, and what it needs, may not be.
    path = ROOT / "bnconform" / "matrix" / "cells.py"
    spec = importlib.util.spec_from_file_location("bnconform_matrix_cells", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.read_cells(ROOT / "matrix.toml")


@impl
def tox_extend_envs() -> Any:
    """Returns the names of the cells."""
    return [cell.name for cell in _cells()]


@impl
def tox_add_core_config(core_conf: Any, state: Any) -> None:
    """States what the environment of each cell does."""
    for cell in _cells():
        state.conf.memory_seed_loaders[cell.name].append(
            MemoryLoader(
                description=f"cell of the matrix: {cell.words}",
                labels=[f"cells-{label}" for label in cell.labels],
                pass_env=["PIP_*", "UV_*"],
                commands=[Command(["bnconform", "matrix", "run", f"--only={cell.name}", *OUT, *_words(state)])],
            )
        )


def _words(state: Any) -> list[str]:
    return list(state.conf.pos_args(None) or ())
