"""What takes cases for a feature alone is asked nothing else, and its plan counts nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from worlds import tiny

from bnconform import Case, Implementation, Outcome
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Described
from bnconform.contract.reply import NotOffered
from bnconform.contract.shards import EQUAL
from bnconform.contract.shards import FEATURES as SHARDS
from bnconform.engine.book import all_specs
from bnconform.engine.runner import Runner
from bnconform.engine.selection import is_asked
from bnconform.engine.target import Target

FOLDER = Implementation(name="mine.fold", run=lambda case: Outcome(), features={"fold"}, only={"fold"})


def test_only_statements_about_its_feature_are_asked_of_it() -> None:
    target = Target(implementation=Described.of(FOLDER), dtype="float32")
    assert {one.chapter for one in all_specs() if is_asked(one, target)} == {"folding"}
    whole = Target(implementation=Described.of(Implementation(name="mine.bn", run=FOLDER.run)), dtype="float32")
    assert all(is_asked(one, whole) for one in all_specs())


def test_of_replicas_only_the_statements_about_shards_that_they_take_are_asked() -> None:
    replicas = Implementation(name="mine.sync", run=FOLDER.run, features=SHARDS, only=SHARDS)
    equal = Implementation(name="mine.spmd", run=FOLDER.run, features={EQUAL}, only={EQUAL})
    asked = {
        one.name: [spec for spec in all_specs() if is_asked(spec, target)]
        for one in (replicas, equal)
        for target in [Target(implementation=Described.of(one), dtype="float32")]
    }
    assert {spec.chapter for spec in asked["mine.sync"]} == {"synchronized"}
    assert {spec.given.manner for spec in asked["mine.sync"]} == {"equal_shards", "unequal_shards", "empty_shard"}
    assert {spec.given.manner for spec in asked["mine.spmd"]} == {"equal_shards"}


def test_no_other_case_reaches_it() -> None:
    one = np.ones(2)
    case = Case(mode="infer", x=np.ones((3, 2)), gamma=one, beta=one, running_mean=one, running_var=one, eps=1.0,
                momentum=0.5)  # fmt: skip
    target = Target(implementation=Described.of(FOLDER), dtype="float64")
    runner = Runner.of(target, lambda: pytest.fail("a host was started"))
    assert runner(case) == NotOffered("it takes cases for fold alone")


def test_it_takes_cases_for_its_own_features_alone() -> None:
    with pytest.raises(ContractError, match=r"only is .*; expected some of its own features"):
        Implementation(name="mine.fold", run=FOLDER.run, only={"fold"})


def test_its_description_travels() -> None:
    described = Described.of(FOLDER)
    assert Described.from_json(json.loads(json.dumps(described.to_json()))) == described


ADAPTER = """
import numpy as np
from bnconform import Implementation, Outcome
from bnconform.contract.axes import along

def fold(case):
    gamma, beta = (1, 0) if case.gamma is None else (case.gamma, case.beta)
    slope = gamma / np.sqrt(case.running_var + case.x.dtype.type(case.eps))
    bias = 0 if case.bias is None else case.bias
    folded = case.x * along(slope, case.x.ndim, case.axis)
    return Outcome(folded_weight=folded, folded_bias=(bias - case.running_mean) * slope + beta)

IMPLEMENTATIONS = [
    Implementation(name="mine.fold", run=fold, features={"fold"}, only={"fold"}, dtypes={"float32"})
]
"""


def test_a_run_of_it_is_complete_and_has_no_other_findings(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(ADAPTER)
    done = tiny.bnconform("run", "--adapter", "mine.py", "--examples", 20, "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = tiny.lines(tmp_path / "out")
    found = {one["spec"]: one["verdict"] for one in lines if one["kind"] == "finding"}
    assert found == {one.id: "conforms" for one in all_specs() if one.chapter == "folding"}
    assert lines[0]["plan"]["items"] == len(found) > 5
    assert lines[-1]["kind"] == "end"
