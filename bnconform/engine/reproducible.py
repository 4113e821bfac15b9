"""Draws that follow from the seed alone, whatever code lies beside them.

Rules: Hypothesis mixes constants that it finds in the source code of the current project into what it draws, so that
one seed would give other cases in a checkout than in an installed bnconform, and others again beside another adapter.
It has no setting for that; this reaches for what holds those constants, and `tests/engine/test_reproducible.py` fails
if Hypothesis ever keeps them elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest import mock

from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

NONE = Constants()


@contextlib.contextmanager
def by_the_seed_alone() -> Iterator[None]:
    """Draws nothing from source code, nor from what earlier draws remembered of it, inside a `with`."""
    with (
        mock.patch.object(providers.HypothesisProvider, "_local_constants", NONE),
        mock.patch.object(providers, "CONSTANTS_CACHE", {}),
    ):
        yield
