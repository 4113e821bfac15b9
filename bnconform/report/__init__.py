"""The report: self-contained pages on defects, frameworks, statements and choices, a pure function of results files.

Rules: it knows only the files, never an implementation; a page needs no network and no script; a page appears as a
whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bnconform.history.row import Row
from bnconform.report.cards import SEVERITY
from bnconform.report.choices.ports import ports
from bnconform.report.choices.table import choices, linked, table
from bnconform.report.columns import slug, specs, web
from bnconform.report.frameworks import framework_pages
from bnconform.report.front import front
from bnconform.report.gathered import Gathered
from bnconform.report.mathml import equation
from bnconform.report.spec_book import book
from bnconform.report.versions import PAGE as VERSIONS
from bnconform.report.versions import has_several, versions
from bnconform.report.wording import ABSENT_SIGNS, HEADINGS, MEANINGS, SIGNS, breakable, isolated, shown
from bnconform.results.defects import SEVERITIES
from bnconform.results.file import Merged, Results, merge, write_report_pages
from bnconform.results.merging.beside import elsewhere

_BETWEEN_TAGS = re.compile(r">[^<>]*<")
_TEMPLATES = Environment(
    loader=PackageLoader("bnconform", "report/templates"),
    autoescape=True,
    finalize=shown,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "equation": equation,
    "web": web,
    "slug": slug,
    "breakable": breakable,
    "isolated": isolated,
    "signs": SIGNS,
    "absent_signs": ABSENT_SIGNS,
    "meanings": MEANINGS,
    "headings": HEADINGS,
    "elsewhere": elsewhere,
}


def write_report(
    results: Sequence[Results],
    out: Path | str,
    against: Results | None = None,
    *,
    alone: bool = False,
    past: Sequence[Row] = (),
) -> Path:
    """Writes `out`/index.html, the report of one or more runs, beside it a page for each framework, the spec book, the
    table of choices and, where there are several versions of anything, what changed between them, and returns the path
    of the report; older ones are replaced at once, when all are written.

    against: an earlier run, since which the changes are told. alone: whether no page may lead to a witness or script
    beside the results, since the pages will lie elsewhere. past: findings of other runs, as a history has them.
    """
    out = Path(out)
    merged = merge(results)
    gathered = Gathered(merged, None if against is None else merge([against]), alone, tuple(past))
    several = has_several(gathered.history)
    pages = {"choices.html": render_choices(merged, several), "specs.html": render_book(merged, several)}
    anchors = linked(merged) if alone else None
    pages |= {one.file: _page("framework.html", has_versions=several, page=one)
              for one in framework_pages(gathered, out, anchors)}  # fmt: skip
    if several:
        pages[VERSIONS] = _page("versions.html", has_versions=True, lines=versions(gathered.history))
    write_report_pages(out, pages | {"index.html": render(gathered)})
    return out / "index.html"


def render(gathered: Gathered) -> str:
    """Returns the first page of the report as HTML."""
    severities = [(one, SEVERITY[one]) for one in SEVERITIES]
    several = has_several(gathered.history)
    return _page("index.html", has_versions=several, page=front(gathered), severities=severities)


def render_book(merged: Merged, has_versions: bool = False) -> str:
    """Returns the spec book of `merged` as HTML. has_versions: whether there is a page of versions to lead to."""
    return _page("specs.html", has_versions=has_versions, book=book(merged))


def render_choices(merged: Merged, has_versions: bool = False) -> str:
    """Returns what every implementation of `merged` documents, side by side, as HTML. has_versions: as for the book."""
    tags = {"true": "conforms", "partly": "deviates", "contradicted": "fails", "unmeasured": "unsupported"}
    asked = {spec["id"] for spec in specs(merged)}
    told: dict[str, Any] = {"lines": table(merged), "choices": choices(), "ports": ports(merged)}
    return _page("choices.html", has_versions=has_versions, merged=merged, tags=tags, specs=asked, **told)


def _page(template: str, **told: Any) -> str:
    """Returns a page; quotes are escaped within tags alone, since in a text they are themselves."""
    page = _TEMPLATES.get_template(template).render(**told)
    return _BETWEEN_TAGS.sub(lambda text: text[0].replace("&#34;", '"').replace("&#39;", "'"), page)
