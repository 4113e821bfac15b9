"""Names of dtypes: NumPy's, and `bfloat16`."""

from __future__ import annotations

from functools import cache

import ml_dtypes
import numpy as np

NARROW = ("float16", "bfloat16")
WIDE = ("float32", "float64")
DTYPES = (*NARROW, *WIDE)


STATE_DTYPES = (*DTYPES, "bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)))
"""Types that the arrays of a state may have: an implementation may count its steps beside its averages."""


@cache
def dtype_name(dtype: np.dtype) -> str:
    """Returns the name of a dtype: NumPy's, or `bfloat16`. NumPy makes the name up anew each time, which is slow."""
    return str(dtype.name)


def dtype_named(name: str) -> np.dtype:
    """Returns the NumPy dtype of that name, `bfloat16` included."""
    return _NAMED.get(name) or np.dtype(name)


_NAMED = {"bfloat16": np.dtype(ml_dtypes.bfloat16)}
