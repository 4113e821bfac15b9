"""The table of choices: what is documented, its link, and what the findings say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import records as world
from worlds.pages import Page

from bnconform import Argument, Settings
from bnconform.engine.book import all_specs
from bnconform.report import write_report
from bnconform.report.choices.measured import Cell
from bnconform.report.choices.table import choices, table
from bnconform.results.file import merge

VARIANCE = "averages_the_unbiased_variance"
SETTINGS = Settings(
    call="mini.bn",
    eps=Argument("eps", "1e-05", "https://example.org/eps"),
    momentum=Argument("decay", "0.99", "https://example.org/decay"),
    weighs="old",
).to_json()
BIASED = world.implementation(
    dialect={"running_var": "biased"}, links={"running_var": "https://example.org/var"}, settings=SETTINGS
)


def cells(out: Path, *findings: Any, one: dict[str, Any] | None = None) -> dict[str, Cell]:
    results = world.write(out, *findings, implementations=[one or BIASED])
    (line,) = table(merge([results]))
    return {choice.heading: cell for choice, cell in zip(choices(), line.cells, strict=True)}


def finding(spec: str, verdict: str, **changed: Any) -> Any:
    return world.finding(spec=spec, verdict=verdict, **changed)


def test_names_and_defaults_are_shown_with_their_links(tmp_path: Path) -> None:
    shown = cells(tmp_path)
    assert (shown["ε"].value, shown["ε"].link) == ("eps=1e-05", "https://example.org/eps")
    assert (shown["momentum"].value, shown["momentum weighs"].value) == ("decay=0.99", "the old")
    assert (shown["running variance"].value, shown["running variance"].link) == ("biased", "https://example.org/var")
    assert {cell.told for cell in shown.values()} == {"not measured"}


@pytest.mark.parametrize(
    ("declared", "verdict", "expected"),
    [
        ("biased", "deviates", "true"),
        ("biased", "conforms", "contradicted"),
        ("biased", "fails", "contradicted"),
        ("unbiased", "conforms", "true"),
        ("unbiased", "fails", "contradicted"),
        ("unbiased", "crashes", "unmeasured"),
    ],
)
def test_a_choice_is_true_where_the_findings_fit_what_is_declared(
    tmp_path: Path, declared: str, verdict: str, expected: str
) -> None:
    detail = world.DETAIL if verdict in ("fails", "deviates") else None
    one = world.implementation(dialect={"running_var": declared})
    cell = cells(tmp_path, finding(VARIANCE, verdict, detail=detail), one=one)["running variance"]
    assert cell.measured == expected
    assert bool(cell.href) == (expected != "unmeasured")


def test_one_type_that_does_not_agree_is_named_and_contradicts_nothing(tmp_path: Path) -> None:
    found = [finding(VARIANCE, "deviates"), finding(VARIANCE, "fails", dtype="float64", detail=world.DETAIL)]
    cell = cells(tmp_path, *found)["running variance"]
    assert cell.measured == "partly"
    assert cell.told == "measured true, but for f64"
    assert cell.why.startswith("f64: ")
    assert cell.mark == "✓ but f64"


def test_an_error_where_values_were_due_measures_nothing(tmp_path: Path) -> None:
    cell = cells(tmp_path, finding(VARIANCE, "fails", detail=None, reason="raised ValueError"))["running variance"]
    assert (cell.told, cell.why) == ("not measured", "f32: raised ValueError")
    broken = finding(VARIANCE, "fails", detail=world.DETAIL, fault="adapter")
    assert cells(tmp_path, broken)["running variance"].told == "not measured"


@pytest.mark.parametrize(
    ("training", "inference", "told"),
    [
        ("conforms", "conforms", "measured true"),
        ("unsupported", "conforms", "measured true"),
        ("conforms", "unsupported", "measured true"),
        ("fails", "unsupported", "contradicted by measurement"),
        ("conforms", "fails", "measured true, but for f32"),
        ("unsupported", "unsupported", "not measured"),
    ],
)
def test_a_default_is_measured_in_training_and_inference(
    tmp_path: Path, training: str, inference: str, told: str
) -> None:
    pairs = [("trains_with_its_documented_epsilon", training), ("infers_with_its_documented_epsilon", inference)]
    found = [finding(spec, verdict, detail=world.DETAIL if verdict == "fails" else None) for spec, verdict in pairs]
    assert cells(tmp_path, *found)["ε"].told == told


def test_every_choice_is_measured_by_specs_that_there_are() -> None:
    assert {spec for choice in choices() for spec in choice.specs} <= {one.id for one in all_specs()}


def test_what_is_not_offered_has_no_value(tmp_path: Path) -> None:
    cell = cells(tmp_path, finding(VARIANCE, "unsupported", reason="running_var is not offered"))["running variance"]
    assert (cell.value, cell.why) == ("", "running_var is not offered")


@pytest.mark.parametrize(
    ("declared", "verdict", "expected"),
    [("raises", "deviates", "true"), ("raises", "conforms", "contradicted"), ("zero", "fails", "contradicted")],
)
def test_a_refusal_is_measured_too(tmp_path: Path, declared: str, verdict: str, expected: str) -> None:
    one = world.implementation(dialect={"single_value": declared})
    found = finding("gives_the_shift_for_a_single_value", verdict, detail=None)
    assert cells(tmp_path, found, one=one)["one value per channel"].measured == expected


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("conforms", "does no harm"),
        ("fails", "spoils the averages"),
        ("crashes", "ends the process"),
        ("unsupported", ""),
    ],
)
def test_an_empty_batch_is_measured_alone(tmp_path: Path, verdict: str, expected: str) -> None:
    assert (
        cells(tmp_path, finding("keeps_its_averages_through_an_empty_batch", verdict))["empty batch"].value == expected
    )


def test_sums_of_16_bit_data_are_told_by_type_where_they_differ(tmp_path: Path) -> None:
    both = {"dtypes": ["float16", "bfloat16", "float32"]}
    wide = world.implementation(dialect={"stats_dtype": "float32"}, **both)
    assert cells(tmp_path, one=wide)["sums of 16-bit data"].value == "float32"
    one = world.implementation(dialect={"stats_dtype (float16)": "float32"}, **both)
    assert cells(tmp_path, one=one)["sums of 16-bit data"].value == "f16: float32, bf16: x's type"
    assert cells(tmp_path, one=world.implementation())["sums of 16-bit data"].value == ""


def test_what_nothing_states_stands_in_parentheses(tmp_path: Path) -> None:
    shown = cells(tmp_path, finding("gives_the_shift_for_a_single_value", "conforms"))
    assert (shown["running variance"].text, shown["one value per channel"].text) == ("biased", "(zero)")
    assert shown["one value per channel"].told == "measured true"
    unstated = cells(tmp_path, one=world.implementation(links={"running_var": "https://example.org/var"}))
    assert (unstated["running variance"].text, unstated["variance"].text) == ("unbiased", "(two-pass)")


def test_a_run_says_itself_what_stands_where_nothing_is_stated(tmp_path: Path) -> None:
    one = world.implementation(settings=None)
    earlier = table(merge([world.write(tmp_path, implementations=[one])]))[0].cells
    later = table(merge([world.write(tmp_path, implementations=[one], defaults={"variance": "by guess"})]))[0].cells
    place = [choice.heading for choice in choices()].index("variance")
    assert (earlier[place].text, later[place].text) == ("(two-pass)", "(by guess)")


def test_what_an_implementation_does_not_do_has_no_choices(tmp_path: Path) -> None:
    inference = {**SETTINGS, "offers": ["inference", "affine"]}
    shown = cells(tmp_path, one={**BIASED, "settings": inference})
    assert {shown[heading].value for heading in ("running variance", "running average", "variance")} == {""}


def test_results_without_settings_are_shown_all_the_same(tmp_path: Path) -> None:
    shown = cells(tmp_path, one=world.implementation())
    assert (shown["ε"].value, shown["momentum weighs"].value) == ("", "")


def pages(out: Path, *findings: Any, **changed: Any) -> dict[str, Page]:
    write_report([world.write(out, *findings, **changed)], out)
    return {path.name: Page(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*.html"))}


def test_the_pages_lead_to_each_other_and_nowhere_else(tmp_path: Path) -> None:
    variance = {**world.TRACKS, "id": VARIANCE}
    found = [finding(VARIANCE, "deviates", detail=world.DETAIL), finding(VARIANCE, "conforms", dtype="float64")]
    shown = pages(tmp_path, *found, implementations=[BIASED], specs=[world.NORMALIZES, variance])
    for name, page in shown.items():
        addresses = page.attributes("href")
        assert {"index.html", "specs.html", "choices.html"} <= set(addresses)
        for address in addresses:
            target, _, anchor = address.partition("#")
            if target in shown or not target:
                assert not anchor or anchor in shown[target or name].attributes("id"), address
    told = shown["choices.html"].text["choices-mini.batch_norm-1.0"]
    for expected in ("eps=1e-05", "decay=0.99", "the old", "biased", "measured true, but for f64", "not measured"):
        assert expected in told
    assert "https://example.org/var" in shown["choices.html"].attributes("href")
    assert "which was not asked in this run" in shown["choices.html"].text[None]


def test_the_table_is_self_contained_and_says_that_a_run_was_interrupted(tmp_path: Path) -> None:
    shown = pages(tmp_path, end=False)["choices.html"]
    assert not {tag for tag, _ in shown.elements} & {"script", "link", "img", "iframe", "object", "embed", "base"}
    assert "Interrupted run." in shown.text[None]
    text = (tmp_path / "choices.html").read_text(encoding="utf-8")
    assert "url(" not in text
    assert 'name="generator" content="bnconform"' in text[:2000]


def test_hostile_text_is_escaped_in_the_table(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x>"
    settings = {**SETTINGS, "eps": {"name": evil, "default": evil, "link": "javascript:alert(1)"}}
    one = {**BIASED, "name": evil, "version": evil, "dialect": {"running_var": evil}, "settings": settings}
    shown = pages(tmp_path, implementations=[one])["choices.html"]
    assert not {tag for tag, _ in shown.elements} & {"script", "img"}
    assert not [address for address in shown.attributes("href") if address.startswith("javascript")]


def test_a_row_leads_to_the_defects_of_its_implementation(tmp_path: Path) -> None:
    (line,) = table(merge([world.write(tmp_path, finding(VARIANCE, "fails"), finding("tracks_the_variance", "fails"))]))
    assert (line.page, line.defects) == ("framework-mini.html", 1)
