"""Files of specs as pytest collects them: one test item per spec, implementation, dtype and device.

Rules: an item passes for conforms and deviates, is skipped for unsupported, is expected to fail for a failure that the
registry of deviations knows or that only prudence minds, and fails for anything else, a broken adapter and a stale
entry of the registry and an error of bnconform's own included; it says why in the words of its finding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bnconform.cli.session.run import Answer, Question
from bnconform.engine.agreement import BAD
from bnconform.engine.book import load_chapter
from bnconform.engine.spec import Spec
from bnconform.results.records import ARRAYS, Finding, is_known, is_stale, told_verdict


class NotKeptError(Exception):
    """A statement that an implementation does not keep."""


class StaleDeviationError(Exception):
    """A deviation that is known and no longer holds."""


class BrokenAdapterError(Exception):
    """An adapter that is itself at fault."""


class HarnessError(Exception):
    """An error of bnconform's own, by which nothing is claimed."""


class SpecItem(pytest.Item):
    """One question of a run."""

    def __init__(self, *, question: Question, answer: Callable[[Question], Answer], **more: Any) -> None:
        super().__init__(**more)
        self.question = question
        self.finding: Finding | None = None
        self.files: dict[str, bytes] = {}
        self._answer = answer

    def runtest(self) -> None:
        """Makes the finding and fails, skips or passes by its verdict."""
        answer = self._answer(self.question)
        self.finding, self.files = answer.finding, answer.files
        found = answer.finding
        self.user_properties += [("verdict", found["verdict"]), ("worst_ratio", found["worst_ratio"])]
        if is_stale(found):
            raise StaleDeviationError(_message(self.question, found))
        if is_known(found):
            self.user_properties += [(f"known_{key}", text) for key, text in found["known"].items()]
            pytest.xfail(f"{found['known']['reason']} ({found['known']['link']})")
        if found.get("basis") == "prudence" and found["verdict"] in BAD and not self.config.getoption("bn_strict"):
            pytest.xfail(f"asked for by prudence alone: {found['reason']}")
        if found["verdict"] in BAD:
            raise NotKeptError(_message(self.question, found))
        if found.get("fault") == "adapter":
            raise BrokenAdapterError(_message(self.question, found))
        if found.get("fault") == "bnconform":
            raise HarnessError(_message(self.question, found))
        if found["verdict"] == "unsupported":
            pytest.skip(found["reason"])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Returns the words of the finding; a traceback only for an error of bnconform's own."""
        if isinstance(excinfo.value, NotKeptError | StaleDeviationError | BrokenAdapterError | HarnessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Returns where the item stands."""
        return self.path, None, self.name


class SpecFile(pytest.File):
    """One chapter."""

    questions: Callable[[tuple[Spec, ...]], list[Question]]
    answer: Callable[[Question], Answer]

    def collect(self) -> Iterator[SpecItem]:
        """Yields an item per question that the chapter's specs ask in this run."""
        for question in self.questions(load_chapter(self.path)):
            # Given as text, the id is read like one of a parametrized test, as --lf reads it again later.
            nodeid = f"{self.nodeid}::{question.name}"
            yield SpecItem.from_parent(self, name=question.name, nodeid=nodeid, question=question, answer=self.answer)


def _message(question: Question, found: Finding) -> str:
    spec = question.spec
    stale = is_stale(found)
    lines = [
        f"{_headline(found)}: {found['implementation']} {found['version']}, {found['dtype']}, {found['device']}",
        f"  statement  {spec.sentence}",
        f"  equation   {spec.formula or spec.latex}",
        f"  source     {spec.source}",
        f"  found      {found['reason']}",
    ]
    if stale:
        lines.insert(1, f"  registry   {found['known']['words']}")
    if found.get("explanation"):
        lines.append(f"  diagnosis  {found['explanation']}")
    detail = found.get("detail") or {}
    if detail.get("case"):
        lines += _witness_lines(dict(detail["case"] or {}))
    lines += [f"  file       {path}" for path in (found["witness"], found["reproduce"]) if path]
    own = found.get("error", {}).get("traceback")
    for text in (detail.get("traceback"), detail.get("stderr"), own):
        lines += [f"  | {line}" for line in (text or "").strip().splitlines()[-12:]]
    return "\n".join(lines)


def _headline(found: Finding) -> str:
    if is_stale(found):
        return "stale deviation"
    if found["verdict"] in BAD:
        return told_verdict(found)
    return "broken adapter" if found.get("fault") == "adapter" else "an error of bnconform's own"


def _witness_lines(case: dict[str, Any]) -> list[str]:
    """Returns the settings of a witness, and its arrays where they are short enough to read."""
    short = math.prod(case["shape"]) <= 32
    names = [name for name in case if case[name] is not None and (short or name not in ARRAYS)]
    return [f"  witness    {name} = {case[name]}" for name in names]
