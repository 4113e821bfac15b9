"""Writes files whole or not at all, and finds those that another file names.

Rules: a reader sees the old file or all of the new; where a write fails, the old files stand and no draft is left. The
word of a file leads to what lies in that file's folder and nowhere else, links included.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bnconform.contract.errors import ContractError


def write_whole(contents: Mapping[Path, str | bytes]) -> None:
    """Writes all files of `contents`, a text as UTF-8; none takes its place before all are written."""
    drafts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in contents}
    try:
        for path, content in contents.items():
            drafts[path].write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        for path, draft in drafts.items():
            os.replace(draft, path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def inside(folder: Path, name: str) -> Path:
    """Returns the file that `name` is in `folder`; raises ContractError where that lies elsewhere, a link leads there,
    or it is no ordinary file."""
    path = folder / name
    try:
        within = path.resolve().is_relative_to(folder.resolve()) and (path.is_file() or not path.exists())
    except (OSError, RuntimeError, ValueError):  # a circle of links, a NUL
        within = False
    if not within:
        raise ContractError(f"{name!r:.200} is no file in {folder}; expected one in it, and no link out of it")
    return path
