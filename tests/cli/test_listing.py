"""The list of implementations is a table of what they document, with what a run measured of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import records as world
from worlds import tiny

from bnconform import Argument, Dialect, Settings
from bnconform.cli import listing, main
from bnconform.contract.address import named_address
from bnconform.contract.implementation import Described
from bnconform.engine.selection import Offer, Selection

SETTINGS = Settings(
    call="mini.bn",
    eps=Argument("eps", "1e-05", "https://example.org/eps"),
    momentum=Argument("decay", "0.99", "https://example.org/eps"),
    weighs="old",
)
DESCRIBED = Described(
    name="mini.batch_norm",
    version="1.0",
    dialect=Dialect(running_var="biased", links={"running_var": "https://example.org/var"}),
    dtypes=("float32",),
    devices=("cpu",),
    settings=SETTINGS,
)


@pytest.fixture
def one_implementation(monkeypatch: pytest.MonkeyPatch) -> None:
    selection = Selection(offers=(Offer(named_address("json"), (DESCRIBED,)),))
    monkeypatch.setattr(listing, "select", lambda request, hosts: selection)


@pytest.mark.usefixtures("one_implementation")
def test_choices_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["list", "implementations"]) == 0
    first, empty, heading, heads, row = capsys.readouterr().out.splitlines()
    assert first == "mini.batch_norm  1.0  float32  cpu"
    assert (empty, heading) == ("", listing.HEADING)
    for head, value in (("ε", "eps=1e-05"), ("momentum weighs", "the old"), ("running variance", "biased")):
        assert row[heads.index(f"  {head}  ") + 2 :].startswith(f"{value}  ")
    assert "✓" not in row


@pytest.mark.usefixtures("one_implementation")
def test_results_say_what_was_measured_and_links_where_it_is_documented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[Any] = [
        world.finding(spec="averages_the_unbiased_variance", verdict="deviates"),
        world.finding(spec="averages_the_running_mean", verdict="fails", detail=world.DETAIL),
    ]
    world.write(tmp_path, *found)
    assert main.main(["list", "implementations", "--links", "--results", str(tmp_path)]) == 0
    *_, row, first, second = capsys.readouterr().out.splitlines()
    assert "the old ✗ [1]" in row
    assert "biased ✓ [2]" in row
    assert (first, second) == ("  [1] https://example.org/eps", "  [2] https://example.org/var")


@pytest.mark.usefixtures("one_implementation")
def test_results_that_are_none_are_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["list", "--results", str(tmp_path)]) == 2
    assert "results.jsonl: cannot be read" in capsys.readouterr().err


def test_an_adapter_that_is_named_is_listed_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tiny.adapter(tmp_path, "right")
    assert main.main(["list", "--adapter", str(path)]) == 0
    implementations, _, _ = capsys.readouterr().out.partition("\n\n")
    assert implementations.split() == ["tiny.right", "1.2", "float32", "cpu"]
