"""Writes files whole or not at all.

Rules: a reader sees the old file or all of the new; where a write fails, the old files stand and no draft is left.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


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
