"""The report: self-contained, true to the file, whole or not there at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import records as world
from worlds.pages import Page

from bnconform import report
from bnconform.report import write_report
from bnconform.report.columns import slug
from bnconform.report.frameworks import finding_anchor
from bnconform.report.wording import ABSENCES
from bnconform.results.writer import ResultsWriter


def pages(out: Path, *findings: Any, **changed: Any) -> dict[str, Page]:
    write_report([world.write(out, *findings, **changed)], out)
    return {path.name: Page(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*.html"))}


def page(out: Path, *findings: Any, **changed: Any) -> Page:
    return pages(out, *findings, **changed)["index.html"]


def of_mini(out: Path, *findings: Any, **changed: Any) -> Page:
    """Returns the page of the framework that the findings of this world are of."""
    return pages(out, *findings, **changed)["framework-mini.html"]


def failing(**changed: Any) -> Any:
    told = {"verdict": "fails", "output": "y", "worst_ratio": 1.2275e8, "detail": world.DETAIL}
    told |= {"reason": "y is far from it", "witness": "witnesses/a b.safetensors", "reproduce": "reproduce/a.py"}
    return world.finding(**told | changed)


def test_the_pages_are_self_contained(tmp_path: Path) -> None:
    for name, shown in pages(tmp_path, failing(), world.finding(dtype="float64")).items():
        tags = {tag for tag, _ in shown.elements}
        assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base"}
        assert not shown.attributes("src")
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "@import" not in text
        assert "url(" not in text
        assert 'name="generator" content="bnconform"' in text[:2000]
        assert "default-src 'none'" in text[:2000]
        assert {"main", "h1"} <= tags


def test_every_link_leads_somewhere_and_every_anchor_is_one(tmp_path: Path) -> None:
    deviating = failing(spec="tracks_the_variance", verdict="deviates", dtype="float64")
    unsupported = world.finding(
        spec="tracks_the_variance", verdict="unsupported", worst_ratio=None, reason="no buffers"
    )
    shown = pages(tmp_path, failing(), deviating, unsupported, world.finding(dtype="float64"))
    ids = {name: one.attributes("id") for name, one in shown.items()}
    assert all(len(own) == len(set(own)) for own in ids.values())
    for name, one in shown.items():
        for address in one.attributes("href"):
            target, _, anchor = address.partition("#")
            if not target or target.endswith(".html"):
                assert (target or name) in shown, address
                assert not anchor or anchor in ids[target or name], (name, address)


@pytest.mark.parametrize("verdict", ["fails", "crashes", "hangs", "deviates"])
def test_a_finding_that_does_not_conform_has_its_line_with_its_files(tmp_path: Path, verdict: str) -> None:
    shown = of_mini(tmp_path, failing(verdict=verdict))
    assert "f32" in shown.text[finding_anchor(failing())]
    # By which choice it departs is said above all that do so: the line says how far.
    found = "y: 1.23e+08 times the bound" if verdict == "deviates" else "y is far from it"
    for expected in ("normalizes by the batch", "batch_ norm", found):
        assert expected in shown.text[None]
    hrefs = shown.attributes("href")
    assert "witnesses/a%20b.safetensors" in hrefs
    assert ("reproduce/a.py" in hrefs) == (verdict != "deviates")


def test_what_is_wrong_is_told_by_defects_with_what_they_break(tmp_path: Path) -> None:
    likely = {"fault": "epsilon_outside", "sentence": "ε is added.", "ratio": 0.3, "convention": False}
    both = [failing(diagnosis=[likely]), failing(spec="tracks_the_variance", diagnosis=[likely])]
    shown = page(tmp_path, *both, world.finding(dtype="float64"))
    card = shown.text[slug(["defect", "mini.batch_norm/epsilon_outside"])]
    for expected in ("ε is added.", "2 statements", "2 findings", "tracks the variance", "explain 2 of the 2"):
        assert expected in card
    assert "1 new defect." in shown.text[None]
    assert "Behaves like epsilon outside" in shown.text[None]
    assert "**mini.batch_norm: behaves like epsilon outside, only in float32**" in shown.text[None]  # the text


def test_nothing_new_is_the_headline_where_all_is_known(tmp_path: Path) -> None:
    cause = {"fault": "implementation", "reason": "It is so.", "link": "https://x.org/issues/7"}
    cause |= {"defect": "mini/so", "title": "It adds one", "severity": "loud", "effect": "All is one too large."}
    shown = page(tmp_path, failing(known=cause))
    text = " ".join(shown.text[None].split())
    assert "No new defect. 1 known one still stands." in text
    card = shown.text[slug(["defect", "mini/so"])]
    assert "All is one too large." in card
    assert "https://x.org/issues/7" in shown.attributes("href")
    assert "#7" in text
    assert "It adds one" in text


ANSWER = {
    "case": {**world.CASE, "x": [[1.0, 2.0, 3.0], [4.5, 5.0, 6.0]]},
    "output": "y",
    "index": [1, 0],
    "actual_values": [[-1.0, -1.0, -1.0], [0.99209469, 1.0, "nan"]],
    "expected_values": [[-1.0, -1.0, -1.0], [0.99209473, 1.0, 1.0]],
    "bound_values": [[1e-9] * 3] * 2,
}


def test_a_card_shows_the_answer_that_is_wrong_in_digits_that_differ(tmp_path: Path) -> None:
    shown = page(tmp_path, failing(detail={**world.DETAIL, "shown": ANSWER}))
    card = shown.text[slug(["defect", "mini.batch_norm/y"])]
    for expected in ("y returned", "y due", "± 1e-09", "ε = 1e-05", "0.9920947 3", "NaN"):
        assert expected.replace(" ", "") in card.replace(" ", ""), expected
    marked = [tag for tag, _ in shown.elements].count("mark")
    assert marked == 2  # the digits that differ, and the NaN


def test_a_script_beside_the_results_is_shown_with_how_it_ended(tmp_path: Path) -> None:
    record = world.defect(script="scripts/so.py", status=1)
    (tmp_path / "scripts").mkdir()
    results = world.write(tmp_path, failing(), defects=[record])
    (tmp_path / "scripts" / "so.py").write_text("print('so')\n", encoding="utf-8")
    text = Page(write_report([results], tmp_path).read_text(encoding="utf-8")).text[None]
    assert "Script: 1 lines; ran when this was written, exit status 1: it shows" in text
    assert "print('so')" in text


def test_traceback_and_stderr_are_shown(tmp_path: Path) -> None:
    detail = {"case": None, "traceback": "ValueError: odd", "stderr": "Segmentation fault"}
    told = {"quantity": None, "witness": None, "reproduce": None, "worst_ratio": None, "claimed": None}
    shown = of_mini(tmp_path, failing(verdict="crashes", detail=detail, **told))
    assert "ValueError: odd" in shown.text[None]
    assert "Segmentation fault" in shown.text[None]


def test_a_departure_shows_the_documented_choice_and_its_link(tmp_path: Path) -> None:
    link = "https://example.org/docs#var"
    stated: dict[str, Any] = {
        "dialect": {"running_var": "biased", "variance": "one-pass"},
        "links": {"running_var": link},
    }
    finding = failing(verdict="deviates", declared="running_var")
    shown = page(tmp_path, finding, implementations=[world.implementation(**stated)])
    assert "running_var = biased" in shown.text[None]
    assert "one-pass" not in shown.text[None]
    assert link in shown.attributes("href")


def test_what_was_not_judged_is_told_by_its_kind_and_its_reasons(tmp_path: Path) -> None:
    told = {"verdict": "unsupported", "worst_ratio": None, "claimed": None, "reason": "no buffers"}
    missing = [
        world.finding(missing="not offered", **told),
        world.finding(dtype="float64", missing="not taken", **told),
    ]
    shown = pages(tmp_path, *missing)
    for kind in ("not offered", "not taken"):
        assert kind in shown["index.html"].text[None]
        assert f"It {ABSENCES[kind][3:]}" in shown["framework-mini.html"].text[None]
    assert "no bound is finite" not in shown["index.html"].text[None]
    assert "1 not offered, 1 not taken" in str(shown["index.html"].attributes("title"))
    assert shown["framework-mini.html"].text[None].count("no buffers") == 2  # once for each kind


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
    for expected in ("jax, which needs jax", "shaky", "no module named shaky_core", "How to read", "Claimed."):
        assert expected in text


def test_hostile_text_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x>"
    spec = {**world.NORMALIZES, "id": evil, "chapter": evil, "sentence": evil, "latex": evil, "source": evil}
    told = {"spec": evil, "implementation": evil, "version": evil, "dtype": evil, "device": evil, "quantity": evil}
    detail = {**world.DETAIL, "traceback": evil, "stderr": evil, "actual": evil[:0] or "nan"}
    likely = {"fault": evil, "sentence": evil, "ratio": 0.5, "convention": True}
    words = {"reason": evil, "explanation": evil, "diagnosis": [likely]}
    finding = failing(**told, **words, detail=detail, witness=evil, reproduce=None)
    links = {"running_var": "javascript:alert(1)"}
    stated = world.implementation(evil, version=evil, dialect={"running_var": evil}, links=links)
    shown = page(tmp_path, finding, specs=[spec], implementations=[stated], command=[evil], versions={evil: evil})
    shown_pages = [Page(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.html")]
    assert len(shown_pages) == 4
    for one in (shown, *shown_pages):
        assert not {tag for tag, _ in one.elements} & {"script", "img"}
        assert not [address for address in one.attributes("href") if address.startswith("javascript:")]


def test_a_new_finding_tells_its_diagnosis(tmp_path: Path) -> None:
    assert "Diagnosis: behaves like it." in of_mini(tmp_path, failing(explanation="behaves like it")).text[None]


def test_two_versions_stand_side_by_side(tmp_path: Path) -> None:
    old = [world.implementation(version="0.9")]
    a = world.write(tmp_path / "a", world.finding(version="0.9", worst_ratio=0.123), implementations=old)
    b = world.write(tmp_path / "b", failing(worst_ratio=77.0), started="2026-11-22T00:00:00+00:00")
    shown = Page(write_report([b, a], tmp_path / "out").read_text(encoding="utf-8"))
    assert "2 implementations of batch normalization were held to 2 statements" in shown.text[None]
    assert "Versions 0.9 ✓ kept 1.0 ✗ broken since 1.0; 0.9 kept it." in " ".join(shown.text[None].split())
    own = Page((tmp_path / "out" / "framework-mini.html").read_text(encoding="utf-8"))
    assert "0.9 on cpu" in own.text[None]
    assert "../b/reproduce/a.py" in own.attributes("href")


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
    assert names - {".bnconform"} == {
        "choices.html",
        "framework-mini.html",
        "index.html",
        "results.jsonl",
        "specs.html",
    }


def test_the_page_depends_on_the_results_alone(tmp_path: Path) -> None:
    results = world.write(tmp_path, failing(), world.finding(dtype="float64"))
    first = write_report([results], tmp_path).read_bytes()
    assert write_report([results], tmp_path).read_bytes() == first


@pytest.mark.parametrize("index", [None, [], [9, 9], [1], [0, 0, 0]])
@pytest.mark.parametrize("quantity", ["y", "running_var", None])
def test_a_witness_of_odd_shape_still_makes_a_page(tmp_path: Path, index: Any, quantity: Any) -> None:
    case = {**world.CASE, "gamma": [1.0]}
    detail = {**world.DETAIL, "index": index, "bound_values": [1.0], "case": case}
    odd = {**ANSWER, "index": index or [], "bound_values": [1.0], "case": case}
    for told in (detail, {**detail, "shown": odd}):
        shown = of_mini(tmp_path, failing(detail=told, quantity=quantity))
        assert "123.5" in shown.text[None]


def test_the_page_of_a_framework_that_took_no_part_goes_with_the_older_report(tmp_path: Path) -> None:
    other = world.write(tmp_path / "other", world.finding(implementation="old.norm"))
    write_report([other], tmp_path / "out")
    (tmp_path / "out" / "framework-mine.html").write_text("a page of somebody else", encoding="utf-8")
    write_report([world.write(tmp_path / "run", world.finding())], tmp_path / "out")
    found = {path.name for path in (tmp_path / "out").glob("framework-*.html")}
    assert found == {"framework-mini.html", "framework-mine.html"}
