"""Texts from outside: cut with a mark, and without what nobody sees."""

from __future__ import annotations

import pytest

from bnconform.contract.text import clipped, on_one_line, visible
from bnconform.results.records import plain


def test_a_long_text_is_cut_to_the_length_and_says_how_much_is_left_out() -> None:
    text = "a" * 100 + "z" * 20_000
    beginning, end = clipped(text, 1000), clipped(text, 1000, kept="end")
    assert len(beginning) <= 1000
    assert beginning.startswith("a" * 100 + "z")
    kept = len(beginning.partition("…")[0])
    assert beginning.endswith(f"… ({len(text) - kept:,} characters more)")
    assert len(end) <= 1000
    assert end.startswith("(")
    assert end.endswith("z" * 500)
    assert f"({len(text) - len(end.partition('…')[2]):,} characters more)" in end


def test_a_text_within_the_length_stays_as_it_is() -> None:
    assert clipped("a" * 200, 200) == "a" * 200


@pytest.mark.parametrize(
    "unseen", ["\0", "\x1b", "\x7f", "\x85", "\r", "\u202e", "\u2066", "\u200f", "\ud800", "\u2028"]
)
def test_what_nobody_sees_is_replaced(unseen: str) -> None:
    assert visible(f"a{unseen}b") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize("text", ["γ × β", "a\tb\r\nc", "中文", "é\u0301", "🙂\u200d🙂", "a\u00a0b"])
def test_what_is_seen_stays(text: str) -> None:
    assert visible(text) == text


def test_a_text_on_one_line_has_no_line_end_and_loses_no_word() -> None:
    assert on_one_line("  a\r\n\tb\n\n  c  d\x1b[2J") == "a b c  d\N{REPLACEMENT CHARACTER}[2J"


def test_halves_of_surrogate_pairs_do_not_reach_a_file() -> None:
    told = plain({"a\udc80": ["b\ud83d", "\ud83d\ude42", "γ"]})
    assert told == {"a\N{REPLACEMENT CHARACTER}": ["b\N{REPLACEMENT CHARACTER}", "🙂", "γ"]}
