"""A run replays what is known, fails for what no longer holds, and proposes what it found; as a user calls it."""

from __future__ import annotations

import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from worlds import tiny

from bnconform.contract.wire import load_case, pack_case
from bnconform.engine.book import specs_folder
from bnconform.results.deviations import load_registry

RUN = ("run", "--adapter", "tiny.py", "--spec", "averages_the_running_mean", "--spec", "normalizes_by_the_batch",
       "--examples", 5, "--out", "out")  # fmt: skip
KNOWN = (*RUN, "--deviations", "known")
MENDED = "def swapped(case): return train(checked(case), case.momentum)\n"
RAISES = "def swapped(case): raise ValueError('no more')\n"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wrong implementation, and a registry in which a run's failure of it was written down."""
    folder = tmp_path_factory.mktemp("recorded")
    tiny.adapter(folder, "swapped")
    assert tiny.bnconform(*RUN, cwd=folder).returncode == 1
    proposed = tiny.bnconform("deviations", "--deviations", "known", "--update", "out", cwd=folder)
    assert (proposed.returncode, proposed.stdout.splitlines()[-1]) == (0, "1 failures were not known yet")
    return folder


@pytest.fixture
def world(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the folder, in which a person has written why."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    rewrite(tmp_path, 'reason = ""', 'reason = "It swaps the weights."')
    rewrite(tmp_path, 'link = ""', 'link = "https://example.org/1"')
    return tmp_path


def rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "known" / "tiny.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def the_failure(folder: Path) -> dict[str, Any]:
    (found,) = [one for one in tiny.lines(folder / "out") if one.get("spec") == "averages_the_running_mean"]
    return found


def test_a_proposal_has_no_reason_and_is_refused_until_it_has(recorded: Path) -> None:
    text = (recorded / "known" / "tiny.toml").read_text(encoding="utf-8")
    assert 'versions = ">=1.2"' in text
    assert 'spec = "averages_the_running_mean", dtypes = ["float32"], quantity = "running_mean"' in text
    said = tiny.bnconform(*KNOWN, cwd=recorded)
    assert said.returncode == 2
    assert "tiny.toml, cause 1: reason is ''; expected a person's words" in said.stderr
    again = tiny.bnconform("deviations", "--deviations", "known", "--update", "out", cwd=recorded)
    assert "0 failures were not known yet" in again.stdout


def test_what_is_known_and_holds_is_no_failure_and_takes_no_search(world: Path) -> None:
    said = tiny.bnconform(*KNOWN, cwd=world)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "1 conforms, 1 fails (known)" in said.stdout
    found = the_failure(world)
    assert (found["verdict"], found["examples"]) == ("fails", 1)
    assert found["known"] == {
        "fault": "implementation", "reason": "It swaps the weights.", "link": "https://example.org/1",
        "defect": "tiny/1", "title": "It swaps the weights.", "severity": "unusual", "effect": "",
    }  # fmt: skip
    assert (world / "out" / found["witness"]).is_file()
    page = (world / "out" / "index.html").read_text(encoding="utf-8")
    assert "It swaps the weights." in page
    assert 'href="https://example.org/1"' in page
    listed = tiny.bnconform("deviations", "--deviations", "known", cwd=world).stdout
    assert "reason  It swaps the weights." in listed
    assert "1 known deviations of 1 causes" in listed


def test_what_no_longer_holds_fails_and_says_which_entry(world: Path) -> None:
    tiny.adapter(world, "swapped", own=MENDED)
    said = tiny.bnconform(*KNOWN, cwd=world)
    assert said.returncode == 1
    assert "stale: tiny.toml, cause 1, finding 1" in said.stdout
    found = the_failure(world)
    assert (found["verdict"], found["known"]["stale"], found["known"]["entry"]) == (
        "conforms", True, "tiny.toml, cause 1, finding 1",
    )  # fmt: skip
    assert "now gives verdict conforms for fails; diagnosis none for" in found["known"]["words"]
    assert "no longer hold" in (world / "out" / "index.html").read_text(encoding="utf-8")
    updated = tiny.bnconform("deviations", "--deviations", "known", "--update", "out", cwd=world)
    assert "to be removed: tiny.toml, cause 1" in updated.stdout


def test_a_changed_signature_fails_with_the_verdict_of_a_search(world: Path) -> None:
    tiny.adapter(world, "swapped", own=RAISES)
    assert tiny.bnconform(*KNOWN, cwd=world).returncode == 1
    found = the_failure(world)
    assert (found["verdict"], found["known"]["stale"]) == ("fails", True)
    assert "quantity none for running_mean; raises ValueError for none" in found["known"]["words"]


def test_another_version_is_searched_as_ever(world: Path) -> None:
    rewrite(world, ">=1.2", ">=1.3")
    assert tiny.bnconform(*KNOWN, cwd=world).returncode == 1
    assert "known" not in the_failure(world)


def test_the_registry_can_be_ignored(world: Path) -> None:
    assert tiny.bnconform(*RUN, "--no-deviations", cwd=world).returncode == 1
    assert "known" not in the_failure(world)


def test_an_entry_of_no_spec_is_a_wrong_call(world: Path) -> None:
    rewrite(world, "averages_the_running_mean", "averages_the_mean")
    said = tiny.bnconform(*KNOWN, cwd=world)
    assert said.returncode == 2
    assert "there is no spec 'averages_the_mean'; did you mean" in said.stderr


def test_pytest_counts_a_known_failure_as_expected_and_junit_has_its_reason(world: Path) -> None:
    code = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    folder = specs_folder()
    words = ["-p", "no:cacheprovider", f"--bn-specs={folder}", "--bn-adapter=tiny.py", "--bn-examples=5",
             "--bn-spec=averages_the_running_mean", "--bn-deviations=known", "--junitxml=junit.xml",
             f"--rootdir={folder.parent}", str(folder)]  # fmt: skip
    said = tiny.subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=world,
        env=tiny.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    (test,) = ET.parse(world / "junit.xml").iter("testcase")
    (skipped,) = test.iter("skipped")
    assert skipped.get("type") == "pytest.xfail"
    properties = {one.get("name"): one.get("value") for one in test.iter("property")}
    assert properties["known_link"] == "https://example.org/1"
    assert properties["known_reason"] == "It swaps the weights."


def test_workers_know_what_is_known(world: Path) -> None:
    assert tiny.bnconform(*KNOWN, "-n", 2, cwd=world).returncode == 0


def test_a_proposal_holds_the_witness_of_the_run(world: Path) -> None:
    (known,) = load_registry(world / "known").deviations
    witness = world / "out" / the_failure(world)["witness"]
    assert pack_case(known.witness) == pack_case(load_case(witness)[0])
    said = tiny.bnconform("replay", witness, "--adapter", "tiny.py", cwd=world)
    assert said.returncode == 1
    assert "fails: averages_the_running_mean" in said.stdout
