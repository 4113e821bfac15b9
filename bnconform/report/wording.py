"""The words, signs and number formats of the report, one for each idea.

Rules: a verdict is never told by colour alone; a number keeps the digits that tell it from its neighbours; numbers that
are not finite are written out, never as large ones.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
from markupsafe import Markup

from bnconform.results.records import LARGEST, Finding, is_flaky
from bnconform.results.text import visible

SIGNS = {"conforms": "✓", "deviates": "≈", "unsupported": "–", "fails": "✗", "crashes": "!", "hangs": "…"}
MEANINGS = {
    "conforms": "every compared element lies within its bound, in every example",
    "deviates": "departs from the paper as its own documentation says, and matches that alternative within its bound",
    "unsupported": "the implementation or its adapter does not offer what the spec asks for",
    "fails": "at least one element lies outside its bound, or an error was raised where a value was due",
    "crashes": "the child process that ran it ended",
    "hangs": "no answer came within the time limit",
}
HEADINGS = {
    "fails": "Fails",
    "crashes": "Crashes",
    "hangs": "Hangs",
    "deviates": "Deviates, as documented",
    "unsupported": "Unsupported",
    "conforms": "Conforms",
}
ABSENCES = {
    "not offered": "it does not return the output",
    "not taken": "it takes no such cases: no mask, state, rank or derivative of that kind",
    "refused": "it answers such cases with an error, which no document forbids",
    "not asked": "the statement asks nothing of it",
    "no claim": "no bound is finite there: the arithmetic may overflow",
    "not run": "there was no time left for it",
    "no answer": "only silence kept the statement, and ordinary cases have no answer either",
    "": "older results do not say which",
}
"""Why a finding is unsupported, by its field, in words."""
ABSENT_SIGNS = {"not offered": "–", "not taken": "–", "refused": "⊘", "not asked": "·", "no claim": "?",
                "no answer": "∅", "not run": "○", "": "–"}  # fmt: skip
SHORT = {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64"}
_SPELLED = {"inf": "∞", "-inf": "−∞", "nan": "NaN"}


def shown(value: Any) -> Any:
    """Returns what a template prints: a text or Markup without the characters that nobody sees, numbers unchanged."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return Markup(visible(value)) if isinstance(value, Markup) else visible(value)


def sign_of(finding: Finding) -> str:
    """Returns the sign of a finding's verdict; of one that is unsupported, that of what is missing."""
    if finding["verdict"] != "unsupported":
        return SIGNS[finding["verdict"]]
    return ABSENT_SIGNS[finding.get("missing", "")]


def told_verdict(finding: Finding) -> str:
    """Returns a finding's verdict, "flaky" where it does not repeat; of one that is unsupported, what is missing."""
    verdict = finding["verdict"]
    return finding.get("missing", verdict) if verdict == "unsupported" else "flaky" if is_flaky(finding) else verdict


def isolated(text: str) -> str:
    """Returns a text that stands by itself, whatever its direction of writing."""
    return text if text.isascii() else Markup("<bdi>{}</bdi>").format(text)


@lru_cache(maxsize=1024)
def breakable(name: str) -> Markup:
    """Returns a dotted name that a narrow column may break between its words, whatever its direction of writing."""
    words = Markup("<wbr>").join(re.split(r"(?<=[._])|(?=[@\[:])|(?<=[a-z])(?=[A-Z])", name))
    return words if name.isascii() else Markup("<bdi>{}</bdi>").format(words)


def ratio_text(ratio: float | None) -> str:
    """Returns a worst ratio in three digits, in more where three would hide on which side of 1 it lies."""
    if ratio is None:
        return "none"
    if ratio >= LARGEST:
        return "∞"
    digits = 3
    while digits < 17 and ratio != 1 and float(f"{ratio:.{digits}g}") == 1:
        digits += 1
    return f"{ratio:.{digits}g}"


def value_text(value: Any, dtype: str = "float64") -> str:
    """Returns a number in the fewest digits that tell it from the others of its type, which is `dtype` or wider."""
    if isinstance(value, str):
        return _SPELLED.get(value, value)
    if value is None:
        return "none"
    with np.errstate(over="ignore"):
        narrow = np.float32(value)
    is_narrow = dtype != "float64" and float(narrow) == float(value)
    return str(narrow) if is_narrow else repr(float(value))


def rough_text(value: Any) -> str:
    """Returns a number in three digits, for bounds and errors."""
    return _SPELLED.get(value, value) if isinstance(value, str) else f"{value:.3g}"


def share_text(share: float | None) -> str:
    """Returns a share as per cent, without rounding a part up to the whole or down to nothing."""
    if share is None:
        return "none"
    percent = 100 * share
    text = f"{percent:.1f}".removesuffix(".0")
    if text == "100" and share < 1:
        return "> 99.9 %"
    return "< 0.1 %" if text == "0" and share > 0 else f"{text} %"


def selftest_text(score: dict[str, Any] | None) -> str:
    """Returns a sentence on the self-test of the version that made a run."""
    if score is None:
        return (
            "No self-test was recorded for the version of the suite that made this run, so nothing here says what it "
            "would have seen: `bnconform selftest --record` measures it."
        )
    parts = [f"{score['caught'][dtype]} of {count} in {dtype}" for dtype, count in score["faults"].items()]
    return (
        f"The version of the suite that made this run catches of the planted faults {', '.join(parts)}, after "
        f"{score['median']:g} examples in the median and {score['worst']} at worst; of {score['compared']:,} values of "
        f"correct variants it raised {score['alarms']} false alarms."
    )
