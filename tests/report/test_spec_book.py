"""The spec book: every spec of the run with its equation, source, cases and verdicts, linked with the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from worlds import records as world
from worlds.pages import Page

from bnconform.cases.strategies import cases
from bnconform.cli.session.run_record import given_words
from bnconform.engine.book import all_specs
from bnconform.report import write_report
from bnconform.results.file import read_results
from bnconform.results.writer import ResultsWriter


def pages(out: Path, *findings: Any, end: bool = True, **changed: Any) -> tuple[Page, Page]:
    write_report([world.write(out, *findings, end=end, **changed)], out)
    report, book = ((out / name).read_text(encoding="utf-8") for name in ("index.html", "specs.html"))
    return Page(report), Page(book)


def test_every_spec_stands_in_the_book_with_what_it_says_and_what_came_of_it(tmp_path: Path) -> None:
    tried = {**world.NORMALIZES, "given": "a training step, channels of mixed regimes"}
    found = [world.finding(), world.finding(dtype="float64", verdict="fails", worst_ratio=3.0)]
    _, book = pages(tmp_path, *found, specs=[tried, world.TRACKS])
    told = book.text["spec-normalizes_by_the_batch"]
    for expected in (*(world.NORMALIZES[name] for name in ("sentence", "source")), tried["given"]):
        assert expected in told
    assert "✓ 1 conforms" in told
    assert "✗ 1 fails" in told
    assert "no finding" in book.text["spec-tracks_the_variance"]
    assert [tag for tag, _ in book.elements].count("math") == 2
    assert "2 specs in 2 chapters" in book.text[None]


def test_a_statement_of_prudence_is_told_to_be_one(tmp_path: Path) -> None:
    _, book = pages(tmp_path, world.finding(), specs=[{**world.NORMALIZES, "basis": "prudence"}, world.TRACKS])
    assert "No document states it" in book.text["spec-normalizes_by_the_batch"]
    assert "No document states it" not in book.text["spec-tracks_the_variance"]


def test_the_book_is_self_contained(tmp_path: Path) -> None:
    _, book = pages(tmp_path, world.finding())
    assert not {tag for tag, _ in book.elements} & {"script", "link", "img", "iframe", "object", "embed", "base"}
    text = (tmp_path / "specs.html").read_text(encoding="utf-8")
    assert "url(" not in text
    assert 'name="generator" content="bnconform"' in text[:2000]


def test_the_book_of_an_interrupted_run_says_so(tmp_path: Path) -> None:
    with ResultsWriter(tmp_path / "a") as writer:
        writer.run(world.run())
    write_report([read_results(tmp_path / "a")], tmp_path / "a")
    assert "Interrupted run. It left" not in (told := (tmp_path / "a" / "specs.html").read_text(encoding="utf-8"))
    assert "Interrupted run." in told
    _, whole = pages(tmp_path / "b", world.finding())
    assert "Interrupted" not in whole.text[None]


def test_hostile_text_is_escaped_in_the_book(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x>"
    _, book = pages(tmp_path, specs=[dict.fromkeys((*world.NORMALIZES, "given"), evil)])
    assert not {tag for tag, _ in book.elements} & {"script", "img"}


def test_the_cases_of_every_spec_are_told_in_words() -> None:
    assert given_words(cases(mode="infer")) == (
        "inference, channels of mixed regimes, with running averages, with a cotangent of y"
    )
    constant = cases(mode="train", gradients=False, statistics=False, channels="constant")
    assert given_words(constant) == "a training step, constant channels, without running averages"
    for one in all_specs():
        assert given_words(one.given)
