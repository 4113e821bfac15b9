"""Pages of a stranger's results: no character that nobody sees, no anchor twice, and a page whatever was read."""

from __future__ import annotations

import copy
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import records as world
from worlds.hostile import end_line, full_defect, full_finding, full_run, places, removed, replaced, write_lines
from worlds.pages import Page

from bnconform.cli.main import main
from bnconform.contract.errors import ContractError
from bnconform.report import write_report
from bnconform.report.columns import slug
from bnconform.report.frameworks import finding_anchor
from bnconform.report.summary import render_summary
from bnconform.results.comparison import MEASURED, SAID, differences
from bnconform.results.file import merge, read_results

UNSEEN = "a\0b\x1b[31mc\u202ed\u2066e\x85f\ud800g"
SHOWN = re.sub(r"[\x00\x1b\u202e\u2066\x85\ud800]", "\N{REPLACEMENT CHARACTER}", UNSEEN)
SEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def pages(out: Path, *lines: Any) -> dict[str, str]:
    results = read_results(write_lines(out, *lines))
    write_report([results], out)
    read = {path.name: path.read_bytes().decode("utf-8") for path in out.glob("*.html")}
    return read | {"summary.md": render_summary(merge([results]))}


def texts_replaced(record: Any, text: str) -> Any:
    """A record with `text` behind every text that may be any."""
    changed = copy.deepcopy(record)
    fixed = {
        "kind",
        "verdict",
        "missing",
        "witness",
        "reproduce",
        "started",
        "actual",
        "x",
        "actual_values",
        "bound_values",
    }
    for at in places(record):
        value: Any = changed
        for key in at[:-1]:
            value = value[key]
        # Who is at fault in a finding, and in a cause, is one of a few words.
        closed = at in (("fault",), ("known", "fault")) or set(at) & fixed
        if isinstance(value[at[-1]], str) and not closed:
            value[at[-1]] += text
    return changed


def test_what_nobody_sees_is_replaced_wherever_a_text_stands(tmp_path: Path) -> None:
    finding = texts_replaced(full_finding(), UNSEEN)
    for name, page in pages(tmp_path, texts_replaced(full_run(), UNSEEN), finding, end_line()).items():
        assert not SEEN.search(page), name
        assert "\N{REPLACEMENT CHARACTER}b" in page, name
    told = {path.name: Page(path.read_text(encoding="utf-8")).text[None] for path in tmp_path.glob("*.html")}
    for name in ("reason", "version", "implementation"):
        words = (str(full_finding()[name]) + SHOWN).replace(" ", "")
        assert any(words in text.replace(" ", "") for text in told.values()), name


def test_a_name_of_another_direction_stands_by_itself(tmp_path: Path) -> None:
    name, version = "מיני.אצווה", "גרסה"
    run = {**full_run(), "implementations": [world.implementation(name, version=version)]}
    page = pages(tmp_path, run, full_finding(implementation=name, version=version), end_line())
    page = "".join(text for name, text in page.items() if name != "summary.md")
    plain = page.replace("<wbr>", "")
    assert f"<bdi>{name}</bdi>" in plain
    assert f"<bdi>{version}</bdi>" in plain
    assert not re.search(rf"(?<!<bdi>){name}(?!</bdi>)", re.sub(r'"[^"]*"|<pre.*?</pre>', "", plain, flags=re.DOTALL))


def test_no_text_becomes_a_rule_of_style(tmp_path: Path) -> None:
    evil = "a:checked),body{display:none}x:has(b.c"
    run = {**full_run(), "implementations": [world.implementation(f"{evil}.norm", dtypes=[evil])]}
    made = pages(tmp_path, run, full_finding(dtype=evil, implementation=f"{evil}.norm"), end_line())
    style = "".join(re.findall("<style>.*?</style>", made["index.html"], re.DOTALL))
    assert "display:none}x" not in style
    ids = set(Page(made["index.html"]).attributes("id"))
    selected = re.findall(r"#((?:dt|only)-(?:[\w-]|\\.)+)", style)
    assert len(selected) >= 3
    assert {one.replace("\\", "") for one in selected} <= ids | {"dt-all"}


def test_ids_of_other_parts_are_other_ids() -> None:
    told = [("finding", "x.y"), ("finding", "x-y"), ("finding", "x", "y"), ("finding", "x y"), ("finding", "批量"),
            ("finding", "归一化"), ("finding", ""), ("finding",), ("finding", "", "x"), ("finding", "x", ""),
            ("finding", "x--y"), ("finding", slug(["x", "批"])), ("finding", "x", "批"), ("x-finding",)]  # fmt: skip
    ids = [slug(parts) for parts in told]
    assert len(set(ids)) == len(ids)
    assert [slug(parts) for parts in told] == ids
    assert all(re.fullmatch(r"[\w.-]+", one, re.ASCII) for one in ids)
    assert slug(["spec", "normalizes_by_the_batch"]) == "spec-normalizes_by_the_batch"


def test_names_that_look_alike_have_anchors_of_their_own(tmp_path: Path) -> None:
    names = ["a.x.y", "a.x-y", "a.批量", "a.归一化", "a.x@y"]
    run = {**full_run(), "implementations": [world.implementation(name) for name in names]}
    findings = [full_finding(implementation=name) for name in names]
    made = pages(tmp_path, run, *findings, end_line(5))
    for name, text in made.items():
        ids = Page(text).attributes("id")
        assert len(ids) == len(set(ids)), name
    rows = [one for one in Page(made["framework-a.html"]).attributes("id") if one.startswith("f-")]
    assert len(rows) == len(names)
    assert {finding_anchor(one) for one in findings} == set(rows)


def test_arrays_with_rows_of_different_lengths_still_make_a_page(tmp_path: Path) -> None:
    names = ("actual_values", "expected_values", "bound_values")
    deep: Any = 1.0
    for _ in range(32):
        deep = [deep]
    for values, shown in (([[1.0, 2.0], [3.0]], "123.5"), ([[], [1.0]], "123.5"), (deep, "[0, 0, 0, ")):
        finding = full_finding(detail={**world.DETAIL, **dict.fromkeys(names, values)})
        assert shown in Page(pages(tmp_path, full_run(), finding, end_line())["framework-mini.html"]).text[None]


def refusal(file: Path) -> str:
    """Why a file is refused; "" where it is read."""
    try:
        read_results(file)
    except ContractError as error:
        return str(error)
    return ""


def outcome(folder: Path, *lines: Any) -> str:
    """What becomes of a file: "refused", in one line, or "shown", on all pages, in the summary and in a comparison."""
    file = write_lines(folder, *lines)
    told = refusal(file)
    if told:
        assert "\n" not in told
        assert re.search(r"results\.jsonl(, line \d)?: ", told)
        return "refused"
    results = read_results(file)
    write_report([results], folder)
    render_summary(merge([results]))
    list(differences(results, results, (*MEASURED, *SAID)))
    return "shown"


WRONG: list[Any] = [None, True, 0, -1, -0.0, 2.0, 0.5, 10**400, "", "a", "\ud800", "a" * 300]
WRONG += [[], [[]], {}, {"a": "b"}, [{"": []}]]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: repr(one)[:20])
def test_each_field_of_another_type_is_refused_or_shown(tmp_path: Path, wrong: Any) -> None:
    outcomes = [
        outcome(tmp_path, replaced(full_run(), at, wrong), full_finding(), end_line()) for at in places(full_run())
    ]
    outcomes += [
        outcome(tmp_path, full_run(), replaced(full_finding(), at, wrong), end_line()) for at in places(full_finding())
    ]
    outcomes += [
        outcome(tmp_path, full_run(), full_finding(), replaced(end_line(), at, wrong)) for at in places(end_line())
    ]
    assert outcomes.count("refused") > len(outcomes) / 5


def test_each_field_may_be_lacking_without_a_traceback(tmp_path: Path) -> None:
    whole = [full_run(), full_finding(), full_defect(), end_line()]
    assert {outcome(tmp_path, *removed(whole, at)) for at in places(whole)} == {"refused", "shown"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["nan", "-inf"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn, record: dict[str, Any]) -> Any:
    """A record in which up to three places hold something else, or nothing, or what stands elsewhere in it."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from(list(places(record))))
        what = draw(st.sampled_from(["anything", "nothing", "another"]))
        if what == "nothing":
            record = removed(record, at)
            continue
        other: Any = record
        for key in draw(st.sampled_from(list(places(record)))):
            other = other[key]
        record = replaced(record, at, draw(anything) if what == "anything" else copy.deepcopy(other))
        if not record:
            break
    return record


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(run=st.just(full_run()) | mutated(full_run()), finding=mutated(full_finding()), defect=mutated(full_defect()))
def test_a_mutated_record_is_refused_or_shown(run: Any, finding: Any, defect: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outcome(Path(folder), run, finding, world.finding(dtype="float64"), end_line(2))
        outcome(Path(folder), full_run(), full_finding(), defect, end_line(1))


def test_the_command_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_lines(tmp_path, full_run(), replaced(full_finding(), ("detail", "index"), {}), end_line())
    for call in (["report", str(file)], ["compare", str(file), str(file)], ["deviations", "--update", str(file)]):
        more = {"report": ["--out", str(tmp_path / "out")], "deviations": ["--deviations", str(tmp_path / "known")]}
        assert main([*call, *more.get(call[0], [])]) == 2
        told = capsys.readouterr()
        assert told.err.count("\n") == 1
        assert told.err.startswith(f"bnconform: {file}, line 2: detail.index is {{}}; expected a list or null")


def test_a_comparison_prints_no_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"mini.{UNSEEN}"
    before = write_lines(tmp_path / "a", full_run(), full_finding(implementation=name), end_line())
    after = write_lines(tmp_path / "b", full_run(), full_finding(implementation=name, examples=7), end_line())
    assert main(["compare", str(before), str(after)]) == 1
    assert f"mini.{SHOWN} in float32" in capsys.readouterr().out
