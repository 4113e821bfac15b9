"""A spec states what it checks, and from where; a subject runs a case once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from latex2mathml.converter import convert
from worlds.hosts import make

from bnconform import Case, Dialect, Outcome
from bnconform.cases.strategies import cases
from bnconform.contract.reply import NotOffered, Reply
from bnconform.engine.agreement import Agreement, not_offered
from bnconform.engine.book import all_specs, chapters, load_chapter, specs_folder
from bnconform.engine.spec import NoOutcomeError, Spec, Subject, spec

TRAINING = cases(mode="train")
SPECS = all_specs()


def property_of(bn: Subject, case: Case) -> Agreement:
    """Says something."""
    return Agreement(quantity="y") if bn(case).y is not None else not_offered("y")


def undocumented(bn: Subject, case: Case) -> Agreement:
    return property_of(bn, case)


def test_a_spec_takes_its_name_and_sentence_from_the_property() -> None:
    made = spec("y", source="a paper", given=TRAINING)(property_of)
    assert (made.id, made.chapter, made.sentence) == ("property_of", "test_spec", "Says something.")
    assert (made.latex, made.source, made.given) == ("y", "a paper", TRAINING)


@pytest.mark.parametrize(
    ("latex", "source", "check", "lacks"),
    [
        ("y", "a paper", undocumented, "undocumented has no docstring"),
        ("", "a paper", property_of, "property_of has no equation"),
        ("y", "", property_of, "property_of has no source"),
    ],
)
def test_a_spec_that_does_not_state_what_it_checks_is_refused(
    latex: str, source: str, check: object, lacks: str
) -> None:
    with pytest.raises(TypeError, match=lacks):
        spec(latex, source=source, given=TRAINING)(check)  # type: ignore[arg-type]


class Counting:
    """An implementation that counts its calls."""

    def __init__(self, reply: Reply) -> None:
        self.reply, self.calls = reply, 0

    def __call__(self, case: Case) -> Reply:
        self.calls += 1
        return self.reply


def test_a_subject_runs_a_case_once_and_an_equal_one_anew() -> None:
    case, twin = make(), make()
    run = Counting(Outcome(y=case.x))
    bn = Subject(run, Dialect())
    assert bn(case) is bn(case)
    assert run.calls == 1
    bn(twin)
    assert run.calls == 2


def test_a_subject_gives_no_outcome_where_there_is_none_and_asks_once_even_so() -> None:
    case, run = make(), Counting(NotOffered("no such rank"))
    bn = Subject(run, Dialect())
    for _ in range(2):
        with pytest.raises(NoOutcomeError, match="no such rank"):
            bn(case)
    assert run.calls == 1


def test_a_spec_judges_a_missing_outcome_by_its_reply() -> None:
    made = spec("y", source="a paper", given=TRAINING)(property_of)
    judged = made.judge(Subject(Counting(NotOffered("no such rank")), Dialect()), make())
    assert (judged.verdict, judged.reply) == ("unsupported", NotOffered("no such rank"))


def test_an_error_in_a_property_is_not_a_verdict() -> None:
    def divides(bn: Subject, case: Case) -> Agreement:
        """Is itself wrong."""
        raise ZeroDivisionError(str(case.eps))

    made = spec("y", source="a paper", given=TRAINING)(divides)
    with pytest.raises(ZeroDivisionError):
        made.judge(Subject(Counting(Outcome()), Dialect()), make())


def test_chapters_are_read_in_the_order_of_the_book() -> None:
    stems = [path.stem for path in chapters(specs_folder())]
    assert stems[:3] == ["normalization", "running_statistics", "inference"]
    assert [one.chapter for one in SPECS] == sorted((one.chapter for one in SPECS), key=stems.index)
    assert {one.chapter for one in SPECS} == set(stems)
    assert (specs_folder() / "chapters.txt").read_text().split() == stems


def test_files_that_are_no_chapters_are_left_out_and_strangers_come_last(tmp_path: Path) -> None:
    for name in ("_private.py", "conftest.py", "zoo.py", "aardvark.py", "inference.py", "notes.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "chapters.txt").write_text("normalization\ninference\n")
    assert [path.name for path in chapters(tmp_path)] == ["inference.py", "aardvark.py", "zoo.py"]


def test_a_chapter_is_imported_once_and_another_of_its_name_anew(tmp_path: Path) -> None:
    body = (
        "from bnconform.engine.spec import spec\nfrom bnconform.cases.strategies import cases\n"
        "@spec('y', source='a paper', given=cases(mode='train'))\ndef {name}(bn, case):\n    'Says something.'\n"
    )
    paths = []
    for folder, name in (("one", "first"), ("two", "second")):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "zoo.py")
        paths[-1].write_text(body.format(name=name))
    first = load_chapter(paths[0])
    assert load_chapter(paths[0])[0] is first[0]
    assert [one.id for one in (*first, *load_chapter(paths[1]))] == ["first", "second"]


def test_ids_are_unique() -> None:
    assert [name for name, times in Counter(one.id for one in SPECS).items() if times > 1] == []


@pytest.mark.parametrize("one", SPECS, ids=lambda one: one.id)
def test_every_spec_is_a_sentence_an_equation_and_a_source(one: Spec) -> None:
    assert re.fullmatch(r"[a-z]+s(_[a-z]+)+", one.id), "a verb phrase in the third person"
    assert re.fullmatch(r"(\S.*\S)?\.", one.sentence)
    assert convert(one.latex).startswith("<math")
    assert "\\" not in convert(one.latex), "a command that MathML shows as text"


@pytest.mark.parametrize("one", SPECS, ids=lambda one: one.id)
def test_every_spec_says_unsupported_of_an_implementation_that_gives_nothing(one: Spec) -> None:
    case = Case(
        mode=one.given.mode,
        x=np.arange(8, dtype=np.float64).reshape(4, 2),
        gamma=None,
        beta=None,
        running_mean=np.zeros(2),
        running_var=np.ones(2),
        eps=1e-3,
        momentum=0.1,
        dy=np.ones((4, 2)),
    )
    assert one.judge(Subject(Counting(Outcome()), Dialect()), case).verdict == "unsupported"
