"""The report, the spec book and the table of choices: three self-contained pages, a pure function of results files.

Rules: it knows only the files, never an implementation; a page needs no network and no script; a page appears as a
whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from bnconform.report.choices import choices, table
from bnconform.report.columns import implementations, slug, specs, web
from bnconform.report.mathml import equation
from bnconform.report.spec_book import book
from bnconform.report.view import view
from bnconform.report.wording import HEADINGS, MEANINGS, SIGNS, breakable
from bnconform.results.file import Merged, Results, merge, write_pages

_TEMPLATES = Environment(
    loader=PackageLoader("bnconform", "report/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "equation": equation,
    "web": web,
    "slug": slug,
    "breakable": breakable,
    "signs": SIGNS,
    "meanings": MEANINGS,
    "headings": HEADINGS,
}


def write_report(results: Sequence[Results], out: Path | str) -> Path:
    """Writes `out`/index.html, the report of one or more runs, beside it its spec book and its table of choices, and
    returns the path of the report; older ones are replaced at once, and only when all are written."""
    out = Path(out)
    merged = merge(results)
    pages = {
        "choices.html": render_choices(merged),
        "specs.html": render_book(merged),
        "index.html": render(merged, out),
    }
    write_pages(out, pages)
    return out / "index.html"


def render(merged: Merged, out: Path) -> str:
    """Returns the report of `merged` as HTML, its links relative to `out`."""
    page = view(merged, out)
    return _TEMPLATES.get_template("index.html").render(page=page, implementations=implementations(merged))


def render_book(merged: Merged) -> str:
    """Returns the spec book of `merged` as HTML."""
    return _TEMPLATES.get_template("specs.html").render(book=book(merged))


def render_choices(merged: Merged) -> str:
    """Returns what every implementation of `merged` documents, side by side, as HTML."""
    tags = {"true": "conforms", "partly": "deviates", "contradicted": "fails", "unmeasured": "unsupported"}
    asked = {spec["id"] for spec in specs(merged)}
    page = _TEMPLATES.get_template("choices.html")
    return page.render(merged=merged, lines=table(merged), choices=choices(), tags=tags, specs=asked)
