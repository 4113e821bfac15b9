"""Arithmetic wider than that of float32 data is told from float32's, folded or fused, in inference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds import miniatures
from worlds.fingerprints import contradictions, values

from bnconform import Case, Dialect, Implementation, Outcome, Unsupported

ELEMENTWISE = "elementwise arithmetic"
DECLARED = Dialect(stats_dtype="float64", params_dtype="float64")
ARRAYS = ("x", "gamma", "beta", "running_mean", "running_var", "dy")


def wide(name: str) -> Implementation:
    """Returns a correct miniature that computes float32 data in float64 and rounds y and dx at the end."""

    def run(case: Case) -> Outcome:
        given = {field: getattr(case, field) for field in ARRAYS}
        posed = replace(case, **{field: a.astype(np.float64) for field, a in given.items() if a is not None})
        found = miniatures.run(miniatures.CORRECT[name], posed)
        rounded = {field: getattr(found, field) for field in ("y", "dx")}
        return replace(found, **{field: a.astype(np.float32) for field, a in rounded.items() if a is not None})

    return Implementation(name=f"wide.{name}", run=run, dialect=DECLARED)


@pytest.mark.parametrize("name", ["in_order", "folded"])
def test_float64_is_recognized_and_contradicts_no_dialect_that_declares_it(name: str) -> None:
    assert values(wide(name), "float32")[ELEMENTWISE] == "float64"
    assert contradictions(wide(name), "float32") == {}


@pytest.mark.parametrize("name", miniatures.CORRECT)
def test_float32_is_not_taken_for_more(name: str) -> None:
    about = next(one for one in miniatures.IMPLEMENTATIONS if one.name == f"miniatures.{name}")
    assert values(about, "float32")[ELEMENTWISE] == "float32"


def test_training_alone_does_not_show_it() -> None:
    def run(case: Case) -> Outcome:
        if case.mode == "infer":
            raise Unsupported("training only")
        return wide("in_order").run(case)

    about = Implementation(name="wide.training", run=run, dialect=DECLARED)
    assert values(about, "float32")[ELEMENTWISE] is None
    assert contradictions(about, "float32") == {}
