"""The self-test: every fault is caught soon, by specs that a run has, and nothing right is."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from worlds.drawing import DTYPES

from bnconform.analysis.faults import FAULTS, VARIANTS
from bnconform.analysis.selftest.score import DECIDING, LEAST, Score, recorded, save, score, sources
from bnconform.analysis.selftest.trial import Trial, targets, try_fault, try_variant
from bnconform.cli.main import main
from bnconform.cli.selftest import table
from bnconform.engine.book import all_specs
from bnconform.engine.tally import Effort

SPECS = list(all_specs())
NAMES = [f"faults.{one.name}" for one in FAULTS]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_faults_are_caught_within_few_examples(dtype):
    trials = [try_fault(one, SPECS, Effort()) for one in targets(NAMES, [dtype])]
    found = score(trials, [])
    missed = [one.subject for one in trials if not one.caught]
    assert found.caught[dtype] / found.faults[dtype] >= LEAST[dtype], missed
    assert found.median <= 5
    assert found.worst <= 100


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("momentum_complemented", "averages_the_running_mean"),
        ("epsilon_outside_the_root", "adds_epsilon_inside_the_root"),
        ("no_momentum_taken_for_the_default", "keeps_its_averages_where_the_new_weigh_nothing"),
        ("second_call_differs", "repeats_itself"),
    ],
)
def test_a_fault_is_caught_by_the_spec_that_states_it(name, spec):
    chosen = [one for one in SPECS if one.id == spec]
    trial = try_fault(targets([f"faults.{name}"], ["float32"])[0], chosen, Effort(examples=20))
    assert trial.caught == (spec,)
    assert 1 <= trial.examples <= 20
    assert trial.ratio > 1


def test_what_no_spec_looks_at_is_not_caught():
    chosen = [one for one in SPECS if one.id == "averages_the_running_mean"]
    trial = try_fault(targets(["faults.dbeta_missing"], ["float32"])[0], chosen, Effort(examples=5))
    assert (trial.caught, trial.examples) == ((), 0)


def test_a_correct_variant_is_left_alone_and_its_values_are_counted():
    chosen = [one for one in SPECS if one.chapter == "normalization"][:4]
    trial = try_variant(targets(["variants.folded"], ["float32"])[0], chosen, Effort(examples=5))
    assert trial.caught == ()
    assert trial.compared > 1000
    assert 0 < trial.ratio <= 1


def test_narrow_variants_are_of_16_bits_only():
    names = [f"variants.{one.name}:narrow" for one in VARIANTS]
    assert {one.dtype for one in targets(names, DTYPES)} == {"float16", "bfloat16"}


CAUGHT = Trial(subject="faults.a", dtype="float32", caught=("one", "two"), examples=3, ratio=7.0)
MISSED = replace(CAUGHT, subject="faults.b", caught=(), examples=0)
ALARM = Trial(subject="variants.c", dtype="float32", caught=("one",), examples=1, compared=10)


def test_a_score_counts_what_trials_say():
    found = score([CAUGHT, MISSED, replace(CAUGHT, examples=9)], [ALARM, replace(ALARM, caught=(), compared=5)])
    assert (found.faults, found.caught) == ({"float32": 3}, {"float32": 2})
    assert (found.median, found.worst, found.compared, found.alarms) == (6, 9, 15, 1)
    assert not found.enough
    assert score([CAUGHT], [replace(ALARM, caught=())]).enough
    assert not score([CAUGHT], [ALARM]).enough


def test_a_score_of_other_sources_is_not_passed_off(tmp_path):
    path = tmp_path / "score.json"
    assert recorded(path) is None
    found = score([CAUGHT], [])
    save(found, path)
    assert recorded(path) == found
    path.write_text(json.dumps({**json.loads(path.read_text()), "sources": "another"}))
    assert recorded(path) is None
    assert len(sources()) == 16


def test_an_installed_package_has_the_digest_of_its_checkout():
    """In the test environment the package is installed from a wheel, which carries the specs inside itself."""
    root = Path(__file__).parents[3]
    files = [path for room in DECIDING for path in (root / "bnconform" / room).rglob("*.py")]
    digest = hashlib.sha256()
    for path in sorted([*files, *(root / "specs").glob("*.py")], key=lambda path: (path.parent.name, path.name)):
        digest.update(path.name.encode() + path.read_bytes())
    assert digest.hexdigest()[:16] == sources()


def test_the_table_says_which_spec_caught_a_fault_and_after_how_many_examples():
    lines = table([CAUGHT, MISSED], ["float16", "float32"])
    assert lines[0] == "a"
    assert lines[1].split(None, 1) == ["float16", "makes no difference in this type"]
    assert lines[2].split(None, 1) == ["float32", "one and 1 more, after 3 examples"]
    assert lines[5].split(None, 1) == ["float32", "NOT CAUGHT"]


@pytest.mark.slow
def test_the_command_prints_figures_and_a_wrong_name_is_said(capsys):
    words = ["selftest", "--dtype", "float32", "--fault", "dbeta_*", "--examples", "5", "--values", "1"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    chosen = sum(one.name.startswith("dbeta_") for one in FAULTS)
    assert f"float32: {chosen} of {chosen} faults caught, 100.0 %" in printed
    assert "0 false alarms" in printed
    assert main(["selftest", "--fault", "no_such"]) == 2
    assert "no such fault" in capsys.readouterr().err


def test_the_catalogue_is_listed(capsys):
    assert main(["list", "faults"]) == 0
    printed = capsys.readouterr().out
    assert "epsilon.epsilon_outside_the_root\n    ε is added to the standard deviation" in printed
    assert f"{len(FAULTS)} faults" in printed


def test_a_score_is_whole():
    with pytest.raises(TypeError):
        Score(faults={}, caught={})  # type: ignore[call-arg]
