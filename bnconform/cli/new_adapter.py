"""The command `bnconform new-adapter`: an adapter that runs, to be filled with calls of one's own library.

Rules: the written adapter is judged as it stands and keeps its statements; a file that is there is never overwritten.
"""

from __future__ import annotations

import argparse
import keyword
import shlex
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bnconform.contract.errors import CallError

_TEMPLATES = Environment(  # autoescape is for HTML: nothing but an identifier is filled in
    loader=PackageLoader("bnconform", "cli"), autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True
)


def add_new_adapter(commands: Any) -> None:
    """Adds the command to the parsers of the command line."""
    parser: argparse.ArgumentParser = commands.add_parser("new-adapter", help="write an adapter to begin with")
    parser.set_defaults(run=_run)
    parser.add_argument("name", metavar="NAME", help="of your library: the first part of its implementations' names")
    parser.add_argument("--out", type=Path, metavar="FILE", help="(NAME.py)")


def _run(options: argparse.Namespace) -> int:
    path = options.out or Path(f"{options.name}.py")
    write_adapter(options.name, path)
    print(f"{path} is an adapter; judge it by: bnconform run --adapter {shlex.quote(str(path))}")
    return 0


def write_adapter(name: str, path: Path) -> None:
    """Writes the adapter of a library called `name`; raises CallError where it cannot be written or loaded there."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise CallError(f"new-adapter {name!r}: expected the name of a module, such as my_library")
    if path.suffix != ".py":
        raise CallError(f"--out {path}: expected a file whose name ends in .py")
    text = _TEMPLATES.get_template("new_adapter.py.jinja").render(name=name)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CallError(f"{path} is there already; expected --out and a file that is not") from None
    except OSError as error:
        raise CallError(f"{path} cannot be written: {error.strerror}; expected a file in a folder of yours") from None
