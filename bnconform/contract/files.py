"""Writes files whole or not at all, and finds those that another file names.

Rules: a reader sees the old file or all of the new; where a write fails, the old files stand and no draft is left. The
word of a file leads to what lies in that file's folder and nowhere else, links included.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from bnconform.contract.errors import ContractError

_DRAFT = re.compile(r"\.(?P<name>.+)\.(?P<process>\d+)\.part", re.DOTALL)


def write_whole(contents: Mapping[Path, str | bytes]) -> None:
    """Writes all files of `contents`, a text as UTF-8; none takes its place before all are written."""
    drafts = {path: draft_of(path) for path in contents}
    try:
        for path, content in contents.items():
            _write(drafts[path], content.encode("utf-8") if isinstance(content, str) else content)
        for path, draft in drafts.items():
            os.replace(draft, path)
    finally:
        for draft in drafts.values():
            with contextlib.suppress(OSError):  # what failed before is what is told
                draft.unlink(missing_ok=True)


def draft_of(path: Path) -> Path:
    """Returns the file that this process writes before it takes the place of `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def drafted(path: Path) -> tuple[str, int] | None:
    """Returns the name that a draft was to have and the process that wrote it; None for a file that is no draft."""
    found = _DRAFT.fullmatch(path.name)
    return None if found is None else (found["name"], int(found["process"]))


def write_all(descriptor: int, content: bytes) -> None:
    """Writes all of `content` to an open file; an OSError may leave a part of it written."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        write_all(descriptor, content)
    finally:
        os.close(descriptor)


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
