"""The arguments that an adapter gives: all but the one that the case leaves to its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bnconform.contract.case import Case

DEFAULT_EPS = frozenset({"default_eps"})
DEFAULTS = frozenset({"default_eps", "default_momentum"})
"""Features of an implementation whose ε, or ε and momentum, may be left out of the call."""


def given(case: Case, eps: Mapping[str, Any], momentum: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the arguments that stand for ε and for the momentum, without those that the case leaves out."""
    return {**({} if case.default_eps else eps), **({} if case.default_momentum else momentum or {})}
