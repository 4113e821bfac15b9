"""No page and no signature depends on how a sentence is written: fields decide, sentences are shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worlds import records as world
from worlds.pages import Page

from bnconform.report import write_report
from bnconform.report.choices.table import table
from bnconform.results.deviations.signature import signature_in
from bnconform.results.file import Results, merge

LINK = "https://example.org/"
VARIANCE, SINGLE = "averages_the_unbiased_variance", "gives_the_shift_for_a_single_value"
DIALECT = {"running_var": "biased", "variance": "one-pass", "single_value": "raises"}
SPECS = [world.NORMALIZES, world.TRACKS, {**world.TRACKS, "id": VARIANCE}, {**world.TRACKS, "id": SINGLE}]
FINDINGS = [
    world.finding(quantity="dx behind a linear layer"),
    world.finding(spec=VARIANCE, verdict="deviates", detail=world.DETAIL, quantity="running_var", witness="w/1",
                  reason="running_var is as declared, running_var = 'biased'", declared="running_var"),
    world.finding(spec=VARIANCE, verdict="fails", dtype="float64", quantity="y", reason="raised ValueError: no dx",
                  detail={**world.DETAIL, "index": [1]}, explanation="behaves like the variance"),
    world.finding(spec=SINGLE, verdict="deviates", quantity="y", reason="refused, as single_value says",
                  detail={**world.DETAIL, "index": [0]}, declared="single_value"),
    world.finding(spec=SINGLE, verdict="unsupported", dtype="float64", quantity=None, reason="y is not offered"),
    world.finding(spec="tracks_the_variance", verdict="crashes", quantity=None, reason="its process ended: SIGSEGV"),
]  # fmt: skip


def reworded(finding: Any) -> Any:
    """The same finding with every sentence written anew."""
    said = {name: "Ωμέγα" for name in ("reason", "explanation", "quantity") if finding.get(name)}
    return {**finding, **said}


def results(out: Path, findings: list[Any]) -> Results:
    one = world.implementation(dialect=DIALECT, links={name: LINK + name for name in DIALECT})
    return world.write(out, *findings, implementations=[one], specs=SPECS)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Results, Results]:
    """A run as it was written, and with its sentences written anew."""
    return results(tmp_path / "run", FINDINGS), results(tmp_path / "anew", [reworded(one) for one in FINDINGS])


@pytest.mark.parametrize("page", ["index.html", "specs.html", "choices.html", "framework-mini.html"])
def test_the_pages_differ_in_shown_text_alone(both: tuple[Results, Results], page: str) -> None:
    shown = [_elements(one, page) for one in both]
    assert shown[0] == shown[1]
    assert shown[0]


def _elements(one: Results, page: str) -> list[Any]:
    write_report([one], one.path.parent)
    parsed = Page((one.path.parent / page).read_text(encoding="utf-8"))
    return [(tag, {name: value for name, value in attributes.items() if name != "title"})
            for tag, attributes in parsed.elements]  # fmt: skip


def test_a_departure_names_the_field_that_it_declares_and_no_other(both: tuple[Results, Results]) -> None:
    for one in both:
        write_report([one], one.path.parent)
        links = Page((one.path.parent / "index.html").read_text(encoding="utf-8")).attributes("href")
        counts = {name: links.count(LINK + name) for name in DIALECT}
        assert counts == {"running_var": 1, "variance": 0, "single_value": 1}


def test_the_table_of_choices_says_the_same(both: tuple[Results, Results]) -> None:
    (first,), (second,) = (table(merge([one])) for one in both)
    assert [replace(cell, why="") for cell in first.cells] == [replace(cell, why="") for cell in second.cells]
    assert {cell.measured for cell in first.cells} == {"true", "partly", "unmeasured"}


def test_a_signature_holds_no_sentence(both: tuple[Results, Results]) -> None:
    first, second = ([replace(signature_in(one), quantity=None) for one in run.findings] for run in both)
    assert first == second
