"""A finding becomes a Python script that stands alone: run it, and it shows the disagreement or its absence.

Rules: every value of the case is written out and read back exactly; an implementation whose adapter states a snippet is
called as its framework's users call it, so that the script needs the framework and NumPy alone; any other goes through
its adapter. No text from outside reaches the script but as a comment or as a quoted string, and the snippet as it is:
it is the code of the adapter that was run.
"""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from bnconform.contract.address import PROGRAM, PYTHON
from bnconform.contract.case import FEATURES, FLAGS, Case
from bnconform.contract.snippet import Snippet
from bnconform.results.records import ARRAYS

CALLABLE = frozenset({"wide_parameters"})
"""Features of a case that a snippet, which is of the first derivatives only, has as well: it says each array's type."""
MANY, MOST_NAMED = 256, 32
"""An array of many elements is told by those that differ from all others, where these are few: 32 of 256."""
# template, and what the script needs
_ADAPTER = ("adapter", "bnconform, the adapter, its framework and NumPy")
_PROGRAM = ("program", "bnconform, the program and NumPy")
_ELSEWHERE = ("program", "bnconform, NumPy, the adapter and its interpreter")


def script(
    case: Case,
    *,
    implementation: str,
    adapter: str,
    spec: str,
    quantity: str | None,
    latex: str,
    expected: np.ndarray | None,
    bound: np.ndarray | None,
    actual: np.ndarray | None = None,
    snippet: Snippet | None = None,
) -> str:
    """Returns the text of a script that runs `implementation` on `case` and compares `quantity` with `expected`.

    `expected`, `bound` and `actual` belong to `case` itself. Where the spec compares something else than an output of
    one run, pass None for them: the script then points to `bnconform replay`. Where an error was raised, pass no
    quantity either: the script then shows whether it still is. `adapter` is a module; the path of a .py file, looked
    for in the current folder and beside the script; or, as on the command line, an adapter of another interpreter or a
    program, started by the script. `snippet` is the call that stands in for the adapter.
    """
    plain = case.needs <= CALLABLE and not case.flags
    template, needs = _template(adapter, snippet if plain else None)
    asked = [name for feature in sorted(case.needs) for name in FEATURES[feature] if name not in FLAGS]
    arrays = {name: getattr(case, name) for name in (*ARRAYS, *asked)}
    told: dict[str, Any] = {
        "snippet": snippet,
        "arrays": arrays,
        "dtypes": {n: a.dtype.name for n, a in arrays.items() if a is not None},
    }
    told |= {"case": case, "needs": needs, "implementation": implementation, "adapter": adapter, "spec": spec}
    told |= {"quantity": quantity or "", "latex": latex, "flags": case.flags}
    told |= {"expected": expected, "bound": None if expected is None else bound, "actual": actual}
    return TEMPLATES.get_template(template + ".py.jinja").render(told)


def _template(adapter: str, snippet: Snippet | None) -> tuple[str, str]:
    """Returns the name of the template and what its script needs, in words."""
    if adapter.startswith(PROGRAM):
        return _PROGRAM
    if adapter.startswith(PYTHON):
        return _ELSEWHERE
    if snippet is None:
        return _ADAPTER
    return "snippet", f"{snippet.needs} and NumPy" if snippet.needs else "NumPy"


def _array(value: Any) -> str:
    """Returns an expression for `value` as a float64 array; every narrower number is exact in it."""
    if value is None:
        return "None"
    wide = np.asarray(value).astype(np.float64)
    if few := _few(wide):
        return few
    numbers = ", ".join(repr(number) for number in wide.ravel().tolist())
    if len(numbers) > 80:
        pad = " " * 8
        lines = textwrap.wrap(numbers, 110, initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False)
        numbers = "\n" + "\n".join(lines) + "\n    "
    return f"np.array([{numbers}]).reshape({wide.shape!r})"


def literal(value: Any) -> str:
    """Returns an expression for a number or an array of few values, in the fewest digits that tell them in its type."""
    if not isinstance(value, np.ndarray):
        return repr(float(value))
    if not value.size:
        return f"np.zeros({value.shape!r})"
    if few := _few(value):
        return few
    shortest = np.array([float(str(one)) for one in value.ravel()]).reshape(value.shape)
    return f"np.array({shortest.tolist()!r})".replace("nan", "np.nan").replace("inf", "np.inf")


def _few(array: np.ndarray) -> str:
    """Returns an expression that names the few elements that differ from all others; empty where they are many."""
    if array.size < MANY:
        return ""
    flat = array.ravel()
    base = flat[flat.size // 2 + 1] if flat[0] != flat[-1] else flat[0]
    places = np.flatnonzero(~((flat == base) | (np.isnan(flat) & np.isnan(base))))
    if len(places) * MANY > flat.size * MOST_NAMED:
        return ""
    named = ", ".join(f"{place}: {float(str(flat[place]))!r}" for place in places.tolist())
    told = f"{{{named}}}.get(i, {float(str(base))!r})".replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.array([{told} for i in range({flat.size})]).reshape({array.shape!r})"


def _comment(text: str) -> str:
    """Returns `text` on one line, so that it stays in its comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


TEMPLATES = Environment(  # autoescape is for HTML: here `py`, `array` and `comment` quote
    loader=PackageLoader("bnconform", "results/templates"),
    autoescape=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters |= {"py": ascii, "array": _array, "literal": literal, "comment": _comment}
