"""Draws cases as a search does, for tests that look at the drawn cases."""

from __future__ import annotations

from bnconform import Case
from bnconform.engine.drawing import drawn as draw

__all__ = ["DTYPES", "draw", "printed"]

DTYPES = ("float16", "bfloat16", "float32", "float64")


def printed(case: Case) -> str:
    """Returns all that a case is, so that equal cases print equal."""
    parts = []
    for name, value in sorted(vars(case).items()):
        parts.append(f"{name}={value.dtype}{value.shape}{value.tobytes().hex()}" if hasattr(value, "dtype") else
                     f"{name}={value!r}")  # fmt: skip
    return "\n".join(parts)
