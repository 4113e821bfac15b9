"""Two runs are compared finding by finding, figures to the last digit."""

from __future__ import annotations

from pathlib import Path

from worlds import records as world

from bnconform.cli.main import main
from bnconform.results.comparison import SAID, differences


def test_equal_runs_have_no_difference(tmp_path: Path) -> None:
    one, other = (world.write(tmp_path / name, world.finding(), world.finding(dtype="float64")) for name in "ab")
    assert list(differences(one, other)) == []


def test_a_figure_that_differs_in_its_last_digit_is_told(tmp_path: Path) -> None:
    one = world.write(tmp_path / "a", world.finding(worst_ratio=0.5))
    other = world.write(tmp_path / "b", world.finding(worst_ratio=0.5000000000000001))
    (line,) = differences(one, other)
    assert line.endswith("worst_ratio 0.5 became 0.5000000000000001")


def test_what_one_run_lacks_is_told(tmp_path: Path) -> None:
    one = world.write(tmp_path / "a", world.finding(), world.finding(dtype="float64"))
    other = world.write(tmp_path / "b", world.finding(), world.finding(dtype="float16"))
    said = list(differences(one, other))
    assert [line.rpartition(": ")[2] for line in said] == ["only in the first run", "only in the second run"]


def test_words_are_compared_where_they_are_asked_for(tmp_path: Path) -> None:
    one = world.write(tmp_path / "a", world.finding(reason="so"))
    other = world.write(tmp_path / "b", world.finding(reason="so it is"))
    assert list(differences(one, other)) == []
    assert len(list(differences(one, other, SAID))) == 1


def test_the_command_ends_with_1_where_runs_differ(tmp_path: Path, capsys: object) -> None:
    for name, ratio in (("a", 0.5), ("b", 0.5), ("c", 0.25)):
        world.write(tmp_path / name, world.finding(worst_ratio=ratio))
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "c")]) == 1
