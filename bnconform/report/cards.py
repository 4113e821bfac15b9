"""A card tells one defect: title and effect, three numbers, a picture, who else keeps the statements, what to paste.

Rules: the numbers are those of the finding that shows the defect best, of the very case that was compared; digits are
enough to see the difference, which is marked; what raised has no ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

import bnconform.report.columns as who
from bnconform.report.gathered import NAMES, Gathered, framework, framework_page
from bnconform.report.issue_text import Told, issue_text
from bnconform.report.pictures import ratio_of, short, strip
from bnconform.report.versions import Since, since
from bnconform.report.witness import rows
from bnconform.results.defects import KEPT, SEVERITIES, Defect, Severity
from bnconform.results.proving import shown_best
from bnconform.results.records import Finding, SpecRecord

SEVERITY: dict[Severity, str] = {
    "ordinary": "silent · ordinary data",
    "unusual": "silent · unusual data or use",
    "loud": "loud: it raises, crashes or hangs",
    "prudence": "documented nowhere · asked for by prudence",
}


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another implementation, and how many of the statements that were judged it keeps.

    others: the defects that break the rest, each with its address on the first page.
    """

    name: str
    kept: int
    judged: int
    others: tuple[tuple[str, str], ...] = ()

    @property
    def broken(self) -> int:
        """How many of them it does not keep."""
        return self.judged - self.kept


@dataclass(frozen=True, kw_only=True)
class Card:
    """All that the page says of a defect.

    level: 0 for the worst severity. rows: the witness, a name and a value each. peers: the other implementations that
    were asked the same; unjudged: those of them that gave nothing to judge. versions: those of its implementations that
    were run, in words, where there is one of each; since: of those that were run in several.
    """

    anchor: str
    defect: Defect
    level: int
    severity: str
    frameworks: tuple[tuple[str, str, str], ...]
    dtypes: tuple[str, ...]
    link: str
    issue: str
    rows: tuple[tuple[str, Markup], ...]
    peers: tuple[Peer, ...]
    unjudged: tuple[str, ...]
    versions: str
    since: tuple[Since, ...]
    picture: Markup
    script: str
    status: int | None
    issue_text: str

    @property
    def size(self) -> int:
        """The number of findings that it explains."""
        return len(self.defect.findings)

    @property
    def lines(self) -> int:
        """The number of lines of the script."""
        return len(self.script.splitlines())


def cards(gathered: Gathered) -> list[Card]:
    """Returns a card for each defect, in their order."""
    return [_card(gathered, one) for one in gathered.defects]


def anchor(defect: Defect) -> str:
    """Returns the HTML id of a defect."""
    return who.slug(["defect", defect.id])


def _card(gathered: Gathered, defect: Defect) -> Card:
    shown = shown_best(defect)
    names = list(dict.fromkeys(framework(name) for name in defect.implementations))
    script, status = gathered.script_of(defect)
    link = shown.get("known", {}).get("link", "")
    address = who.web(link) or ""
    peers, unjudged = _peers(gathered, defect)
    told_since = tuple(since(gathered.history, defect))
    told = Told(defect=defect, shown=shown, spec=_stated(gathered, defect, shown), script=script, status=status,
                link=address, agreeing=[one.name for one in peers if one.kept == one.judged])  # fmt: skip
    return Card(
        anchor=anchor(defect),
        defect=defect,
        level=SEVERITIES.index(defect.severity),
        severity=SEVERITY[defect.severity],
        frameworks=tuple((who.slug([one]), NAMES.get(one, one), framework_page(one)) for one in names),
        dtypes=tuple(short(dtype) for dtype in gathered.dtypes if dtype in defect.dtypes),
        link=address,
        issue=_issue(address),
        rows=tuple(rows(shown)),
        peers=tuple(peers),
        unjudged=tuple(unjudged),
        versions="" if told_since else _versions(gathered, defect),
        since=told_since,
        picture=_picture(gathered, defect),
        script=script,
        status=status,
        issue_text=issue_text(told),
    )


def _stated(gathered: Gathered, defect: Defect, shown: Finding) -> SpecRecord:
    """Returns the statement that says what is due: the first that is broken and gives the output that is shown by an
    equation, else that of the finding."""
    output = (shown.get("detail") or {}).get("shown", {}).get("output", "")
    broken = {one["spec"] for one in defect.findings if one["implementation"] == shown["implementation"]}
    by_equation = [
        spec for name, spec in gathered.specs.items()
        if name in broken and output and spec.get("formula", "").startswith(f"{output} = ")
    ]  # fmt: skip
    return by_equation[0] if by_equation else gathered.specs[shown["spec"]]


def _issue(address: str) -> str:
    """Returns the number of an issue, or the end of any other address."""
    end = address.rstrip("/").rpartition("/")[2]
    return f"#{end}" if end.isdigit() else end


def _peers(gathered: Gathered, defect: Defect) -> tuple[list[Peer], list[str]]:
    """Returns the other implementations that were asked the same, and those of them that gave nothing to judge."""
    asked = {(one["spec"], one["dtype"]) for one in defect.findings}
    peers, unjudged = [], []
    for column, findings in gathered.by_column.items():
        if column.implementation in defect.implementations:
            continue
        same = [one for one in findings if (one["spec"], one["dtype"]) in asked]
        judged = [one for one in same if one["verdict"] != "unsupported"]
        kept = sum(one["verdict"] in KEPT for one in judged)
        others = dict.fromkeys(gathered.owners[id(one)] for one in judged if id(one) in gathered.owners)
        if judged:
            told = tuple((one.title, f"index.html#{anchor(one)}") for one in others)
            peers.append(Peer(name=column.implementation, kept=kept, judged=len(judged), others=told))
        else:
            unjudged.append(column.implementation)
    return peers, unjudged


def _versions(gathered: Gathered, defect: Defect) -> str:
    """Returns in which versions it shows, where no other was run."""
    shows = dict.fromkeys(_version(one) for one in defect.findings if one["version"])
    return f"{', '.join(shows)}; no other version was run" if shows else ""


def _version(finding: Finding) -> str:
    name = framework(finding["implementation"])
    return f"{NAMES.get(name, name)} {finding['version']}"


def _picture(gathered: Gathered, defect: Defect) -> Markup:
    """Returns the errors of the statements that the defect breaks, and those of the implementations that keep them."""
    asked = {(one["spec"], one["dtype"]) for one in defect.findings}
    broken: dict[str, list[float]] = {}
    for one in defect.findings:
        ratio = ratio_of(one)
        if ratio is not None:
            broken.setdefault(one["implementation"], []).append(ratio)
    others = [
        ratio
        for one in gathered.findings
        if (one["spec"], one["dtype"]) in asked and one["verdict"] == "conforms"
        and (ratio := ratio_of(one)) is not None
    ]  # fmt: skip
    if not broken or max(map(len, broken.values())) + len(others) < 3:
        return Markup("")
    rows = [(_brief(name), ratios, True) for name, ratios in broken.items()][:5]
    rows += [("others, kept", others, False)] if others else []
    return strip(rows, f"Worst error over its bound of the statements that are broken: {len(broken)} implementations")


def _brief(name: str) -> str:
    """Returns the part of an implementation's name that tells it from its siblings, at most 14 characters."""
    end = name.rpartition(".")[2]
    for sign in ("@", ":"):
        if sign in end:
            end = sign + end.partition(sign)[2]
    return end if len(end) <= 14 else end[:13] + "…"
