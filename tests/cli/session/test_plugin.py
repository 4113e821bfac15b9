"""Specs are pytest's own items: selection, last-failed, JUnit, workers and exit status are pytest's."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET

import pytest
from worlds import tiny

USAGE_ERROR = 4
RIGHT, SWAPPED = "tiny.right-float32-cpu", "tiny.swapped-float32-cpu"


@pytest.fixture
def world(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with specs, an adapter and the settings that name them."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini("[pytest]\nbnconform_specs = specs\n")
    pytester.mkdir("specs").joinpath("chapter.py").write_text(tiny.SPECS, encoding="utf-8")
    tiny.adapter(pytester.path, "right", "swapped")
    return pytester


def judge(world: pytest.Pytester, *words: str, specs: str = "specs") -> pytest.RunResult:
    return world.runpytest_subprocess(specs, "--bn-adapter", "tiny.py", "--bn-examples", "3", "--bn-in-process", *words)


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    return {word: count for word, count in result.parseoutcomes().items() if word not in ("seconds", "second")}


def test_it_is_silent_and_idle_unless_specs_are_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing_heavy_is_imported():
            assert "bnconform.cli.session.plugin" in sys.modules
            heavy = {"hypothesis", "bnconform.cli.session.session", "bnconform.cli.session.start"}
            assert heavy.isdisjoint(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(passed=1)
    assert "bnconform" not in result.stdout.str() + result.stderr.str()


def test_it_is_idle_where_the_specs_are_known_but_other_tests_are_asked_for(world: pytest.Pytester) -> None:
    world.mkdir("tests").joinpath("test_one.py").write_text(
        "import sys\ndef test_one(): assert 'bnconform.cli.session.session' not in sys.modules\n"
    )
    result = world.runpytest_subprocess("tests", "-q")
    result.assert_outcomes(passed=1)
    assert "bnconform" not in result.stdout.str()


def test_every_spec_is_an_item_and_a_failure_shows_what_was_stated_and_found(world: pytest.Pytester) -> None:
    result = judge(world)
    assert result.ret == 1
    assert outcomes(result) == {"conforms": 3, "failed": 1}
    text = result.stdout.str()
    assert "tiny.right float32: 2 conforms; nearest to its bound 0." in text
    assert "tiny.swapped float32: 1 conforms, 1 fails; " in text
    assert "; not kept: averages_tiny" in text
    assert "3 conforms, 1 fails" in text
    result.stdout.fnmatch_lines(
        [
            "fails: tiny.swapped 1.2, float32, cpu",
            "  statement  Training averages the mean.",
            "  equation   m = n",
            "  source     a paper",
            "  found      running_mean[[]0] is *; expected * ± *: * times the bound*",
            "  witness    mode = train",
            "  witness    x = *",
        ]
    )
    assert "Traceback" not in text


def test_items_of_one_implementation_stand_together(world: pytest.Pytester) -> None:
    result = judge(world, "--collect-only", "-q")
    assert result.ret == 0
    items = [f"{spec}_tiny[[]{group}]" for group in (RIGHT, SWAPPED) for spec in ("normalizes", "averages")]
    result.stdout.fnmatch_lines([f"specs/chapter.py::{item}" for item in items])


def test_k_and_ids_of_items_choose(world: pytest.Pytester) -> None:
    assert outcomes(judge(world, "-k", "swapped and averages")) == {"failed": 1, "deselected": 3}
    result = judge(world, specs=f"specs/chapter.py::normalizes_tiny[{RIGHT}]")
    assert (result.ret, outcomes(result)) == (0, {"conforms": 1})


def test_an_option_chooses_specs_of_the_folder(world: pytest.Pytester) -> None:
    assert outcomes(judge(world, "--bn-spec", "normalizes*")) == {"conforms": 2}


def test_last_failed_runs_only_what_failed(world: pytest.Pytester) -> None:
    judge(world)
    result = judge(world, "--lf", "-v")
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines([f"*averages_tiny[[]{SWAPPED}[]] FAILS*"])


def test_x_stops_at_the_first_failure(world: pytest.Pytester) -> None:
    tiny.adapter(world.path, "swapped", "right", "refuses")
    result = judge(world, "-x")
    assert result.ret == 1
    assert outcomes(result) == {"conforms": 1, "failed": 1}


@pytest.mark.slow
def test_two_workers_find_the_same_as_none(world: pytest.Pytester) -> None:
    alone = judge(world, "--bn-out", "alone")
    shared = judge(world, "--bn-out", "shared", "-n", "2")
    assert (shared.ret, outcomes(shared)) == (alone.ret, outcomes(alone))
    found = [sorted((one for one in tiny.lines(world.path / out) if one["kind"] == "finding"),
                    key=lambda one: (one["implementation"], one["spec"])) for out in ("alone", "shared")]  # fmt: skip
    assert found[0] == found[1]
    assert tiny.lines(world.path / "shared")[-1]["verdicts"] == {"conforms": 3, "fails": 1}
    assert len(list((world.path / "shared").glob("witnesses/*.safetensors"))) == 1


def test_junit_tells_the_verdict_the_ratio_and_why_an_item_was_skipped(world: pytest.Pytester) -> None:
    tiny.adapter(world.path, "right", "swapped", "refuses")
    result = judge(world, "--junitxml", "junit.xml")
    assert outcomes(result) == {"conforms": 3, "failed": 1, "unsupported": 2}
    tests = {one.get("name"): one for one in ET.parse(world.path / "junit.xml").iter("testcase")}
    told = {name: {one.get("name"): one.get("value") for one in test.iter("property")} for name, test in tests.items()}
    assert told[f"normalizes_tiny[{RIGHT}]"]["verdict"] == "conforms"
    assert 0 < float(told[f"normalizes_tiny[{RIGHT}]"]["worst_ratio"] or "nan") <= 1
    assert told[f"averages_tiny[{SWAPPED}]"]["verdict"] == "fails"
    assert "times the bound" in (tests[f"averages_tiny[{SWAPPED}]"].findtext("failure") or "")
    skips = [one.get("message") for test in tests.values() for one in test.iter("skipped")]
    assert skips == ["no such thing"] * 2


def test_a_broken_adapter_fails_its_item_and_is_named(world: pytest.Pytester) -> None:
    tiny.adapter(world.path, "misshapen", "right")
    result = judge(world)
    assert result.ret == 1
    assert outcomes(result) == {"conforms": 2, "failed": 2}
    reason = "  found      the adapter is broken: tiny.misshapen returned y of shape*"
    result.stdout.fnmatch_lines(["broken adapter: tiny.misshapen 1.2*", reason])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--bn-spec", "normalises_tiny"), "did you mean 'normalizes_tiny'?"),
        (("--bn-dtype", "float31"), "ERROR: --dtype float31: unknown dtype; expected one of"),
        (("--bn-examples", "ten"), "argument --bn-examples: invalid int value: 'ten'"),
    ],
)
def test_a_wrong_value_is_a_usage_error_without_a_traceback(
    world: pytest.Pytester, words: tuple[str, ...], message: str
) -> None:
    result = judge(world, *words, "--bn-out", "out")
    assert result.ret == USAGE_ERROR
    assert message in result.stderr.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()
    assert not os.path.exists(world.path / "out")


def test_ordinary_tests_run_beside_specs(world: pytest.Pytester) -> None:
    world.makepyfile(test_ordinary="def test_ordinary(): pass\n")
    result = judge(world, "--bn-implementation", "tiny.right", specs=".")
    assert (result.ret, outcomes(result)) == (0, {"passed": 1, "conforms": 2})
