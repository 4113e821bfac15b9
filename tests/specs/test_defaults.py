"""Statements about arguments that are left out: each can fail, and what is right keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from worlds.drawing import DTYPES
from worlds.miniatures import CORRECT
from worlds.searches import Here, correct, implementation, searched
from worlds.wrong_ways import of

from bnconform import Case, Outcome
from bnconform.contract.errors import ContractError
from bnconform.contract.settings import Argument, Settings
from bnconform.engine.book import all_specs

DEFAULTS = [one.id for one in all_specs() if one.chapter == "defaults"]
FEATURES = frozenset({"default_eps", "default_momentum"})
SETTINGS = Settings(call="f", eps=Argument("eps", "0.001"), momentum=Argument("momentum", "0.9"), weighs="old")
Run = Callable[[Case], Outcome]


def taking(eps: float, momentum: float, run: Run = correct) -> Run:
    """Returns an implementation that takes these for what is left out, whatever the Case holds."""

    def takes(case: Case) -> Outcome:
        eps_meant = eps if case.default_eps else case.eps
        return run(replace(case, eps=eps_meant, momentum=momentum if case.default_momentum else case.momentum))

    return takes


def tried(run: Run, *specs: str, dtype: str = "float32", **more: object) -> dict[str, str]:
    """Returns the verdict of each spec on what documents SETTINGS."""
    given = {"features": FEATURES, "settings": SETTINGS} | more
    return {one: tally.verdict for one, tally in searched(implementation(run, **given), *specs, dtype=dtype).items()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CORRECT)
def test_who_takes_what_is_documented_keeps_every_statement(name: str, dtype: str) -> None:
    run = taking(1e-3, 1.0 - 0.9, of(CORRECT[name]))
    assert tried(run, *DEFAULTS, dtype=dtype) == dict.fromkeys(DEFAULTS, "conforms")


def inferring_by(eps: float) -> Run:
    """Returns an implementation that has another default in inference alone."""
    return lambda case: (taking(eps, 0.1) if case.mode == "infer" else taking(1e-3, 0.1))(case)


WRONG = {
    "trains_with_its_documented_epsilon": taking(1e-5, 0.1),
    "infers_with_its_documented_epsilon": inferring_by(0.0011),
    "averages_with_its_documented_momentum": taking(1e-3, 0.9),
}


def test_every_statement_is_tried() -> None:
    assert set(DEFAULTS) == set(WRONG)


@pytest.mark.parametrize("spec", DEFAULTS)
def test_another_default_breaks_its_statement_and_no_other_of_ordinary_calls(spec: str) -> None:
    verdicts = tried(WRONG[spec], spec, "normalizes_by_the_batch", "averages_the_running_mean")
    assert verdicts.pop(spec) == "fails"
    assert set(verdicts.values()) == {"conforms"}


@pytest.mark.parametrize("spec", DEFAULTS)
def test_what_fails_is_shrunk_to_a_case_that_still_leaves_the_argument_out(spec: str) -> None:
    host = implementation(WRONG[spec], features=FEATURES, settings=SETTINGS)
    failure = searched(host, spec)[spec].failure
    assert failure is not None
    case = failure.case
    assert case.x.size <= 6
    assert (case.eps if case.default_eps else case.momentum) == (1e-3 if case.default_eps else 1.0 - 0.9)


def test_one_argument_is_left_out_at_a_time() -> None:
    host = Here(implementation(correct, features=FEATURES, settings=SETTINGS))
    searched(host, *DEFAULTS)
    assert {tuple(case.flags) for case in host.asked} == {("default_eps",), ("default_momentum",)}


def test_who_documents_no_default_has_no_part_in_it() -> None:
    assert tried(correct, *DEFAULTS, features=()) == dict.fromkeys(DEFAULTS, "unsupported")


@pytest.mark.parametrize("settings", [None, Settings(call="f", eps=Argument("eps"))])
def test_an_implementation_that_offers_a_default_must_document_it(settings: Settings | None) -> None:
    with pytest.raises(ContractError, match="offers 'default_eps'; expected settings that document a default"):
        implementation(correct, features={"default_eps"}, settings=settings)


def test_the_documented_momentum_is_the_weight_of_the_new_statistics() -> None:
    assert SETTINGS.default_momentum == 1.0 - 0.9
    assert replace(SETTINGS, weighs="new").default_momentum == 0.9
    assert Settings(call="f", momentum=Argument("momentum", "None"), weighs="new").default_momentum is None
