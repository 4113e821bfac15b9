"""LaTeX becomes MathML that a browser draws without a script.

Rules: what cannot be converted is shown as its LaTeX, escaped, never dropped; the LaTeX stays with the drawing, as its
alternative text; no markup hidden in the LaTeX reaches the page.
"""

from __future__ import annotations

from functools import lru_cache
from html import unescape
from itertools import pairwise
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

_CHILDREN = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}
_ATTRIBUTES = {
    "accent",
    "stretchy",
    "width",
    "displaystyle",
    "scriptlevel",
    "mathvariant",
    "fence",
    "form",
    "separator",
}
_TALL = frozenset({"mfrac", "msqrt", "mroot", "munder", "munderover", "mtable"})
_ROWS = frozenset({"math", "msqrt"})
"""Elements whose children stand in a row without being told to."""
_FENCES = frozenset("()[]{}|")
"""Operators that are fences by themselves, and stretch where nothing says otherwise."""
_ATTRIBUTES |= {"columnalign", "minsize", "maxsize", "linethickness", "lspace", "rspace", "movablelimits"}


@lru_cache(maxsize=1024)
def equation(latex: str) -> Markup:
    """Returns `latex` as a MathML element, or as escaped text in a <code> element where it cannot be converted."""
    try:
        drawn = convert_to_element(latex, display="block")
        _clean(drawn)
        return Markup(tostring(_named(drawn, latex), encoding="unicode").replace(" />", "/>"))
    except Exception:  # the converter raises whatever comes to it, and a report must not fail on a formula
        return Markup('<code class="latex">{}</code>').format(escape(latex))


def _clean(element: Element) -> None:
    """Makes the entities that the converter writes characters, and refuses what would not be drawn as it was meant."""
    wanted = _CHILDREN.get(element.tag, len(element))
    if not element.tag.startswith("m") or len(element) != wanted:
        raise ValueError(f"{element.tag} with {len(element)} children")
    element.text = unescape(element.text) if element.text else None
    element.attrib = {name: value for name, value in element.attrib.items() if name in _ATTRIBUTES}
    for child in element:
        _clean(child)


def _named(drawn: Element, latex: str) -> Element:
    math = Element("math", {"display": "block", "alttext": latex})
    math.extend(_short(drawn))
    return math


def _short(element: Element) -> Element:
    """Returns the element in fewer words: without rows of one element or within what is a row by itself, with the
    letters of a name in one, and without what is said of a fence that a browser takes for granted."""
    for place, child in enumerate(element):
        inner = _short(child)
        element[place] = inner[0] if inner.tag == "mrow" and len(inner) == 1 and not inner.attrib else inner
    if element.tag in _ROWS and len(element) == 1 and element[0].tag == "mrow" and not element[0].attrib:
        element[:] = list(element[0])
    if element.tag == "mo" and element.text in _FENCES and element.get("stretchy") == "true":
        element.attrib.clear()
    if not any(one.tag in _TALL for one in element.iter()):  # what would stretch has nothing to stretch along
        for one in element:
            if one.tag == "mo" and one.attrib == {"stretchy": "false"}:
                one.attrib.clear()
    if element.tag == "mrow":
        letters = [one for one in element if one.tag == "mi" and one.get("mathvariant") == "normal"]
        for one, other in reversed(list(pairwise(element))):
            if one in letters and other in letters:
                one.text = (one.text or "") + (other.text or "")
                one.attrib.clear()  # a name of several letters is upright by itself
                element.remove(other)
    return element
