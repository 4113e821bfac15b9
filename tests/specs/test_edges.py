"""Statements about odd paths through an implementation: each can fail, and what is right keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from worlds.drawing import DTYPES
from worlds.miniatures import CORRECT
from worlds.searches import Replying, correct, implementation, miniature, searched, words

from bnconform import Case, Dialect, Outcome, Unsupported
from bnconform.contract.reply import Crashed
from bnconform.engine.book import all_specs

EDGES = [one.id for one in all_specs() if one.chapter == "edges"]
GRADIENTS = ("dx", "dgamma", "dbeta")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CORRECT)
def test_a_right_one_keeps_every_statement(name: str, dtype: str) -> None:
    for spec, tally in searched(miniature(name), *EDGES, dtype=dtype).items():
        assert (spec, tally.verdict) == (spec, "conforms")


def spoilt(*names: str, where: Callable[[Case], bool]) -> Callable[[Case], Outcome]:
    """Returns an implementation whose outputs of these names are off by one where the case is of that kind."""

    def run(case: Case) -> Outcome:
        found = correct(case)
        given = {name: getattr(found, name) for name in names if getattr(found, name) is not None}
        return replace(found, **{n: a + a.dtype.type(1) for n, a in given.items()}) if where(case) else found

    return run


def divides_scale_out(case: Case) -> Outcome:
    """Takes the normalized values from y, as one that keeps no x must."""
    found = correct(case)
    if case.gamma is None or found.dgamma is None:
        return found
    with np.errstate(all="ignore"):
        return replace(found, dgamma=found.dgamma * case.gamma / case.gamma)


def takes_zero_for_one(case: Case) -> Outcome:
    """Divides by 1 where a variance is 0, as some scalers do."""
    if case.mode == "train" or case.running_var is None:
        return correct(case)
    one, kept = case.x.dtype.type(1), case.running_var
    return replace(correct(replace(case, running_var=np.where(kept == 0, one, kept))), running_var=kept)


WRONG = {
    "sends_gradients_without_running_statistics": spoilt("dx", where=lambda case: case.running_mean is None),
    "treats_a_single_channel_like_any_other": spoilt("y", where=lambda case: case.channels == 1),
    "learns_a_scale_that_is_zero": divides_scale_out,
    "infers_by_a_variance_of_zero": takes_zero_for_one,
    "sends_no_gradient_to_a_single_value": spoilt(*GRADIENTS, where=lambda case: case.rows == 1),
    "infers_nothing_for_no_examples": spoilt(where=lambda case: False),
}


@pytest.mark.parametrize("spec", [one for one in EDGES if one != "infers_nothing_for_no_examples"])
def test_what_is_wrong_there_alone_breaks_its_statement(spec: str) -> None:
    tally = searched(implementation(WRONG[spec]), spec)[spec]
    assert tally.verdict == "fails"
    assert tally.failure is not None
    assert tally.failure.case.x.size <= 16


def test_every_statement_is_tried() -> None:
    assert set(EDGES) == set(WRONG)


def test_a_process_that_ends_for_no_examples_breaks_the_statement() -> None:
    spec = "infers_nothing_for_no_examples"
    crash = Crashed("SIGFPE", "")
    host = Replying(implementation(correct), lambda case: None if case.x.size else crash)
    assert searched(host, spec)[spec].verdict == "crashes"


def test_a_single_value_may_be_refused() -> None:
    def run(case: Case) -> Outcome:
        if case.rows == 1:
            raise ValueError("more than one value is needed")
        return correct(case)

    spec = "sends_no_gradient_to_a_single_value"
    tally = searched(implementation(run, Dialect(single_value="raises")), spec)[spec]
    assert (tally.verdict, words(tally)) == ("unsupported", {"refused: more than one value is needed"})


def test_who_needs_averages_is_not_asked_to_do_without() -> None:
    def run(case: Case) -> Outcome:
        if case.running_mean is None:
            raise Unsupported("averages are always kept")
        return correct(case)

    spec = "sends_gradients_without_running_statistics"
    assert searched(implementation(run), spec)[spec].verdict == "unsupported"
