"""The diagnosis names the wrong formula that explains a failure, says where none does, and asks little for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worlds import planted, records
from worlds.searches import SPECS, Here, biased, correct, implementation, searched

from bnconform import Case, Dialect, Implementation, Outcome, Unsupported
from bnconform.analysis.diagnosis import Diagnosis, Diagnostician
from bnconform.analysis.diagnosis.dominant_term import dominating
from bnconform.analysis.diagnosis.evidence import evidence
from bnconform.analysis.diagnosis.matching import Exhibit
from bnconform.analysis.faults import FAULTS, RIGHT, VARIANTS, Fault, perform
from bnconform.cases.shapes import POOL
from bnconform.cases.strategies import Given, Traits, fill
from bnconform.cli.main import main
from bnconform.contract.case import PER_CHANNEL
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.implementation import Described
from bnconform.engine.runner import Runner
from bnconform.engine.target import Target
from bnconform.results.finding import finding

PAIRWISE = next(one for one in VARIANTS if one.name == "in_pairs")
NAMED = {fault.name: fault for fault in FAULTS}
WIDE = Dialect(stats_dtype="float32", params_dtype="float32")
Y, MEAN = "normalizes_by_the_batch", "averages_the_running_mean"
PAIRS = [(fault, dtype) for dtype in DTYPES for fault in FAULTS if dtype in fault.dtypes]


def case(mode: Any = "train", dtype: str = "float32", rank: int = 4, seed: int = 0, **more: Any) -> Case:
    given = Given(mode=mode, **more)
    eps = (1e-5, 1e-3, 0.3)[seed % 3]
    return fill(given, Traits(dtype=dtype), layout=POOL[rank][0], eps=eps, momentum=0.3, absent=(), seed=seed)


def exhibit(fault: Fault, problem: Case) -> Exhibit:
    found = evidence(problem, perform(fault, problem), WIDE)
    assert found is not None
    return Exhibit(found)


def with_fault(*names: str, dialect: Dialect = WIDE, dtypes: Any = frozenset(DTYPES)) -> Implementation:
    """Returns an implementation with one fault, or with the outputs of several in turn: y and the gradients of the
    first, the running statistics of the last."""

    def run(problem: Case) -> Outcome:
        first, last = perform(NAMED[names[0]], problem), perform(NAMED[names[-1]], problem)
        return replace(first, running_mean=last.running_mean, running_var=last.running_var)

    return Implementation(name="bn.norm", run=run, dialect=dialect, dtypes=dtypes)


def diagnosed(about: Implementation | Here, spec: str = Y, dtype: str = "float32") -> Diagnosis:
    host = about if isinstance(about, Here) else Here(about)
    tally = searched(host, spec, dtype=dtype)[spec]
    assert tally.failure is not None
    target = Target(implementation=Described.of(host.implementation), dtype=dtype)
    return Diagnostician(target, Runner(lambda: host, "bn.norm")).diagnose(SPECS[spec], tally.failure)


def names(found: Diagnosis) -> list[str]:
    return [one["fault"] for one in found.likely]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["train", "infer"])
def test_what_a_fault_gives_lies_within_its_own_allowance(mode: str, dtype: str) -> None:
    for seed, rank in ((0, 2), (1, 4), (2, 3)):
        problem = case(mode, dtype, rank, seed, derivatives="second_order" if seed else "first")
        for fault in FAULTS:
            if dtype in fault.dtypes:
                match = exhibit(fault, problem).match(fault)
                assert match is not None, (fault.name, seed)
                assert match.ratio <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_right_formulas_are_odd_nowhere_and_speak_for_no_fault(dtype: str) -> None:
    found = exhibit(RIGHT, case(dtype=dtype, seed=1))
    assert not found.odd
    assert not any(match.shown for fault in FAULTS if dtype in fault.dtypes and (match := found.match(fault)))


@pytest.mark.parametrize(("fault", "dtype"), PAIRS[::16], ids=lambda value: getattr(value, "name", value))
def test_a_planted_fault_is_named_first(fault: Fault, dtype: str) -> None:
    found = planted.diagnosed(fault.name, dtype)
    assert found.spec is not None
    assert found.first, found


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_of_all_planted_faults_nearly_all_are_named_first(dtype: str) -> None:
    tried = [planted.diagnosed(fault.name, dtype) for fault in FAULTS if dtype in fault.dtypes]
    caught = [one for one in tried if one.spec is not None]
    missed = [(one.fault, one.spec, one.found.words) for one in caught if not one.first]
    assert len(caught) == len(tried)
    assert len(missed) <= 0.01 * len(caught), missed


def test_the_words_name_the_fault_and_how_well_it_fits() -> None:
    found = diagnosed(with_fault("epsilon_outside_the_root"))
    assert found.words.startswith("behaves like epsilon outside the root, within 0.")
    assert found.words.endswith(" of the bound")
    (one,) = found.likely
    assert (one["fault"], one["convention"]) == ("epsilon_outside_the_root", False)
    assert one["sentence"] == NAMED["epsilon_outside_the_root"].sentence
    assert 0 < one["ratio"] <= 1


def test_a_known_convention_is_said_to_be_one() -> None:
    found = diagnosed(with_fault("momentum_complemented"), MEAN)
    assert found.words.startswith("behaves like momentum complemented, a known convention, within 0.")


def test_a_declared_choice_does_not_hide_a_fault() -> None:
    def run(problem: Case) -> Outcome:
        wrong = perform(NAMED["epsilon_missing"], problem)
        return replace(wrong, running_var=biased(problem).running_var)

    declared = Dialect(running_var="biased")
    assert names(diagnosed(Implementation(name="bn.norm", run=run, dialect=declared))) == ["epsilon_missing"]
    assert diagnosed(Implementation(name="bn.norm", run=run)).words.startswith("in y alone, ")


def test_faults_that_no_case_tells_apart_are_all_named() -> None:
    def run(problem: Case) -> Outcome:
        if problem.mode == "infer":
            raise Unsupported("training only")
        return perform(NAMED["epsilon_missing"], problem)

    found = diagnosed(Implementation(name="bn.norm", run=run))
    assert names(found) == ["epsilon_missing", "epsilon_missing_in_training"]
    assert "epsilon missing or epsilon missing in training, which no case tells apart, within" in found.words
    one, other = found.likely
    assert one["ratio"] == other["ratio"]


def test_a_second_fault_beside_it_leaves_the_output_of_the_finding() -> None:
    about = with_fault("epsilon_outside_the_root", "momentum_of_a_tenth")
    assert diagnosed(about).words.startswith("in y alone, behaves like epsilon outside the root, within")
    assert diagnosed(about, MEAN).words.startswith("in running_mean alone, behaves like momentum of a tenth, within")


def test_where_no_fault_fits_that_is_said() -> None:
    found = diagnosed(
        implementation(lambda problem: replace(correct(problem), y=correct(problem).y * np.float32(1.37)))
    )
    assert (found.words, found.likely) == ("no known fault explains it", ())
    assert found.shown is not None
    assert found.shown.output == "y"


def test_faults_that_break_the_statement_but_whose_values_are_others_are_not_named() -> None:
    found = diagnosed(
        implementation(lambda problem: replace(correct(problem), y=correct(problem).y * np.float32(1.37)))
    )
    assert (found.likely, found.likewise) == ((), ())


def test_an_error_of_the_size_of_rounding_is_said_to_be_one_and_where() -> None:
    def run(problem: Case) -> Outcome:
        right = correct(problem)
        return replace(right, y=right.y * np.float32(1 + 2e-5) if right.y is not None else None)

    words = diagnosed(implementation(run)).words
    assert words.startswith("no known fault explains it; the error of y is ")
    share, _, hint = words.partition(" of the size of its terms; if rounding makes it, ")
    assert 0 < float(share.rpartition(" ")[2]) <= 2e-5
    assert hint.split(" of the bound is for ")[1].startswith("the ")
    assert words.endswith("; its variance algorithm is two-pass")


def test_float64_computed_in_float32_is_recognized_in_whatever_order_it_adds_up() -> None:
    def run(problem: Case) -> Outcome:
        names = [name for name in (*PER_CHANNEL, "x", "dy") if getattr(problem, name) is not None]
        narrow = {name: getattr(problem, name).astype(np.float32) for name in names}
        found = vars(perform(PAIRWISE, replace(problem, **narrow)))
        return Outcome(**{name: array.astype(np.float64) for name, array in found.items() if array is not None})

    assert names(diagnosed(implementation(run), dtype="float64")) == ["float32_inside_float64"]


def test_a_variance_in_one_pass_is_recognized_in_whatever_order_it_adds_up() -> None:
    one_pass = replace(NAMED["variance_in_one_pass"], numbers=PAIRWISE.numbers)
    assert names(diagnosed(implementation(lambda problem: perform(one_pass, problem)))) == ["variance_in_one_pass"]


def test_what_only_an_odd_problem_shows_is_told_by_how_the_statement_breaks() -> None:
    found = diagnosed(with_fault("empty_batch_poisons_the_averages"), "keeps_its_averages_through_an_empty_batch")
    assert found.words == ("behaves like empty batch poisons the averages, by breaking the statement in the same way")
    assert names(found) == ["empty_batch_poisons_the_averages"]


def test_an_error_in_place_of_an_outcome_has_no_diagnosis() -> None:
    def run(problem: Case) -> Outcome:
        raise RuntimeError("no")

    assert diagnosed(implementation(run)) == Diagnosis()


def test_an_implementation_that_changes_its_mind_is_said_to() -> None:
    calls: list[int] = []

    def run(problem: Case) -> Outcome:
        calls.append(1)
        right = correct(problem)
        return replace(right, y=np.zeros_like(problem.x)) if len(calls) < 40 else right

    host = Here(implementation(run))
    tally = searched(host, Y)[Y]
    assert tally.failure is not None
    calls += [1] * 40
    target = Target(implementation=Described.of(host.implementation), dtype="float32")
    found = Diagnostician(target, Runner(lambda: host, "bn.norm")).diagnose(SPECS[Y], tally.failure)
    assert found == Diagnosis(words="asked again, it gave another answer; no known fault explains it")


SIBLINGS = (Y, "adds_epsilon_inside_the_root", "sends_gradients_through_the_statistics")


@pytest.mark.parametrize("compiled", [False, True])
def test_a_diagnosis_asks_little_and_siblings_share_it(compiled: bool) -> None:
    host = Here(replace(with_fault("epsilon_outside_the_root"), compiled=compiled))
    found, asked = siblings(host, SIBLINGS)
    assert {tuple(names(one)) for one in found.values()} == {("epsilon_outside_the_root",)}
    assert len(asked) <= 12
    fresh = {one.x.shape for one in asked if one.shuffled}
    assert len(fresh) == 1 or not compiled


@pytest.mark.parametrize("fault", ["epsilon_outside_the_root", "float32_inside_float64"])
def test_a_diagnosis_does_not_depend_on_what_was_diagnosed_before(fault: str) -> None:
    about = with_fault(fault)
    found, _ = siblings(Here(about), SIBLINGS, "float64")
    backwards, _ = siblings(Here(about), SIBLINGS[::-1], "float64")
    assert found == backwards
    assert {name: siblings(Here(about), [name], "float64")[0][name] for name in SIBLINGS} == found


def siblings(host: Here, ids: Sequence[str], dtype: str = "float32") -> tuple[dict[str, Diagnosis], list[Case]]:
    """What one Diagnostician says of the failures of these specs, in that order, and the cases that it asked."""
    tallies = searched(host, *SIBLINGS, dtype=dtype)
    target = Target(implementation=Described.of(host.implementation), dtype=dtype)
    one, before = Diagnostician(target, Runner(lambda: host, "bn.norm")), len(host.asked)
    failures = {name: failure for name in ids if (failure := tallies[name].failure) is not None}
    return {name: one.diagnose(SPECS[name], seen) for name, seen in failures.items()}, host.asked[before:]


def test_terms_of_a_bound_are_told_apart() -> None:
    far = replace(case(), x=case().x + np.float32(1e4))
    assert dominating(far, Dialect(), "dgamma", (0,)) is not None
    told = {
        output: dominating(case(), Dialect(), output, (0,) if output != "y" else (0, 0, 0, 0))
        for output in ("y", "dgamma", "dbeta", "running_mean", "running_var")
    }
    assert all(term is not None and 0 < term[1] <= 1 for term in told.values())
    assert told["dbeta"] is not None
    assert told["dbeta"][0] == "the rounding of sums of cotangents"
    assert dominating(case(), Dialect(), "grad_x", (0, 0, 0, 0)) is None


def test_a_finding_carries_its_diagnosis_as_plain_json(tmp_path: Path) -> None:
    about = with_fault("epsilon_outside_the_root")
    tally = searched(about, Y)[Y]
    target = Target(implementation=Described.of(about), dtype="float32")
    record = finding(tally, target, diagnosis=diagnosed(about))
    (read,) = records.write(tmp_path, record).findings
    assert read["explanation"].startswith("behaves like epsilon outside the root")
    assert [sorted(one) for one in read["diagnosis"]] == [["convention", "fault", "ratio", "sentence"]]


ADAPTER = """
from functools import partial
from bnconform import Implementation
from bnconform.analysis.faults import FAULTS, perform
wrong = next(one for one in FAULTS if one.name == "epsilon_outside_the_root")
IMPLEMENTATIONS = [Implementation(name="bn.norm", run=partial(perform, wrong))]
"""


def test_the_screen_the_results_the_report_and_a_replay_tell_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "adapter.py").write_text(ADAPTER, encoding="utf-8")
    about = ["--adapter", str(tmp_path / "adapter.py")]
    call = ["run", "-vv", *about, "--spec", Y, "--dtype", "float32", "--examples", "5", "--out", str(tmp_path / "out")]
    assert main(call) == 1
    words = "behaves like epsilon outside the root, within 0."
    assert f"  diagnosis  {words}" in capfd.readouterr().out
    line = next(one for one in map(json.loads, _lines(tmp_path)) if one["kind"] == "finding")
    assert line["explanation"].startswith(words)
    page = next((tmp_path / "out").glob("framework-*.html")).read_text(encoding="utf-8")
    assert words in page
    (witness,) = (tmp_path / "out" / "witnesses").iterdir()
    assert main(["replay", *about, str(witness)]) == 1
    assert words in capfd.readouterr().out


def _lines(folder: Path) -> list[str]:
    return (folder / "out" / "results.jsonl").read_text(encoding="utf-8").splitlines()


def test_a_failure_with_the_channels_on_the_first_axis_is_shown_in_one_channel() -> None:
    found = planted.diagnosed("channels_read_from_the_last_axis", "float32")
    assert found.first
    assert found.found.shown is not None
    assert found.found.shown.case.channels == 1
    shown = found.found.shown
    assert shown.actual is not None
    assert shown.expected is not None
    assert shown.actual[shown.index] != shown.expected[shown.index]
