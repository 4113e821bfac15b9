"""The shape of the first line of `results.jsonl`: what was to be judged, by what, and where.

Rule: it holds enough to say whether two runs can be compared, and to go on with one that was interrupted.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class _Stated(TypedDict):
    id: str
    chapter: str
    sentence: str
    latex: str
    source: str


class SpecRecord(_Stated, total=False):
    """A spec as the run line states it; `given` says in words which cases it is tried on.

    formula: the equations of one run that it states, as plain text; empty for any other statement. basis: what the
    statement rests on, "stated" by a document or "prudence" alone.
    """

    given: str
    formula: str
    basis: str


class _Described(TypedDict):
    name: str
    version: str
    adapter: str
    dtypes: list[str]
    devices: list[str]
    dialect: dict[str, Any]
    links: dict[str, str]


class ImplementationRecord(_Described, total=False):
    """An implementation as the run line states it; `dialect` holds the fields that are not the default, `settings` what
    a user writes, where that is known, `versions` those of the distributions that it consists of, `environment` the
    Python that it ran in and what its host needed there, which need not be those of the judge."""

    settings: dict[str, Any] | None
    versions: dict[str, str]
    environment: dict[str, str]


class Plan(TypedDict):
    """What a run was to judge: each of its specs on each of these targets, so many items in all. share: how many of
    them, where the run was one of several parts."""

    items: int
    targets: list[dict[str, str]]
    share: NotRequired[int]


class RunRecord(TypedDict):
    """The first line: the request, the implementations and the machine.

    defaults: what a Dialect declares where it states nothing. plan: what is to be judged. request: the options, as they
    were given, by which it can be resumed. digest: of the sources, specs and adapter files that it depends on. cell:
    the one of a matrix that was judged, by the names that it gives its values; `missing` says why it could not be.
    """

    kind: Literal["run"]
    schema: int
    command: list[str]
    started: str
    environment: dict[str, Any]
    versions: dict[str, str]
    seed: int
    examples: int
    timeout: float
    device: str
    specs: list[SpecRecord]
    implementations: list[ImplementationRecord]
    missing: list[dict[str, str]]
    broken: list[dict[str, str]]
    selftest: NotRequired[dict[str, Any] | None]
    defaults: NotRequired[dict[str, Any]]
    plan: NotRequired[Plan]
    request: NotRequired[dict[str, Any]]
    digest: NotRequired[str]
    cell: NotRequired[dict[str, Any]]
