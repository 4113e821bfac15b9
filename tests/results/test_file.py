"""Results files: strict, flushed line by line, read back with the place of what is wrong, merged by run."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path
from typing import Any, NoReturn

import ml_dtypes
import numpy as np
import pytest
from worlds import records as world

from bnconform.contract.case import Case
from bnconform.contract.errors import ContractError
from bnconform.results import writer as writing
from bnconform.results.file import merge, read_results, write_pages
from bnconform.results.records import LARGEST, case_record, plain
from bnconform.results.writer import ResultsWriter


def strict(line: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} in a results file")

    return json.loads(line, parse_constant=refuse)


def lines(out: Path) -> list[str]:
    return (out / "results.jsonl").read_text(encoding="utf-8").splitlines()


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    results = world.write(tmp_path, world.finding(), world.finding(dtype="float64", verdict="fails", worst_ratio=3.0))
    assert results.run == world.run()
    assert [finding["dtype"] for finding in results.findings] == ["float32", "float64"]
    assert results.end is not None
    assert results.end["findings"] == 2
    assert results.end["verdicts"] == {"conforms": 1, "fails": 1}
    assert not results.interrupted
    assert read_results(tmp_path / "results.jsonl") == results


def test_every_line_is_on_disk_before_the_next(tmp_path: Path) -> None:
    writer = ResultsWriter(tmp_path)
    writer.run(world.run())
    assert strict(lines(tmp_path)[0])["schema"] == 1
    writer.finding(world.finding())
    assert strict(lines(tmp_path)[1])["spec"] == "normalizes_by_the_batch"
    with writer:
        pass
    assert read_results(tmp_path).interrupted


def test_an_exception_leaves_an_interrupted_run(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), ResultsWriter(tmp_path) as writer:  # noqa: PT012
        writer.run(world.run())
        raise RuntimeError
    assert read_results(tmp_path).interrupted


def test_numbers_that_are_not_finite_stay_strict_json(tmp_path: Path) -> None:
    detail = {**world.DETAIL, "actual": math.nan, "actual_values": np.array([[math.inf, -math.inf], [math.nan, 1]])}
    world.write(tmp_path, world.finding(verdict="fails", worst_ratio=math.inf, detail=detail))
    found = strict(lines(tmp_path)[1])
    assert found["worst_ratio"] == LARGEST
    assert found["detail"]["actual"] == "nan"
    assert found["detail"]["actual_values"] == [["inf", "-inf"], ["nan", 1.0]]


def test_a_ratio_that_is_not_a_number_is_the_worst(tmp_path: Path) -> None:
    results = world.write(tmp_path, world.finding(verdict="fails", worst_ratio=math.nan))
    assert results.findings[0]["worst_ratio"] == LARGEST


def test_plain_keeps_every_value_of_narrow_types() -> None:
    assert plain(np.array([1.5, 2.0], ml_dtypes.bfloat16)) == [1.5, 2.0]
    assert plain(np.float16(0.1)) == float(np.float16(0.1))
    assert plain({"a": (np.int64(3), np.bool_(True), None)}) == {"a": [3, True, None]}


def test_a_case_record_holds_the_case() -> None:
    x = np.array([[1, 2], [3, np.inf]], np.float32)
    gamma = np.ones(2, np.float32)
    case = Case(mode="train", x=x, gamma=gamma, beta=None, running_mean=None, running_var=None, eps=1e-5, momentum=0.1)
    record = case_record(case)
    assert record["x"] == [[1.0, 2.0], [3.0, "inf"]]
    assert (record["shape"], record["dtype"], record["beta"]) == ([2, 2], "float32", None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"verdict": "passes"}, "verdict is 'passes'"),
        ({"examples": "many"}, "examples is 'many'"),
        ({"detail": {"actual": object()}}, "detail.actual is <object"),
    ],
)
def test_a_line_that_breaks_the_contract_is_not_written(tmp_path: Path, changed: Any, message: str) -> None:
    with ResultsWriter(tmp_path) as writer:
        writer.run(world.run())
        with pytest.raises(ContractError, match=message):
            writer.finding(world.finding(**changed))
    assert len(lines(tmp_path)) == 1


def test_a_damaged_last_line_is_an_interruption(tmp_path: Path) -> None:
    world.write(tmp_path, world.finding(reason="größer"))
    content = (tmp_path / "results.jsonl").read_bytes()
    for cut in (content[:-10], content[: content.index("ö".encode()) + 1], content[: content.rindex(b"\n{")]):
        (tmp_path / "results.jsonl").write_bytes(cut)
        assert read_results(tmp_path).interrupted


@pytest.mark.parametrize(
    ("number", "line", "message"),
    [
        (1, '{"kind": "finding"}', "line 1: a finding line lacks spec"),
        (1, "hello", "line 1: not a line of results"),
        (1, '{"kind": "run", "schema": 2}', "line 1: schema is 2; this bnconform reads schema 1"),
        (1, json.dumps(world.run(schema=2)), "line 1: schema is 2"),
        (1, json.dumps(world.run(specs=[{"id": "a"}])), "line 1: specs\\[0\\] lacks chapter"),
        (2, '{"kind": "find', "line 2: not a line of results"),
        (2, '{"kind": "other"}', "line 2: expected an object whose kind"),
        (2, json.dumps(world.finding(worst_ratio=math.inf)), "line 2: .*Infinity is not JSON"),
        (2, json.dumps(world.run()), "line 2: a run line, which belongs elsewhere"),
        (
            2,
            json.dumps({"kind": "end", "findings": 0, "verdicts": {}, "seconds": 1, "exit_status": 0}),
            "line 2: a end",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, number: int, line: str, message: str) -> None:
    world.write(tmp_path, world.finding(), world.finding(dtype="float64"))
    changed = lines(tmp_path)
    changed[number - 1] = line
    (tmp_path / "results.jsonl").write_text("\n".join(changed) + "\n", encoding="utf-8")
    with pytest.raises(ContractError, match=message) as raised:
        read_results(tmp_path)
    assert "results.jsonl" in str(raised.value)


def test_a_lost_line_is_noticed(tmp_path: Path) -> None:
    world.write(tmp_path, world.finding(), world.finding(dtype="float64"))
    kept = lines(tmp_path)
    (tmp_path / "results.jsonl").write_text("\n".join([kept[0], *kept[2:]]) + "\n", encoding="utf-8")
    with pytest.raises(ContractError, match="1 findings, but the end line counts 2"):
        read_results(tmp_path)


def test_what_is_absent_or_empty_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot be read"):
        read_results(tmp_path)
    (tmp_path / "results.jsonl").touch()
    with pytest.raises(ContractError, match="empty"):
        read_results(tmp_path)


def test_a_file_that_cannot_be_written_is_noted_in_its_finding_which_stays(tmp_path: Path) -> None:
    found = world.finding(witness="witnesses/a.safetensors", reproduce="reproduce/a.py")
    with ResultsWriter(tmp_path) as writer:
        writer.run(world.run())
        (tmp_path / "reproduce").write_text("in the way")
        writer.finding(found, {"witnesses/a.safetensors": b"w", "reproduce/a.py": b"r"})
    (read,) = read_results(tmp_path).findings
    assert (read["witness"], read["reproduce"]) == ("witnesses/a.safetensors", None)
    assert read["notes"] == found["notes"] == ["reproduce/a.py could not be written: File exists"]
    assert [json.loads(line)["kind"] for line in lines(tmp_path)] == ["run", "finding", "note"]


def test_a_finding_is_on_disk_before_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    with ResultsWriter(tmp_path) as writer:
        writer.run(world.run())
        monkeypatch.setattr(writer.folder, "keep", lambda name, content: seen.append(len(lines(tmp_path))) or "")
        writer.finding(world.finding(witness="witnesses/a.safetensors"), {"witnesses/a.safetensors": b"w"})
    assert seen == [2]


def test_a_line_that_cannot_be_written_whole_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ResultsWriter(tmp_path) as writer:
        writer.run(world.run())
        with monkeypatch.context() as patched:

            def half(descriptor: int, content: bytes) -> None:
                os.write(descriptor, content[: len(content) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")

            patched.setattr(writing, "write_all", half)
            with pytest.raises(OSError, match="No space"):
                writer.finding(world.finding())
        writer.finding(world.finding(dtype="float64"))
    assert [one["dtype"] for one in read_results(tmp_path).findings] == ["float64"]


def test_an_end_line_of_fewer_findings_than_were_planned_is_refused(tmp_path: Path) -> None:
    plan = {"items": 2, "targets": [{"implementation": "mini.batch_norm", "dtype": "float32"}]}
    with pytest.raises(ContractError, match="1 findings, but its plan has 2"):
        world.write(tmp_path, world.finding(), plan=plan)
    assert world.write(tmp_path / "b", world.finding(), end=False, plan=plan).planned == 2


def test_the_files_of_an_earlier_run_stand_until_the_first_finding(tmp_path: Path) -> None:
    before = world.write(tmp_path, world.finding())
    (tmp_path / "index.html").write_text('<meta name="generator" content="bnconform">', encoding="utf-8")
    with ResultsWriter(tmp_path) as writer:
        writer.run(world.run(seed=7))
    assert read_results(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".bnconform", "index.html", "results.jsonl"]
    with ResultsWriter(tmp_path) as writer:
        writer.run(world.run(seed=7))
        writer.finding(world.finding(dtype="float64"))
    assert read_results(tmp_path).run["seed"] == 7
    assert not (tmp_path / "index.html").exists()


def test_pages_of_somebody_else_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my own page")
    with pytest.raises(ContractError, match=r"index.html is no page that bnconform wrote"):
        write_pages(tmp_path, {"index.html": "<html>"})
    assert (tmp_path / "index.html").read_text() == "my own page"


@pytest.mark.parametrize("name", ["a.sarif", "summary.md", "badge.svg"])
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").write_text("mine")
    for make in (os.mkfifo, os.mkdir, lambda path: os.symlink(tmp_path / "mine", path)):
        path = tmp_path / f"of-{make.__name__}" / name
        path.parent.mkdir()
        make(path)
        before = path.lstat()
        with pytest.raises(ContractError, match="is no ordinary file; expected the name of one to write, and no link"):
            write_pages(path.parent, {name: "text"})
        assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
        assert list(path.parent.iterdir()) == [path]
    assert (tmp_path / "mine").read_text() == "mine"


def test_merge_keeps_the_later_run_of_the_same_and_both_of_two_versions(tmp_path: Path) -> None:
    later = world.write(tmp_path / "b", world.finding(worst_ratio=0.5), started="2026-11-22T00:00:00+00:00")
    earlier = world.write(tmp_path / "a", world.finding(worst_ratio=0.4), world.finding(version="0.9"))
    merged = merge([later, earlier])
    assert merged.runs == (earlier, later)
    ratios = {finding["version"]: finding["worst_ratio"] for _, finding in merged.findings}
    assert ratios == {"1.0": 0.5, "0.9": 0.31}
    assert not merged.interrupted
