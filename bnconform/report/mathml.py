"""LaTeX becomes MathML that a browser draws without a script.

Rules: what cannot be converted is shown as its LaTeX, escaped, never dropped; the LaTeX stays with the drawing, as its
alternative text and as its annotation; no markup hidden in the LaTeX reaches the page.
"""

from __future__ import annotations

from functools import lru_cache
from html import unescape
from xml.etree.ElementTree import Element, SubElement, tostring

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
_ATTRIBUTES |= {"columnalign", "minsize", "maxsize", "linethickness", "lspace", "rspace", "movablelimits"}


@lru_cache(maxsize=1024)
def equation(latex: str) -> Markup:
    """Returns `latex` as a MathML element, or as escaped text in a <code> element where it cannot be converted."""
    try:
        drawn = convert_to_element(latex, display="block")
        _clean(drawn)
        return Markup(tostring(_annotated(drawn, latex), encoding="unicode"))
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


def _annotated(drawn: Element, latex: str) -> Element:
    math = Element("math", {"display": "block", "alttext": latex})
    semantics = SubElement(math, "semantics")
    row = SubElement(semantics, "mrow")
    row.extend(drawn)
    SubElement(semantics, "annotation", {"encoding": "application/x-tex"}).text = latex
    return math
