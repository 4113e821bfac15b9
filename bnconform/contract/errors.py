"""Exceptions of the public contract and of wrong calls.

Rules: each message names the culprit, the value got and the value expected.
"""

from __future__ import annotations


class Unsupported(Exception):
    """Raised by an adapter for a case outside its implementation's offer, with the reason as its message."""


class ContractError(Exception):
    """A value that breaks the public contract; the message names the culprit, the value got and the value expected."""


class CallError(Exception):
    """A wrong call; the message names the value got, the value expected, and the remedy."""
