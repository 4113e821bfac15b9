"""What every output should be: found by its name, in the Case's mode and as the Dialect declares it."""

from dataclasses import replace

import numpy as np
import pytest
from worlds.drawing import draw

from bnconform import Case, Dialect
from bnconform.cases.strategies import Traits, cases
from bnconform.contract.outcome import OUTPUTS
from bnconform.oracle import bounds, reference
from bnconform.oracle.expected import expected, outputs

PLAIN, BIASED = Dialect(), Dialect(running_var="biased")


def drawn(**given: str) -> Case:
    (case,) = draw(cases(**given).strategy(Traits(dtype="float32")), 1)  # type: ignore[arg-type]
    return case


@pytest.mark.parametrize("mode", ["train", "infer"])
def test_an_output_is_called_alike_in_the_reference_the_bounds_and_an_outcome(mode: str) -> None:
    case = drawn(mode=mode)
    for name in ("y", "dx", "dgamma", "dbeta"):
        value, within = expected(case, PLAIN, name)
        assert np.array_equal(value, getattr(reference, name)(case))
        assert within is getattr(bounds, name)(case, PLAIN)


def test_every_output_has_its_namesakes() -> None:
    assert all(hasattr(reference, name) and hasattr(bounds, name) for name in OUTPUTS)


def test_the_running_variance_is_the_one_that_the_dialect_declares() -> None:
    case = drawn(mode="train")
    for dialect, correction in ((PLAIN, 1), (BIASED, 0)):
        value, within = expected(case, dialect, "running_var")
        assert np.array_equal(value, reference.running_var(case, correction))
        assert np.array_equal(within.allowance, bounds.running_var(case, dialect, correction=correction).allowance)


def test_inference_leaves_the_running_statistics_as_they_were_given() -> None:
    case = drawn(mode="infer")
    value, within = expected(case, PLAIN, "running_mean")
    assert np.array_equal(value, np.asarray(case.running_mean).astype(np.float64))
    assert not within.allowance.any()


def test_what_the_case_lacks_and_what_is_no_output_is_named() -> None:
    case = replace(drawn(mode="infer"), running_var=None, dy=None)
    with pytest.raises(ValueError, match=r"Case\.running_var is None"):
        expected(case, PLAIN, "running_var")
    with pytest.raises(ValueError, match="'z' is no output; expected one of y, running_mean"):
        expected(case, PLAIN, "z")


def test_the_outputs_are_those_that_the_case_asks_for() -> None:
    case = drawn(mode="train", derivatives="second_order")
    every = [one.name for one in outputs(case, PLAIN)]
    assert every == ["y", "running_mean", "running_var", "dx", "dgamma", "dbeta", "grad_x", "grad_gamma", "grad_dy"]
    bare = replace(drawn(mode="train"), dy=None, running_mean=None)
    assert [one.name for one in outputs(bare, PLAIN)] == ["y"]
