"""The witness of a defect in a few rows: the case that was compared, what was returned and what is due.

Rules: few values, always with the worst element; digits are enough to see the difference, which is marked.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from bnconform.report.wording import rough_text, value_text
from bnconform.results.records import CaseRecord, Finding, ShownRecord

MOST_SHOWN = 6
"""How many values of an array are shown."""
Row = tuple[str, Markup]


def rows(shown: Finding) -> list[Row]:
    """Returns the case and the answer that is wrong; the reason of the finding where no single answer is."""
    answer = (shown.get("detail") or {}).get("shown")
    if answer is None:
        return [("found", escape(shown.get("reason") or "no reason given"))]
    case = answer["case"]
    given = _given(case, answer["output"])
    if not answer["output"]:
        return [*given, ("found", escape(shown.get("reason") or ""))]
    return [*given, *_compared(answer)]


def _given(case: CaseRecord, output: str) -> list[Row]:
    """Returns x with the settings, and those parameters that have a part in what is wrong."""
    size = " × ".join(map(str, case["shape"]))
    settings = f"{case['dtype']}, {size}, {case['mode']}, ε = {value_text(case['eps'])}"
    settings += f", malformed: {case['malformed']}" if "malformed" in case else ""
    found = [(f"{_name_of_x(case)}, {settings}", _values(case["x"], case["dtype"]))]
    held = {"held_gamma": case.get("held_gamma"), "held_beta": case.get("held_beta")}
    found += [(name, _values(values, case["dtype"])) for name, values in held.items() if values is not None]
    if "wanted" in case:
        found.append(("gradients asked for", escape(", ".join(case["wanted"]))))
    if case.get("checkpointed"):
        found.append(("backward pass", escape("runs the forward pass again")))
    if "earlier" in case:
        found.append(("x of two earlier calls, of both modes", _values(case["earlier"], case["dtype"])))
    if "between" in case:
        mode = case.get("between_mode", case["mode"])
        found.append((f"x of a call before the backward pass, {mode}", _values(case["between"], case["dtype"])))
    if case["dy"] is not None and output not in ("y", "running_mean", "running_var"):
        found.append(("dy", _values(case["dy"], case["dtype"])))
    unusual: dict[str, tuple[Any, float | None]] = {"gamma": (case["gamma"], 1.0), "beta": (case["beta"], 0.0)}
    if case["mode"] == "infer":
        names = ("running_mean", "running_var", "bias")
        unusual |= {name: (case.get(name), None) for name in names}
    return found + [
        (name, _values(values, case["dtype"]))
        for name, (values, usual) in unusual.items()
        if values is not None and any(one != usual for one in _flat(values))
    ]


def _name_of_x(case: CaseRecord) -> str:
    """Returns what x is: the input, its shares counted where replicas share it, or the weight of a layer."""
    if "layer" not in case:
        return "x" + (f" in shards of {' + '.join(map(str, case['shards']))}" if "shards" in case else "")
    groups = f" in {case['groups']} groups" if "groups" in case else ""
    return f"weight, {case['layer']}{groups}"


def _compared(answer: ShownRecord) -> list[Row]:
    got, due, bound = _flat(answer["actual_values"]), _flat(answer["expected_values"]), _flat(answer["bound_values"])
    first = _place(answer)
    window = slice(max(0, min(first, len(got) - MOST_SHOWN)), max(MOST_SHOWN, first + 1))
    pairs = [_told_apart(one, other) for one, other in zip(got[window], due[window], strict=True)]
    cut = Markup(" …") if len(got) > len(pairs) else Markup("")
    tolerance = Markup(" <small>± {}</small>").format(rough_text(bound[first])) if first < len(bound) else Markup("")
    return [
        (f"{answer['output']} returned", Markup(", ").join(one for one, _ in pairs) + cut),
        (f"{answer['output']} due", Markup(", ").join(other for _, other in pairs) + cut + tolerance),
    ]


def _place(answer: ShownRecord) -> int:
    """Returns the place of the worst element among all values, in order."""
    values, place = answer["actual_values"], 0
    for index in answer["index"]:
        if not isinstance(values, list) or index >= len(values):
            return 0
        place += sum(len(_flat(one)) for one in values[:index])
        values = values[index]
    return place


def _told_apart(actual: Any, due: Any) -> tuple[Markup, Markup]:
    """Returns a value and the one that is due, in the fewest digits in which they differ, the difference marked."""
    if isinstance(actual, str) or isinstance(due, str):
        one, other = (value_text(value) if isinstance(value, str) else f"{value:.6g}" for value in (actual, due))
        return Markup("<mark>{}</mark>").format(one), escape(other)
    digits = next((n for n in range(4, 18) if f"{actual:.{n}g}" != f"{due:.{n}g}"), 17)
    digits = min(digits + 2, 17)
    one, other = f"{actual:.{digits}g}", f"{due:.{digits}g}"
    if one == other:
        return escape(one), escape(other)
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return escape(one[:same]) + Markup("<mark>{}</mark>").format(one[same:]), escape(other)


def _values(values: Any, dtype: str) -> Markup:
    flat = _flat(values)
    text = ", ".join(value_text(one, dtype) for one in flat[:MOST_SHOWN])
    return escape(text + (f" … ({len(flat)} values)" if len(flat) > MOST_SHOWN else "" if flat else "no values"))


def _flat(values: Any) -> list[Any]:
    return [one for value in values for one in _flat(value)] if isinstance(values, list) else [values]
