"""Results of a stranger: what is wrong with a line is told in one line, with its place, and never by a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from worlds import hostile
from worlds.hostile import DEEP, end_line, full_defect, full_finding, full_run, removed, replaced, write_lines

from bnconform.cli.main import main
from bnconform.contract.errors import ContractError
from bnconform.results.file import read_results
from bnconform.results.schema import check_record

LONG = "a" * 100_000
CASE = ("detail", "case")
WRONG_FINDINGS: list[tuple[hostile.Place, Any, str]] = [
    (("diagnosis",), {}, "diagnosis is {}; expected a list"),
    (("diagnosis", 0), "a", "diagnosis[0] is 'a'; expected an object"),
    (("diagnosis", 0), {}, "diagnosis[0] lacks fault, sentence, ratio, convention"),
    (("diagnosis", 0, "ratio"), "a", "diagnosis[0].ratio is 'a'; expected a number"),
    (("diagnosis", 0, "ratio"), None, "diagnosis[0].ratio is None; expected a number"),
    (("diagnosis", 0, "sentence"), 3, "diagnosis[0].sentence is 3; expected a text"),
    (("detail",), [], "detail is []; expected an object or null"),
    (("detail", "index"), {"a": 1}, "detail.index is {'a': 1}; expected a list or null"),
    (("detail", "index"), [1.0, 0], "detail.index has 1.0; expected whole numbers"),
    (("detail", "index"), [-1, 0], "detail.index[0] is -1; expected a number of at least 0"),
    (("detail", "actual"), [1], "detail.actual is [1]; expected a number or a text or null"),
    (("detail", "actual"), "five", "detail.actual is 'five'; expected a number, the text nan, inf or -inf, or null"),
    (("detail", "actual_values"), {"a": 1}, "detail.actual_values is {'a': 1}; expected"),
    (("detail", "actual_values"), [[1, None]], "detail.actual_values[0][1] is None; expected"),
    (("detail", "bound_values"), [["x"]], "detail.bound_values[0][0] is 'x'; expected a number"),
    (("detail", "expected_values"), [10**400], "detail.expected_values[0] is 1000"),
    (("detail", "traceback"), ["a"], "detail.traceback is ['a']; expected a text or null"),
    (("detail", "stderr"), LONG, "detail.stderr has 100,000 characters; expected at most 20,000"),
    (CASE, 7, "detail.case is 7; expected an object or null"),
    (CASE, {}, "detail.case lacks mode, dtype, shape, axis"),
    ((*CASE, "shape"), "2 x 3", "detail.case.shape is '2 x 3'; expected a list"),
    ((*CASE, "shape"), [2, -3], "detail.case.shape[1] is -3; expected a number of at least 0"),
    ((*CASE, "shape"), [2, 3.0], "detail.case.shape has 3.0; expected whole numbers"),
    ((*CASE, "shape"), [10**9, 10**9], "detail.case.x has 6 values; expected the 1,000,000,000,000,000,000 of"),
    ((*CASE, "shape"), [1] * 33, "detail.case.shape has 33 items; expected at most 32"),
    ((*CASE, "shape"), [6], "detail.case.shape has 1 items; expected at least 2"),
    ((*CASE, "axis"), "1", "detail.case.axis is '1'; expected a whole number"),
    ((*CASE, "axis"), 5, "detail.case.axis is 5; expected one of the 2 axes of detail.case.shape"),
    ((*CASE, "axis"), True, "detail.case.axis is True; expected a whole number"),
    ((*CASE, "eps"), None, "detail.case.eps is None; expected a number"),
    ((*CASE, "momentum"), "half", "detail.case.momentum is 'half'; expected a number, or the text nan"),
    ((*CASE, "x"), None, "detail.case.x is None; expected a list"),
    ((*CASE, "x"), [[1, 2], [3, 4]], "detail.case.x has 4 values; expected the 6 of detail.case.shape"),
    ((*CASE, "gamma"), {"0": 1}, "detail.case.gamma is {'0': 1}; expected"),
    ((*CASE, "dy"), json.loads("[" * 40 + "1" + "]" * 40), "detail.case.dy is nested in more than 32 levels"),
    (("detail", "shown"), None, "detail.shown is None; expected an object"),
    (("detail", "shown", "case"), None, "detail.shown.case is None; expected an object"),
    (
        ("detail", "shown", "case", "x"),
        [],
        "detail.shown.case.x has 0 values; expected the 6 of detail",
    ),
    (("detail", "shown", "expected_values"), [1.0], "detail.shown.expected_values has 1 values; expected the 6 of"),
    (
        ("detail", "shown", "actual_values"),
        None,
        "detail.shown lacks the values of 'y'; expected those",
    ),
    (("likewise",), "a", "likewise is 'a'; expected a list"),
    (("missing",), "all", "missing is 'all'; expected one of not offered, not taken, refused, not asked, no claim"),
    (("known",), None, "known is None; expected an object"),
    (("known",), {"fault": "adapter"}, "known lacks reason, link"),
    (("known", "reason"), None, "known.reason is None; expected a text"),
    (("known", "fault"), "nobody", "known.fault is 'nobody'; expected one of implementation, adapter, by-design"),
    (("known",), {"fault": "adapter", "reason": "", "link": "", "stale": True}, "known lacks entry, words"),
    (("witness",), "../../../../etc/passwd", "witness is '../../../../etc/passwd'; expected the path of a file in the"),
    (("witness",), "witnesses/../../a", "witness is 'witnesses/../../a'; expected the path"),
    (("witness",), "/etc/passwd", "witness is '/etc/passwd'; expected the path"),
    (("witness",), "..", "witness is '..'; expected the path"),
    (("witness",), "", "witness is ''; expected the path"),
    (("witness",), "a//b", "witness is 'a//b'; expected the path"),
    (("reproduce",), "..\\a.py", r"reproduce is '..\\a.py'; expected the path"),
    (("reproduce",), "C:/a.py", "reproduce is 'C:/a.py'; expected the path"),
    (("reproduce",), "javascript:alert(1)", "reproduce is 'javascript:alert(1)'; expected the path"),
    (("reproduce",), "a\nb", r"reproduce is 'a\nb'; expected the path"),
    (("reproduce",), "b/" * 600 + "a", "reproduce has 1,201 characters; expected at most 1,000"),
    (("implementation",), LONG, "implementation has 100,000 characters; expected at most 200"),
    (("dtype",), LONG, "dtype has 100,000 characters; expected at most 200"),
    (("reason",), LONG, "reason has 100,000 characters; expected at most 20,000"),
    (("worst_ratio",), -1, "worst_ratio is -1; expected a number of at least 0"),
    (("worst_ratio",), 10**400, "worst_ratio is 1000"),
    (
        ("examples",),
        10**30,
        "examples is 1000000000000000000000000000000; expected a number of at most",
    ),
    (("claimed",), 2, "claimed is 2; expected a number of at most 1"),
    (("verdict",), ["fails"], "verdict is ['fails']; expected a text"),
    (("quantity",), {"a\nb": LONG}, "quantity is {'a\\nb':"),
]
WRONG_RUNS: list[tuple[hostile.Place, Any, str]] = [
    (("schema",), 2, "schema is 2; this bnconform reads schema 1"),
    (("specs",), {}, "specs is {}; expected a list"),
    (("specs", 0), ["id"], "specs[0] is ['id']; expected an object"),
    (("specs", 0, "latex"), None, "specs[0].latex is None; expected a text"),
    (("specs", 0, "id"), LONG, "specs[0].id has 100,000 characters; expected at most 200"),
    (("implementations", 0, "name"), 5, "implementations[0].name is 5; expected a text"),
    (("implementations", 0, "dtypes"), "float32", "implementations[0].dtypes is 'float32'; expected a list"),
    (("implementations", 0, "dtypes"), [LONG], "implementations[0].dtypes[0] has 100,000 characters"),
    (("implementations", 0, "dialect"), [], "implementations[0].dialect is []; expected an object"),
    (("implementations", 0, "dialect"), {"variance": []}, "implementations[0].dialect.variance is []; expected"),
    (("implementations", 0, "dialect"), {LONG: "a"}, "implementations[0].dialect has a field whose name is"),
    (("implementations", 0, "dialect"), {f"{LONG}\n": []}, "implementations[0].dialect.aaaaa"),
    (("implementations", 0, "links"), {"variance": None}, "implementations[0].links.variance is None; expected a text"),
    (("implementations", 0, "settings"), "a", "implementations[0].settings is 'a'; expected an object or null"),
    (("implementations", 0, "settings", "eps"), 1e-5, "implementations[0].settings.eps is 1e-05; expected an object"),
    (("implementations", 0, "settings", "eps"), {}, "implementations[0].settings.eps lacks name, default, link"),
    (("implementations", 0, "settings", "offers"), None, "implementations[0].settings.offers is None; expected a list"),
    (("selftest",), "good", "selftest is 'good'; expected an object or null"),
    (("selftest",), {}, "selftest lacks faults, caught, median"),
    (("selftest", "caught"), {}, "selftest.caught lacks 'float32'; expected every dtype of selftest.faults"),
    (("selftest", "median"), "a", "selftest.median is 'a'; expected a number"),
    (("environment",), {}, "environment lacks python, platform"),
    (("environment", "python"), [3, 11], "environment.python is [3, 11]; expected a text"),
    (("versions",), {"mini": 1}, "versions.mini is 1; expected a text"),
    (("missing", 0), {}, "missing[0] lacks adapter, needs"),
    (("broken", 0, "message"), None, "broken[0].message is None; expected a text"),
    (("command",), [1], "command[0] is 1; expected a text"),
    (("timeout",), "long", "timeout is 'long'; expected a number"),
    (("seed",), 0.5, "seed is 0.5; expected a whole number"),
]


def message(place: Path) -> str:
    """What `read_results` says of a file."""
    with pytest.raises(ContractError) as raised:
        read_results(place)
    told = str(raised.value)
    assert "\n" not in told
    assert len(told.removeprefix(str(place))) < 600
    assert told.startswith(str(place))
    return told


def ids(case: Any) -> str | None:
    return ".".join(map(str, case)) if isinstance(case, tuple) else None if isinstance(case, str) else ""


@pytest.mark.parametrize(("at", "value", "words"), WRONG_FINDINGS, ids=ids)
def test_what_is_wrong_in_a_finding_is_told_with_its_place(tmp_path: Path, at: Any, value: Any, words: str) -> None:
    file = write_lines(tmp_path, full_run(), replaced(full_finding(), at, value), end_line())
    assert f", line 2: {words}" in message(file)


@pytest.mark.parametrize(("at", "value", "words"), WRONG_RUNS, ids=ids)
def test_what_is_wrong_in_a_run_is_told_with_its_place(tmp_path: Path, at: Any, value: Any, words: str) -> None:
    file = write_lines(tmp_path, replaced(full_run(), at, value), full_finding(), end_line())
    assert f", line 1: {words}" in message(file)


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (("script",), "../../a.py", "script is '../../a.py'; expected the path of a file in the folder"),
        (("shown",), ["a"] * 5, "shown has 5 items; expected at most 4"),
        (("status",), "1", "status is '1'; expected a whole number or null"),
        (("known",), None, "known is None; expected true or false"),
        (("id",), LONG, "id has 100,000 characters; expected at most 1,000"),
    ],
)
def test_what_is_wrong_in_a_defect_is_told_with_its_place(tmp_path: Path, at: Any, value: Any, words: str) -> None:
    file = write_lines(tmp_path, full_run(), full_finding(), replaced(full_defect(), at, value), end_line())
    assert f", line 3: {words}" in message(file)


def test_the_full_records_are_right(tmp_path: Path) -> None:
    file = write_lines(tmp_path, full_run(), full_finding(), full_defect(), end_line())
    assert read_results(file).findings == (full_finding(),)
    assert read_results(file).defects == (full_defect(),)


@pytest.mark.parametrize("name", ["kind", *sorted(set(full_finding()) - {"kind"})])
def test_a_finding_without_a_field_is_refused_or_as_good(tmp_path: Path, name: str) -> None:
    file = write_lines(tmp_path, full_run(), removed(full_finding(), (name,)), end_line())
    if name in {"fault", "reason", "raises", "declared", "explanation", "compared", "detail", "known",
                "output", "basis", "likewise", "missing", "only", "accuracy"}:  # fmt: skip
        assert read_results(file).findings
    else:
        assert ("expected an object whose kind" if name == "kind" else f"lacks {name}") in message(file)


LINE = json.dumps(full_finding())
DEEP_LIST, DEEP_OBJECT = "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP
RAW = {
    "deep list": DEEP_LIST,
    "deep object": DEEP_OBJECT,
    "deep array": LINE.replace('"dy": null', f'"dy": {DEEP_LIST}'),
    "deep unknown field": LINE.replace('"dy": null', f'"dy": null, "more": {DEEP_OBJECT}'),
    "6,000 digits": LINE.replace('"examples": 100', f'"examples": {"9" * 6000}'),
    "4,000 digits": LINE.replace('"examples": 100', f'"examples": {"9" * 4000}'),
    "1e999": LINE.replace('"worst_ratio": 3.0', '"worst_ratio": 1e999'),
    "NaN": LINE.replace('"worst_ratio": 3.0', '"worst_ratio": NaN'),
    "Infinity": LINE.replace('"worst_ratio": 3.0', '"worst_ratio": -Infinity'),
    "a list": "[]",
    "a number": "3",
    "null": "null",
    "nothing": "",
    "a BOM": "\ufeff" + LINE,
    "two on one line": LINE + LINE,
    "a kind that is no text": '{"kind": {"a": []}}',
    "another kind": '{"kind": "../run"}',
    "a run again": json.dumps(full_run()),
    "an end too early": json.dumps(end_line()),
}


@pytest.mark.parametrize("line", RAW.values(), ids=RAW)
def test_a_line_that_no_run_wrote_is_told_in_one_line(
    tmp_path: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_lines(tmp_path, full_run(), line, full_finding(), end_line(2))
    assert "line 2" in message(file)
    assert main(["report", str(file), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("bnconform: ")
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("line", ["deep list", "deep array"])
def test_a_deep_last_line_is_no_interruption(tmp_path: Path, line: str) -> None:
    assert "nested" in message(write_lines(tmp_path, full_run(), RAW[line]))


def test_an_array_is_refused_at_any_depth_at_which_a_parser_or_a_check_gives_up(tmp_path: Path) -> None:
    for depth in (33, 300, *range(800, 1000), 2000, 5000):
        line = LINE.replace('"dy": null', f'"dy": {"[" * depth}1{"]" * depth}')
        assert "nested" in message(write_lines(tmp_path, full_run(), line, end_line()))


def test_an_array_too_deep_for_the_check_is_refused() -> None:
    finding, deep = full_finding(), []
    for _ in range(5000):  # as deep as the parsers of some versions of Python read
        deep = [deep]
    finding["detail"]["case"]["dy"] = deep
    with pytest.raises(ContractError, match="here: lists or objects are nested too deeply"):
        check_record(finding, "here")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    file = write_lines(tmp_path, full_run(), full_finding(), end_line())
    file.write_bytes(file.read_bytes().replace(b"Aborted", b"Abor\xffted"))
    assert "line 2: not a line of results: 'utf-8' codec" in message(file)


def test_names_of_no_text_are_not_written() -> None:
    for key in (1, None, ("a",)):
        with pytest.raises(ContractError, match="versions"):
            check_record({**full_run(), "versions": {key: "1"}}, "here")
