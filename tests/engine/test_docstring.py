"""Sentences are those of the docstrings, also where Python has none."""

from __future__ import annotations

import pytest

from bnconform.engine.docstring import docstring, sentence


def one(x: int) -> int:
    """The first line.

    The second.
    """
    return x


def unsaid(x: int) -> int:
    return x


def test_the_sentence_is_the_first_line() -> None:
    assert (sentence(one), docstring(one)) == ("The first line.", "The first line.\n\nThe second.")


def test_without_a_docstring_there_is_no_sentence() -> None:
    assert sentence(unsaid) == ""
    assert sentence(lambda: 1) == ""


def test_without_docstrings_it_is_read_from_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one, "__doc__", None)
    assert (sentence(one), docstring(one)) == ("The first line.", "The first line.\n\nThe second.")
