"""What to type to move a layer from one implementation to another, as it is written in each.

Rules: a pure function of the merged runs; a command is one that can be typed as it stands.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bnconform.report.columns as who
from bnconform.results.file import Merged
from bnconform.results.records import ImplementationRecord

INSTALLED = "bnconform.adapters."
"""How the addresses of the adapters begin that need no --adapter."""
MOST_PAIRED = 16
"""Implementations for which a command stands for each pair."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """What to type to move a layer from an implementation: how it is written there, and a command for each other."""

    name: str
    written: str
    commands: tuple[str, ...]


def ports(merged: Merged) -> tuple[Port, ...]:
    """Returns what to type to move a layer, for each implementation of which it is known what a user writes."""
    known = {one["name"]: one for one in who.implementations(merged) if (one.get("settings") or {}).get("call")}
    paired = len(known) <= MOST_PAIRED
    return tuple(
        Port(name=name, written=_written(one["settings"] or {}),
             commands=tuple(_command(one, other) for other in known.values() if other is not one)
             if paired else (_command(one, None),))
        for name, one in known.items()
    )  # fmt: skip


def _written(settings: Mapping[str, Any]) -> str:
    """Returns the call with its defaults written out, of a layer for images where that is in its name."""
    stated = [settings[name] for name in ("eps", "momentum") if settings.get(name)]
    arguments = {one["name"]: one["default"] or "…" for one in stated} | settings.get("fixed", {})
    told = ", ".join(f"{name}={text}" for name, text in arguments.items())
    return f"{settings['call'].replace('{n}', '2')}({told})"


def _command(source: ImplementationRecord, target: ImplementationRecord | None) -> str:
    """Returns the command that converts, with the adapters of the user's that it needs; to TO, where none is named."""
    both = (source,) if target is None else (source, target)
    adapters = dict.fromkeys(one["adapter"] for one in both if not one["adapter"].startswith(INSTALLED))
    words = [
        "bnconform",
        "convert",
        source["name"],
        "TO" if target is None else target["name"],
        *(f"--adapter={one}" for one in adapters),
    ]
    return shlex.join(words)
