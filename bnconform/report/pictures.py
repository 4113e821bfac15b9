"""Pictures of the report, as SVG: the bars of the map, and errors over their bounds.

Rules: a picture says in words what it shows; its numbers are those of the findings; nothing from outside stands in it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from markupsafe import Markup

from bnconform.report.wording import SHORT
from bnconform.results.records import BAD, LARGEST, Finding

LEAST, MOST = -2.0, 10.0
"""The ends of the scale of errors over bounds, as powers of ten."""
TICKS = {-2: "≤ 0.01", 0: "1", 2: "100", 4: "10⁴", 6: "10⁶", 8: "10⁸", 10: "∞"}


def bars(findings: Sequence[Finding], dtypes: Sequence[str]) -> Markup:
    """Returns a bar for each dtype: what is broken over what departs over what is kept, of the statements judged; where
    none was, a line for what is not offered or taken, a frame for what is refused, else a dot."""
    paths: dict[str, str] = {}
    for place, dtype in enumerate(dtypes):
        for css, shape in _bar([one for one in findings if one["dtype"] == dtype], 9 * place):
            paths[css] = paths.get(css, "") + shape
    drawn = [Markup('<path class="{}" d="{}"/>').format(css, shape) for css, shape in paths.items()]
    width = 9 * len(dtypes) - 2
    return Markup('<svg viewBox="0 0 {} 22">{}</svg>').format(width, Markup("").join(drawn))


def _bar(findings: Sequence[Finding], x: int) -> list[tuple[str, str]]:
    """Returns the parts of a bar, lines as wide as it, each with its class of CSS."""
    counts = Counter(one["verdict"] for one in findings)
    judged = counts.total() - counts["unsupported"]
    if not judged:
        kinds = {one.get("missing", "") for one in findings}
        if "refused" in kinds:
            return [("refused", f"M{x + 0.5} 15.5h6v5h-6z")]
        nothing_there = kinds and kinds <= {"not asked", "no claim", "no answer", "not run"}
        return [("void", f"M{x + 2.5} 19.7h2" if nothing_there else f"M{x} 19.7h7")]
    broken = sum(counts[verdict] for verdict in BAD)
    y, found = 21.0, []
    for count, css in ((counts["conforms"], "k"), (counts["deviates"], "d"), (broken, "f")):
        if count:
            height = min(max(20 * count / judged, 1.0 if css == "k" else 2.5), y - 1)
            found.append((css, f"M{x + 3.5} {y:.3g}V{y - height:.3g}"))
            y -= height
    return found


def strip(rows: Sequence[tuple[str, Sequence[float], bool]], title: str) -> Markup:
    """Returns a row of dots for each of `rows`, a name, errors over their bounds, and whether these are broken."""
    width, left, right, top, step = 460, 96, 14, 10, 34
    height = top + step * len(rows) + 24

    def x_of(ratio: float) -> float:
        power = math.log10(min(max(ratio, 10**LEAST), 10**MOST))
        return left + (power - LEAST) / (MOST - LEAST) * (width - left - right)

    floor = top + step * len(rows)
    parts = [
        Markup('<rect class="ok" x="{}" y="{}" width="{:.1f}" height="{}"/>').format(
            left, top, x_of(1) - left, floor - top
        ),
        Markup('<line class="grid bound" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(x_of(1), top, floor),
    ]
    ticks = [Markup('<tspan x="{:.0f}">{}</tspan>').format(x_of(10.0**power), text) for power, text in TICKS.items()]
    parts.append(Markup('<text y="{}" class="tick mid">{}</text>').format(height - 6, Markup("").join(ticks)))
    for place, (name, ratios, broken) in enumerate(rows):
        y = top + step * place + step / 2
        parts.append(Markup('<text x="{}" y="{:.0f}" class="tick end">{}</text>').format(left - 8, y + 4, name))
        parts.append(_dots(sorted(ratios), y, x_of, "bad" if broken else "good"))
    return Markup('<svg class="pic" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        width, height, title, Markup("").join(parts)
    )


MOST_DOTS, MOST_IN_A_COLUMN = 60, 13
APART = 2.2
"""Between the middles of dots that stand above each other; the dashes of their lines, in cards.css, are so long."""


def _dots(ratios: Sequence[float], y: float, x_of: Callable[[float], float], css: str) -> Markup:
    """Returns a dot for each ratio, those that would cover each other above each other, at most MOST_DOTS of them; all
    are one path, each column a line of dots."""
    last = len(ratios) - 1
    chosen = ratios if last < MOST_DOTS else [ratios[i * last // (MOST_DOTS - 1)] for i in range(MOST_DOTS)]
    path = ""
    for x, count in Counter(round(x_of(ratio) / 4) * 4 for ratio in chosen).items():
        high = min(count, MOST_IN_A_COLUMN)
        path += f"M{x} {y - APART * (high // 2):.4g}v{APART * (high - 1) + 0.1:.3g}"
    return Markup('<path class="dots {}" d="{}"/>').format(css, path)


def ratio_of(finding: Finding) -> float | None:
    """Returns a finding's error over its bound, at most the end of the scale; None where nothing was compared."""
    ratio = finding["worst_ratio"]
    if ratio is None or finding.get("raises"):
        return None
    return 10**MOST if ratio >= LARGEST else float(ratio)


def short(dtype: str) -> str:
    """Returns the short name of a dtype."""
    return SHORT.get(dtype, dtype)
