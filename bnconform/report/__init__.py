"""The report: one self-contained page, a pure function of results files.

Rules: it knows only the files, never an implementation; the page needs no network and no script; the page appears as a
whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from bnconform.report.columns import implementations, web
from bnconform.report.equations import equation
from bnconform.report.view import view
from bnconform.report.words import HEADINGS, MEANINGS, SIGNS, breakable
from bnconform.results import Merged, Results, merge

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
    "breakable": breakable,
    "signs": SIGNS,
    "meanings": MEANINGS,
    "headings": HEADINGS,
}


def write_report(results: Sequence[Results], out: Path | str) -> Path:
    """Writes `out`/index.html, the report of one or more runs, and returns its path; replaces an older one at once."""
    out = Path(out)
    page = render(merge(results), out)
    out.mkdir(parents=True, exist_ok=True)
    target, draft = out / "index.html", out / f".index.html.{os.getpid()}"
    try:
        draft.write_text(page, encoding="utf-8")
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def render(merged: Merged, out: Path) -> str:
    """Returns the report of `merged` as HTML, its links relative to `out`."""
    page = view(merged, out)
    return _TEMPLATES.get_template("index.html").render(page=page, implementations=implementations(merged))
