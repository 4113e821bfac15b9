"""The docstring of a function, also where Python runs without docstrings (-OO, PYTHONOPTIMIZE=2).

Rules: specs and faults take their sentence from here, so that a setting of the caller's changes none; without
docstrings the source is read.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def docstring(function: Callable[..., Any]) -> str:
    """Returns the docstring; empty where there is none."""
    if function.__doc__:
        return inspect.cleandoc(function.__doc__)
    try:
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError, TypeError, ValueError):  # no source, or a lambda amid a line
        return ""
    return ast.get_docstring(node) or "" if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""


def sentence(function: Callable[..., Any]) -> str:
    """Returns the first line of the docstring; empty where there is none."""
    return docstring(function).strip().partition("\n")[0]
