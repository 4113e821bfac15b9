"""The report: self-contained, true to the file, whole or not there at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import records as world
from worlds.pages import Page

from bnconform import report
from bnconform.report import write_report
from bnconform.results.file import ResultsWriter


def page(out: Path, *findings: Any, **changed: Any) -> Page:
    written = write_report([world.write(out, *findings, **changed)], out)
    return Page(written.read_text(encoding="utf-8"))


def failing(**changed: Any) -> Any:
    told = {"verdict": "fails", "worst_ratio": 1.2275e8, "detail": world.DETAIL, "reason": "y is far from it"}
    told |= {"witness": "witnesses/a b.safetensors", "reproduce": "reproduce/a.py"}
    return world.finding(**told | changed)


def test_the_page_is_self_contained(tmp_path: Path) -> None:
    shown = page(tmp_path, failing(), world.finding(dtype="float64"))
    tags = {tag for tag, _ in shown.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base"}
    assert not shown.attributes("src")
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in text
    assert 'name="generator" content="bnconform"' in text[:2000]


def test_every_link_in_the_page_leads_somewhere(tmp_path: Path) -> None:
    deviating = failing(spec="tracks_the_variance", verdict="deviates", dtype="float64")
    unsupported = world.finding(
        spec="tracks_the_variance", verdict="unsupported", worst_ratio=None, reason="no buffers"
    )
    shown = page(tmp_path, failing(), deviating, unsupported, world.finding(dtype="float64"))
    ids = shown.attributes("id")
    assert len(ids) == len(set(ids))
    inner = [address[1:] for address in shown.attributes("href") if address.startswith("#")]
    assert inner
    assert set(inner) <= set(ids)


@pytest.mark.parametrize("verdict", ["fails", "crashes", "hangs", "deviates"])
def test_a_finding_that_does_not_conform_has_its_section_and_its_numbers(tmp_path: Path, verdict: str) -> None:
    shown = page(tmp_path, failing(verdict=verdict))
    text = shown.text["finding-normalizes_by_the_batch-mini-batch_norm-1-0-float32-cpu"]
    for expected in ("normalizes_by_the_batch", "batch_norm", verdict, "y is far from it", "1.23e+08", "Algorithm 1"):
        assert expected in text
    for number in ("[1, 0]", "123.5", "0.75", "1e-06", "4.5", "4000 elements", "98 %", "1e-05"):
        assert number in text
    assert "bnconform replay 'witnesses/a b.safetensors' --implementation mini.batch_norm" in text
    assert {"witnesses/a%20b.safetensors", "reproduce/a.py"} <= set(shown.attributes("href"))


def test_the_worst_element_stands_first_and_marked(tmp_path: Path) -> None:
    shown = page(tmp_path, failing())
    marked = [attrs for tag, attrs in shown.elements if tag == "td" and "worst" in str(attrs.get("class"))]
    assert len(marked) == 5 + 1  # its row of the comparison, and its place in x


def test_traceback_and_stderr_are_shown(tmp_path: Path) -> None:
    detail = {"case": None, "traceback": "ValueError: odd", "stderr": "Segmentation fault"}
    told = {"quantity": None, "witness": None, "reproduce": None, "worst_ratio": None, "claimed": None}
    shown = page(tmp_path, failing(verdict="crashes", detail=detail, **told))
    assert "ValueError: odd" in shown.text[None]
    assert "Segmentation fault" in shown.text[None]
    assert [tag for tag, _ in shown.elements].count("details") >= 2


def test_a_deviation_shows_the_documented_choice_and_its_link(tmp_path: Path) -> None:
    link = "https://example.org/docs#var"
    stated: dict[str, Any] = {
        "dialect": {"running_var": "biased", "variance": "one-pass"},
        "links": {"running_var": link},
    }
    finding = failing(verdict="deviates", declared="running_var")
    shown = page(tmp_path, finding, implementations=[world.implementation(**stated)])
    text = shown.text["finding-normalizes_by_the_batch-mini-batch_norm-1-0-float32-cpu"]
    assert "running_var = biased" in text
    assert "one-pass" not in text
    assert link in shown.attributes("href")


def test_unsupported_findings_are_grouped_by_reason(tmp_path: Path) -> None:
    told = {"verdict": "unsupported", "worst_ratio": None, "claimed": None, "reason": "no buffers"}
    shown = page(tmp_path, world.finding(**told), world.finding(dtype="float64", **told))
    assert "Unsupported (2)" in shown.text[None]
    assert shown.text[None].count("no buffers") == 1


def test_an_interrupted_run_is_said_to_be_one(tmp_path: Path) -> None:
    assert "Interrupted run." in page(tmp_path / "a", world.finding(), end=False).text[None]
    assert "Interrupted" not in page(tmp_path / "b", world.finding()).text[None]
    with ResultsWriter(tmp_path / "c") as writer:
        writer.run(world.run())
    empty = page(tmp_path / "c", end=False)
    assert "It left 0 findings" in empty.text[None]


def test_what_was_run_is_told(tmp_path: Path) -> None:
    text = page(tmp_path, world.finding()).text[None]
    for expected in ("bnconform run --adapter mini", "numpy 2.4.6", "2026-11-21", "x86_64", "1.5 s", "exit status 0"):
        assert expected in text
    for expected in ("jax, which needs jax", "shaky", "no module named shaky_core", "How to read it", "Claimed."):
        assert expected in text


def test_hostile_text_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x>"
    spec = {**world.NORMALIZES, "id": evil, "chapter": evil, "sentence": evil, "latex": evil, "source": evil}
    told = {"spec": evil, "implementation": evil, "version": evil, "dtype": evil, "device": evil, "quantity": evil}
    detail = {**world.DETAIL, "traceback": evil, "stderr": evil, "actual": evil[:0] or "nan"}
    likely = {"fault": evil, "sentence": evil, "ratio": 0.5, "convention": True}
    words = {"reason": evil, "explanation": evil, "diagnosis": [likely]}
    finding = failing(**told, **words, detail=detail, witness=evil, reproduce="javascript:alert(1)")
    links = {"running_var": "javascript:alert(1)"}
    stated = world.implementation(evil, version=evil, dialect={"running_var": evil}, links=links)
    shown = page(tmp_path, finding, specs=[spec], implementations=[stated], command=[evil], versions={evil: evil})
    assert not {tag for tag, _ in shown.elements} & {"script", "img"}
    assert not [address for address in shown.attributes("href") if address.startswith("javascript:")]


def test_a_diagnosis_names_what_explains_a_failure(tmp_path: Path) -> None:
    likely = {"fault": "epsilon_outside_the_root", "sentence": "ε is added.", "ratio": 0.3333, "convention": False}
    known = {"fault": "momentum_complemented", "sentence": "The old weigh.", "ratio": 0.5, "convention": True}
    text = page(tmp_path, failing(explanation="behaves like it", diagnosis=[likely, known])).text[None]
    assert "Diagnosis behaves like it" in text
    assert "epsilon outside the root: ε is added. Worst error 0.33 of the bound." in text
    assert "momentum complemented, a known convention: The old weigh." in text


def test_two_versions_stand_side_by_side(tmp_path: Path) -> None:
    old = [world.implementation(version="0.9")]
    a = world.write(tmp_path / "a", world.finding(version="0.9", worst_ratio=0.123), implementations=old)
    b = world.write(tmp_path / "b", failing(worst_ratio=77.0), started="2026-11-22T00:00:00+00:00")
    shown = Page(write_report([b, a], tmp_path / "out").read_text(encoding="utf-8"))
    assert "2 specs, 2 implementations, 2 findings" in shown.text[None]
    assert any("worst ratio 0.123 " in title for title in shown.attributes("title"))
    assert any("worst ratio 77 " in title for title in shown.attributes("title"))
    assert "../b/reproduce/a.py" in shown.attributes("href")


def test_a_failure_to_render_leaves_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = world.write(tmp_path, failing())
    write_report([results], tmp_path)
    before = (tmp_path / "index.html").read_bytes(), (tmp_path / "specs.html").read_bytes()

    def broken(*_: Any) -> str:
        raise RuntimeError

    monkeypatch.setattr(report, "render", broken)
    with pytest.raises(RuntimeError):
        write_report([results], tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(RuntimeError):
        write_report([results], tmp_path)
    assert ((tmp_path / "index.html").read_bytes(), (tmp_path / "specs.html").read_bytes()) == before
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"choices.html", "index.html", "results.jsonl", "specs.html"}


def test_the_page_depends_on_the_results_alone(tmp_path: Path) -> None:
    results = world.write(tmp_path, failing(), world.finding(dtype="float64"))
    first = write_report([results], tmp_path).read_bytes()
    assert write_report([results], tmp_path).read_bytes() == first


@pytest.mark.parametrize("index", [None, [], [9, 9], [1], [0, 0, 0]])
@pytest.mark.parametrize("quantity", ["y", "running_var", None])
def test_a_witness_of_odd_shape_still_makes_a_page(tmp_path: Path, index: Any, quantity: Any) -> None:
    detail = {**world.DETAIL, "index": index, "bound_values": [1.0], "case": {**world.CASE, "gamma": [1.0]}}
    shown = page(tmp_path, failing(detail=detail, quantity=quantity))
    assert "123.5" in shown.text[None]


def test_a_large_witness_is_cut_around_its_worst_element(tmp_path: Path) -> None:
    x = [[[float(1000 * n + 10 * c + i) for i in range(4)] for c in range(30)] for n in range(20)]
    case = {**world.CASE, "shape": [20, 30, 4], "x": x, "gamma": None, "running_mean": None, "running_var": None}
    shown = page(tmp_path, failing(detail={**world.DETAIL, "case": case, "index": [15, 25, 3]}))
    assert "12 of 80 rows, 8 of 30 channels" in shown.text[None]
    assert "15253.0" in shown.text[None]
    assert "0.0" not in shown.text[None].split()
