"""A framework page: what is missing is told apart, what is alike once, and each is said to keep what it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import records as world
from worlds.pages import Page

from bnconform.report import write_report
from bnconform.report.columns import slug


def pages(out: Path, *findings: Any, **changed: Any) -> dict[str, Page]:
    write_report([world.write(out, *findings, **changed)], out)
    return {path.name: Page(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*.html"))}


def page(out: Path, *findings: Any, **changed: Any) -> Page:
    return pages(out, *findings, **changed)["index.html"]


def of_mini(out: Path, *findings: Any, **changed: Any) -> Page:
    return pages(out, *findings, **changed)["framework-mini.html"]


def failing(**changed: Any) -> Any:
    told = {"verdict": "fails", "output": "y", "worst_ratio": 1.2275e8, "detail": world.DETAIL}
    told |= {"reason": "y is far from it", "witness": "witnesses/a b.safetensors", "reproduce": "reproduce/a.py"}
    return world.finding(**told | changed)


def labels(shown: Page) -> list[str | None]:
    """Returns what a screen reader is told in place of the signs of each cell."""
    return [attributes.get("aria-label") for tag, attributes in shown.elements if attributes.get("role") == "img"]


@pytest.mark.parametrize(("missing", "css", "sign"), [
    ("not offered", "void", "–"), ("not taken", "void", "–"), ("refused", "refused", "⊘"), ("not asked", "void", "·"),
    ("no claim", "void", "?"), ("no answer", "void", "∅"), ("not run", "void", "○"),
])  # fmt: skip
def test_what_is_missing_has_its_mark_in_the_map_and_its_sign(
    tmp_path: Path, missing: str, css: str, sign: str
) -> None:
    told = {"verdict": "unsupported", "worst_ratio": None, "claimed": None, "reason": "none"}
    shown = pages(tmp_path, world.finding(missing=missing, **told))
    assert css in [attributes.get("class") for tag, attributes in shown["index.html"].elements if tag == "path"]
    labelled = labels(shown["framework-mini.html"])
    assert f"f32 {missing}" in labelled
    assert f" {sign} " in shown["framework-mini.html"].text[None]


def test_what_is_known_has_its_witness_and_the_script_of_its_defect_alone(tmp_path: Path) -> None:
    known = {"fault": "implementation", "reason": "It is so.", "link": "https://x.org/issues/7"}
    shown = of_mini(tmp_path, failing(known=known), failing(dtype="float64", witness="witnesses/b", reproduce="b.py"))
    assert {"witnesses/a%20b.safetensors", "witnesses/b", "b.py"} <= set(shown.attributes("href"))
    assert "reproduce/a.py" not in shown.attributes("href")


def test_reasons_that_differ_in_numbers_alone_are_told_once(tmp_path: Path) -> None:
    told = {"verdict": "unsupported", "worst_ratio": None, "claimed": None, "missing": "refused"}
    refused = [world.finding(dtype=dtype, reason=f"refused: eps is {eps}, shape [{n}, 1]", **told)
               for dtype, eps, n in (("float32", 0.5, 3), ("float64", -1e-05, 17))]  # fmt: skip
    text = of_mini(tmp_path, *refused, world.finding(spec="tracks_the_variance", reason="refused: no", **told)).text[
        None
    ]
    assert text.count("refused: eps") == 1
    assert "refused: eps is 0.5, shape [3, 1] 2 findings" in " ".join(text.split())
    assert "refused: no 1 finding" in " ".join(text.split())


def test_statements_of_equal_verdicts_stand_together(tmp_path: Path) -> None:
    specs = [{**world.NORMALIZES, "id": f"keeps_{name}"} for name in ("one", "two", "three")]
    findings = [world.finding(spec="keeps_one"), world.finding(spec="keeps_two"), failing(spec="keeps_three")]
    shown = of_mini(tmp_path, *findings, specs=specs)
    text = " ".join(shown.text[None].split())
    assert "keeps one, keeps two ✓" in text
    assert "keeps three ✗" in text
    assert labels(shown) == ["f32 conforms", "f32 fails"]


def test_an_implementation_that_crashes_is_said_to_keep_what_it_keeps(tmp_path: Path) -> None:
    two = [world.implementation("mini.batch_norm"), world.implementation("shaky.norm")]
    crash = failing(implementation="shaky.norm", verdict="crashes", detail=None, reason="its process ended: SIGABRT")
    other = {"spec": "tracks_the_variance"}
    findings = [failing(), failing(**other), crash, world.finding(implementation="shaky.norm", **other)]
    shown = page(tmp_path, *findings, implementations=two)
    card = " ".join(shown.text[slug(["defect", "mini.batch_norm/y"])].split())
    assert "shaky.norm keeps 1 of 2; the rest is another defect: It crashes" in card
    assert "in part" not in card
    crashed = " ".join(shown.text[slug(["defect", "shaky.norm/crashes"])].split())
    assert "mini.batch_norm keeps none of 1, by another defect: y is wrong" in crashed


def test_pages_that_stand_alone_lead_to_no_file_of_the_run(tmp_path: Path) -> None:
    results = world.write(tmp_path, failing())
    beside = [
        Page(path.read_text(encoding="utf-8")) for path in [*write_report([results], tmp_path).parent.glob("*.html")]
    ]
    assert "reproduce/a.py" in {href for one in beside for href in one.attributes("href")}
    write_report([results], tmp_path / "alone", alone=True)
    for path in (tmp_path / "alone").iterdir():
        one = Page(path.read_text(encoding="utf-8"))
        local = [href.partition("#")[0] for href in one.attributes("href") if "://" not in href]
        assert all(not name or (tmp_path / "alone" / name).is_file() for name in local), path.name
    assert "in its folders witnesses and reproduce" in " ".join(
        Page((tmp_path / "alone" / "framework-mini.html").read_text(encoding="utf-8")).text[None].split()
    )
