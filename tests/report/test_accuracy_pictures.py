"""The picture of accuracy: every implementation has its line, and one far above the others its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from worlds import records as world
from worlds.pages import Page

from bnconform.report import write_report
from bnconform.report.accuracy import accuracy
from bnconform.report.gathered import Gathered
from bnconform.results.file import merge

NAMES = ("a.norm", "b.norm", "c.norm", "d.norm")
USUAL = [[1.1, 4, 0.8], [30.0, 4, 20.0], [1.2, 64, 1.5]]


def finding(name: str, points: Any, **changed: Any) -> Any:
    return world.finding(implementation=name, accuracy=points, **changed)


def gathered(out: Path, *findings: Any) -> Gathered:
    stated = [world.implementation(name) for name in NAMES]
    return Gathered(merge([world.write(out, *findings, implementations=stated)]))


def test_all_implementations_stand_in_one_picture_against_condition_and_size(tmp_path: Path) -> None:
    found = accuracy(gathered(tmp_path, *(finding(name, USUAL) for name in NAMES)))
    assert [one.title for one in found.panels] == ["f32, against κ", "f32, against m"]
    assert found.implementations == 4
    for one in found.panels:
        assert one.picture.count('class="rest"') == 4
        assert "4 implementations" in one.picture
    assert found.standing == ()


def test_one_far_above_the_others_is_told_by_number_name_and_how_far(tmp_path: Path) -> None:
    odd = finding("d.norm", [[1.1, 4, 0.8], [31.0, 4, 4000.0]])
    found = accuracy(gathered(tmp_path, *(finding(name, USUAL) for name in NAMES[:3]), odd))
    (one,) = found.standing
    assert (one.number, one.name, one.dtypes, one.at, one.error, one.usual) == (
        1, "d.norm", ("f32",), "κ = 31", "4,000", "20")  # fmt: skip
    first, second = (panel.picture for panel in found.panels)
    assert first.count('class="far"') == 1
    assert re.search("number[^>]*>1<", first)
    assert 'class="far"' not in second


def test_of_few_implementations_one_that_loses_far_more_than_the_mean_costs_is_told(tmp_path: Path) -> None:
    both = finding("a.norm", [[1.1, 4, 5e8], [50.0, 4, 60.0]]), finding("b.norm", [[1.1, 4, 1.0], [50.0, 4, 60.0]])
    (one,) = accuracy(gathered(tmp_path, *both)).standing
    assert (one.name, one.at, one.usual) == ("a.norm", "κ = 1.1", "")


def test_data_far_from_zero_say_nothing_about_size(tmp_path: Path) -> None:
    far = [[1.1, 4, 1.0], [1.1, 8, 1.0], [500.0, 16, 1e6]]
    found = accuracy(gathered(tmp_path, *(finding(name, far) for name in NAMES)))
    assert "10⁶" in found.panels[0].picture
    assert "10⁶" not in found.panels[1].picture


def test_what_is_no_number_stands_at_the_end_of_the_scale(tmp_path: Path) -> None:
    broken = finding("d.norm", [[1.1, 4, 1.7976931348623157e308], [1e300, 1e300, 2.0]])
    found = accuracy(gathered(tmp_path, *(finding(name, USUAL) for name in NAMES[:3]), broken))
    assert [one.error for one in found.standing] == ["not a number"]
    numbers = [float(one) for one in re.findall(r"[-\d.]+(?= |L|\")", "".join(found.panels[0].picture.split("M")[1:]))]
    assert numbers
    assert all(-1 <= one <= 500 for one in numbers)


def test_two_versions_have_a_line_each(tmp_path: Path) -> None:
    both = [world.implementation("a.norm", version=version) for version in ("1.0", "2.0")]
    findings = finding("a.norm", USUAL), finding("a.norm", [[1.1, 4, 5e8], [50.0, 4, 60.0]], version="2.0")
    found = accuracy(Gathered(merge([world.write(tmp_path, *findings, implementations=both)])))
    assert found.implementations == 2
    assert [one.name for one in found.standing] == ["a.norm 2.0"]


def test_results_that_do_not_say_have_no_picture(tmp_path: Path) -> None:
    for place, findings in enumerate(([world.finding()], [finding("a.norm", USUAL)])):
        results = world.write(tmp_path / str(place), *findings)
        text = Page(write_report([results], tmp_path / str(place)).read_text(encoding="utf-8")).text[None]
        assert ("How exact it is" in text) == bool(place)
