"""Versions of the distributions that are installed beside an implementation.

Rules: they are read where the adapter runs, which may be another interpreter than that of the run.
"""

from __future__ import annotations

import platform
from importlib import metadata

BESIDE = ("numpy", "ml_dtypes", "safetensors")
"""What a host needs beside a framework."""


def installed(*distributions: str) -> dict[str, str]:
    """Returns the versions of those distributions, by their names on the package index, that are installed here."""
    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def environment() -> dict[str, str]:
    """Returns the versions of the Python that runs this, and of what a host needs, by name."""
    return {"python": platform.python_version(), **installed(*BESIDE)}
