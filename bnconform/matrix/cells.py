"""The cells of a matrix, as `matrix.toml` states them: a framework's version, and what goes with it.

Rules: this file needs the standard library alone and is loaded by its path where nothing else is installed, as tox
does; what cannot be read is one message with the cell, what was got and what was expected; nothing here names an index,
a folder of wheels or an interpreter's path, which belong to the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import tomllib

LABELS = ("quick", "default", "full")
DEVICES = ("cpu", "cuda")
LIGHT = ("numpy", "ml_dtypes", "safetensors")
"""What a host needs in the environment of a framework."""
_PYTHON = re.compile(r"3\.\d{1,2}")
_VERSION = re.compile(r"\d[0-9A-Za-z.+!_]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]*")
_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._,-]+\])?\s*((==|>=|<=|<|>|!=|~=)\s*[^\s;@/]+)?")
_TEXTS = ("framework", "version", "python")
_LISTS = ("labels", "pins", "adapters", "implementations", "options")
_MORE = ("distribution", "device", "name", "megabytes")


class MatrixError(ValueError):
    """A matrix that cannot be read; the message says where, what was got and what was expected."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A version of a framework, and what goes with it.

    framework: the namespace of its implementations. python: the version of the interpreter that answers. distribution:
    what pip calls it. pins: what is installed beside it, pinned. labels: the runs that it takes part in. adapters: by
    the names of their entry points, or files; empty: all of the framework's namespace. implementations: globs of those
    that are judged; empty: all but variants. options: further words for the installer, as a test needs them.
    megabytes: what the environment takes on the disk, where that was measured.
    """

    framework: str
    version: str
    python: str
    name: str
    distribution: str
    labels: tuple[str, ...]
    pins: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    implementations: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    device: str = "cpu"
    megabytes: int = 0

    @property
    def requirements(self) -> tuple[str, ...]:
        """All that is installed, as an installer reads it."""
        return (f"{self.distribution}=={self.version}", *self.pins, *_unpinned(self.pins))

    @property
    def words(self) -> str:
        """The cell for people."""
        beside = f", {', '.join(self.pins)}" if self.pins else ""
        return f"{self.distribution} {self.version} on Python {self.python}{beside}"


def read_cells(path: Path) -> tuple[Cell, ...]:
    """Returns the cells of a matrix; raises MatrixError for one that cannot be read."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MatrixError(f"{path}: {error.strerror}; expected a matrix, as the matrix.toml of bnconform is") from None
    except ValueError as error:
        raise MatrixError(f"{path}: {error}; expected TOML with a table [[cell]] for each cell") from None
    tables = content.pop("cell", None)
    if content or not isinstance(tables, list) or not tables:
        got = f"it has {', '.join(content):.200}, which nothing reads" if content else "it has no cell"
        raise MatrixError(f"{path}: {got}; expected a table [[cell]] for each cell, and nothing else")
    cells = tuple(_cell(table, f"{path.name}, cell {place}") for place, table in enumerate(tables, 1))
    names = [one.name for one in cells]
    for name in names:
        if names.count(name) > 1:
            raise MatrixError(f"{path}: two cells are called {name}; give one of them a `name` of its own")
    return cells


def chosen(cells: Sequence[Cell], label: str | None = None, only: Iterable[str] = ()) -> tuple[Cell, ...]:
    """Returns the cells of a label, and of these those whose name fits one of the globs, if there are any; raises
    MatrixError where none is left."""
    globs = tuple(only)
    found = tuple(
        one
        for one in cells
        if (label is None or label in one.labels) and (not globs or any(fnmatchcase(one.name, glob) for glob in globs))
    )
    if not found:
        wanted = " and ".join(
            [f"the label {label}"] * (label is not None) + [f"a name like {', '.join(globs)}"] * bool(globs)
        )
        raise MatrixError(f"no cell has {wanted}; there are {', '.join(one.name for one in cells)}")
    return found


def _unpinned(pins: Iterable[str]) -> tuple[str, ...]:
    named = {re.split(r"[\[\s=<>!~]", pin)[0].replace("-", "_").lower() for pin in pins}
    return tuple(one for one in LIGHT if one not in named)


def _cell(table: Any, place: str) -> Cell:
    if not isinstance(table, Mapping):
        raise MatrixError(f"{place}: got {table!r:.80}; expected a table")
    unknown = [key for key in table if key not in (*_TEXTS, *_LISTS, *_MORE)]
    lacking = [key for key in (*_TEXTS, "labels") if key not in table]
    if unknown or lacking:
        got = f"has {', '.join(unknown):.200}, which nothing reads" if unknown else f"lacks {', '.join(lacking)}"
        raise MatrixError(f"{place}: it {got}; expected {', '.join(_TEXTS)}, labels and, where wanted, "
                          f"{', '.join((*_LISTS[1:], *_MORE))}")  # fmt: skip
    framework = _text(table, "framework", _NAME, "a name", place)
    version = _text(table, "version", _VERSION, "one version, without a range", f"{place} ({framework})")
    place = f"{place} ({framework} {version})"
    python = _text(table, "python", _PYTHON, "a version of Python such as '3.11'", place)
    lists = {name: _words(table, name, place) for name in _LISTS if name in table}
    _check_lists(lists, place)
    device = table.get("device", "cpu")
    if device not in DEVICES:
        raise MatrixError(f"{place}: device is {device!r:.80}; expected one of {', '.join(DEVICES)}")
    size = table.get("megabytes", 0)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise MatrixError(f"{place}: megabytes is {size!r:.80}; expected a whole number")
    name = f"{framework}_{version}_py{python.replace('.', '')}".replace("+", "_").replace("!", "_")
    own = {"name": name, "distribution": framework, **table}
    return Cell(
        framework=framework,
        version=version,
        python=python,
        name=_text(own, "name", _NAME, "letters, digits, dots and underscores: it names a folder", place),
        distribution=_text(own, "distribution", _PIN, "a distribution without a version", place),
        device=device,
        megabytes=size,
        **lists,
    )


def _check_lists(lists: Mapping[str, tuple[str, ...]], place: str) -> None:
    strange = [one for one in lists["labels"] if one not in LABELS]
    if strange or not lists["labels"]:
        got = repr(strange[0]) if strange else "nothing"
        raise MatrixError(f"{place}: labels has {got:.80}; expected some of {', '.join(LABELS)}")
    for pin in lists.get("pins", ()):
        if not _PIN.fullmatch(pin):
            raise MatrixError(f"{place}: pins has {pin!r:.100}; expected a requirement such as 'flax==0.10.7', and no "
                              "address or path")  # fmt: skip


def _text(table: Mapping[str, Any], key: str, form: re.Pattern[str], expected: str, place: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not form.fullmatch(value):
        raise MatrixError(f"{place}: {key} is {value!r:.80}; expected {expected}")
    return value


def _words(table: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    value = table[key]
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise MatrixError(f"{place}: {key} is {value!r:.80}; expected a list of texts")
    return tuple(value)
