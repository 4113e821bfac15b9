"""The files of a finding have names that tell it, fit a file system and stay apart."""

from __future__ import annotations

import pytest
from worlds import records as world

from bnconform.results.evidence import file_stem


def test_a_name_tells_the_finding() -> None:
    assert file_stem(world.finding()) == "normalizes_by_the_batch-mini.batch_norm-float32-cpu"
    assert file_stem(world.finding(implementation="mini.norm:fast@x")).count("mini.norm_fast_x") == 1


@pytest.mark.parametrize(
    ("one", "other"), [("mini:x", "mini@x"), ("mini.批量", "mini.归一化"), ("m" * 199 + "a", "m" * 199 + "b")]
)
def test_long_and_foreign_names_fit_and_stay_apart(one: str, other: str) -> None:
    stems = {file_stem(world.finding(implementation=name)) for name in (one, other)}
    assert len(stems) == 2
    for stem in stems:
        assert stem.isascii()
        assert len(f"{stem}.safetensors") < 255
        assert stem.startswith("normalizes_by_the_batch-m")
