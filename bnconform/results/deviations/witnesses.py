"""The witnesses of the registry: cases by key, small ones a line in the TOML, larger ones packed in one file beside it.

Rules: a key is the digest of a case's bytes, so that equal cases have one key and a changed line is noticed; reading
the registry reads no case: each is read when it is asked for. In a packed file the arrays of a case stand under
`key/field`, and the settings of all in the metadata.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from bnconform.contract.case import Case
from bnconform.contract.errors import ContractError
from bnconform.contract.files import inside, write_whole
from bnconform.contract.text import on_one_line
from bnconform.contract.wire import TENSOR_TYPES, pack, pack_case, unpack, unpack_case
from bnconform.results.case_line import case_line, read_case
from bnconform.results.deviations.quoting import quoted, tabled

DIGITS = 8
FEW = 40
"""How many values a case may hold to stand as a line."""


def case_key(case: Case) -> str:
    """Returns the key of a case."""
    return hashlib.sha256(pack_case(case)).hexdigest()[:DIGITS]


def is_small(case: Case) -> bool:
    """Returns whether a case stands as a line, and not in a packed file."""
    arrays = [*vars(case).values(), *(case.state or {}).values()]
    return sum(array.size for array in arrays if isinstance(array, np.ndarray)) <= FEW


@dataclass(frozen=True)
class Packed:
    """The larger cases of one framework, in one safetensors file, which need not be there."""

    path: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings of each case, by key; it reads the head of the file alone."""
        if not inside(self.path.parent, self.path.name).is_file():
            return {}
        try:
            with self.path.open("rb") as file:
                size = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(min(size, self.path.stat().st_size)).decode("utf-8"))
            found = json.loads(header["__metadata__"]["bnconform"])["cases"]
            if not isinstance(found, dict):
                raise TypeError(f"got {found!r:.40} for its cases")
        except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ContractError(
                f"{self.path}: cannot be read ({error!r:.80}); expected the packed witnesses of a registry: take it "
                "from version control again"
            ) from None
        return found

    @cached_property
    def _tensors(self) -> dict[str, dict[str, Any]]:
        try:
            return dict(deserialize(self.path.read_bytes()))  # type: ignore[no-untyped-call]
        except (OSError, SafetensorError, OverflowError) as error:
            why = on_one_line(str(error))[:200]  # which quotes what is in the file
            raise ContractError(f"{self.path}: cannot be read ({why}); expected a whole safetensors file") from None

    def case(self, key: str) -> Case:
        """Returns the case of that key."""
        prefix = f"{key}/"
        own = {name[len(prefix) :]: one for name, one in self._tensors.items() if name.startswith(prefix)}
        try:
            arrays = {
                name: np.frombuffer(one["data"], TENSOR_TYPES[one["dtype"]]).reshape(one["shape"])
                for name, one in own.items()
            }
            blob = pack({"kind": "Case", "case": self.settings[key], "metadata": {}}, arrays)
        except (KeyError, ValueError, OverflowError) as error:
            raise ContractError(f"{self.path}: its {key} is no case ({error!r:.80})") from None
        return unpack_case(blob)[0]


@dataclass(frozen=True)
class Witness:
    """A case of the registry, read when it is asked for. place: where it is written; line: as a line; else packed."""

    key: str
    place: str
    line: str | None
    packed: Packed

    @cached_property
    def case(self) -> Case:
        """The case; raises ContractError where it is not the one of its key."""
        try:
            case = self.packed.case(self.key) if self.line is None else read_case(self.line)
        except ContractError as error:
            raise ContractError(f"{self.place}, witness {self.key}: {error}") from None
        if case_key(case) != self.key:
            raise ContractError(
                f"{self.place}: witness {self.key} is a case whose key is {case_key(case)}; restore it, or change the "
                "key here and in the findings that name it"
            )
        return case


def write_packed(path: Path, cases: Mapping[str, Case]) -> None:
    """Writes a packed file of `cases` by key; a reader sees the old file or all of the new."""
    settings: dict[str, Any] = {}
    tensors: dict[str, np.ndarray] = {}
    for key in sorted(cases):
        message, arrays = unpack(pack_case(cases[key]))
        settings[key] = message["case"]
        tensors |= {f"{key}/{name}": array for name, array in arrays.items()}
    write_whole({path: save(tensors, {"bnconform": json.dumps({"kind": "Cases", "cases": settings})})})


def lines_of(cases: Mapping[str, Case]) -> list[str]:
    """Returns the table of a cause's small witnesses in TOML; no lines where none is small."""
    small = [f"{key} = {quoted(case_line(case))}" for key, case in cases.items() if is_small(case)]
    return ["", "[cause.witnesses]", *small] if small else []


def named(keys: Mapping[str, str]) -> str:
    """Returns in TOML how a finding names its witnesses, whose keys are given by dtype."""
    if len(set(keys.values())) == 1:
        return quoted(next(iter(keys.values())))
    return tabled({dtype: quoted(key) for dtype, key in keys.items()})
