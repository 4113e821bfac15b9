"""A proof is a short script that runs one case and compares one output with numbers.

Rules: at most 25 lines for a case of few values; the case is the one that was compared, as it was asked; one tolerance,
which is what rounding may amount to; exit status 1 while the defect stands, 0 where it does not show. An implementation
whose adapter states a snippet is called as its users call it, with the framework and NumPy alone; any other through its
adapter. No text from outside reaches a script but as a comment, a quoted string or the adapter's own snippet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bnconform.analysis.diagnosis.shown import Shown
from bnconform.contract.address import PROGRAM, PYTHON
from bnconform.contract.case import FEATURES, FLAGS, PER_CHANNEL, Case
from bnconform.contract.snippet import Snippet
from bnconform.results.records import ARRAYS, Finding
from bnconform.results.script import CALLABLE, TEMPLATES, literal

WIDTH = 112


def proof(
    finding: Finding,
    sentence: str,
    formula: str,
    shown: Shown,
    adapter: str,
    snippet: Snippet | None,
) -> str:
    """Returns the script that shows what is wrong by one answer; empty for a program, which no script can import, and
    for a layer with a state of its own.

    sentence, formula: of the statement; the formula empty where it is none of one run. adapter: as the command line
    takes it, a file from where the script will lie.
    """
    if adapter.startswith((PROGRAM, PYTHON)) or shown.case.state:
        return ""
    case = shown.case
    plain = case.needs <= CALLABLE and not case.flags and bool(shown.output)
    laid_out = case.memory != "plain" or case.watched
    names = [*ARRAYS, *(name for feature in sorted(case.needs) for name in FEATURES[feature] if name not in FLAGS)]
    arrays = {name: array for name in names if isinstance(array := getattr(case, name), np.ndarray)}
    told: dict[str, Any] = {
        "finding": finding,
        "sentence": sentence,
        "formula": next((one for one in formula.split("; ") if one.startswith(f"{shown.output} = ")), ""),
        "case": case,
        "laid_out": laid_out,
        "call": "handed_over(run, case)" if laid_out else "run(case)",
        "arrays": arrays,
        "arguments": _arguments(case, arrays),
        "dtypes": {name: array.dtype.name for name, array in arrays.items()},
        "snippet": snippet if plain else None,
        "adapter": adapter,
        "is_file": adapter.endswith(".py"),
        "shown": shown,
        "tolerance": tolerance(shown) if shown.output else None,
        "narrow": any(array.dtype.name == "bfloat16" for array in arrays.values()),
    }
    return TEMPLATES.get_template("proof.py.jinja").render(told)


def _arguments(case: Case, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Returns the lines of the arguments that make the case, as few as they fit in."""
    said = [
        f"mode={case.mode!r}",
        f"axis={case.axis}",
        f"eps={float(case.eps)!r}",
        f"momentum={float(case.momentum)!r}",
    ]
    said += [f"{name}={literal(array)}.astype({array.dtype.name!r})" for name, array in arrays.items()]
    said += [f"{name}=None" for name in PER_CHANNEL if name not in arrays]
    said += [f"{name}={value!r}" for name, value in case.flags.items()]
    lines: list[str] = []
    for one in said:
        if lines and len(lines[-1]) + len(one) < WIDTH:
            lines[-1] += f" {one},"
        else:
            lines.append(f"{one},")
    return lines


def tolerance(shown: Shown) -> float | np.ndarray:
    """Returns one number for all elements where the greatest bound still tells the error, else a bound for each."""
    allowance = np.broadcast_to(np.asarray(shown.allowance), np.asarray(shown.actual).shape)
    largest = float(allowance.max(initial=0.0))
    with np.errstate(all="ignore"):
        tells = not (np.abs(np.asarray(shown.actual) - np.asarray(shown.expected)) <= largest).all()
    return largest if tells and np.isfinite(largest) else allowance
