"""A Deviation is a known finding, one row of a table in TOML; a Cause is its reason, stated once for many.

Rules: every key and every value is checked, and the message names place, value and remedy; a cause without a reason or
a link in a person's words is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import ContractError
from bnconform.engine.selection import DEVICES, fits
from bnconform.results.deviations.signature import Signature

FAULTS = ("implementation", "adapter", "by-design")
VERDICTS = ("fails", "crashes", "hangs")
_CAUSE = ("implementations", "versions", "fault", "reason", "link", "findings")
_ROW = ("spec", "dtypes")
_ROW_MORE = ("implementations", "verdict", "quantity", "raises", "diagnosis", "witness")
WRITTEN = ("reason", "link")


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why findings are as they are. place: where that is written; link: documentation, an issue or a minimal script."""

    place: str
    fault: str
    reason: str
    link: str
    versions: SpecifierSet

    def covers(self, version: str) -> bool:
        """Returns whether a framework's version is in the range; one that is no version by PEP 440 is in none."""
        try:
            return self.versions.contains(Version(version), prereleases=True)
        except InvalidVersion:
            return False


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One finding that is known; `implementation` is a name or a glob; place: where it is written."""

    place: str
    cause: Cause
    implementation: str
    spec: str
    dtype: str
    device: str
    signature: Signature
    witness: Path

    @property
    def name(self) -> str:
        """The subject of the deviation, in words."""
        return f"{self.spec} of {self.implementation} in {self.dtype} on {self.device}"


def witness_name(spec: str, implementation: str, dtype: str, device: str) -> str:
    """Returns the name of a witness's file, the same as a run gives it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", f"{spec}-{implementation}-{dtype}-{device}") + ".safetensors"


def deviations_of(table: Any, place: str, witnesses: Path, *, drafts: bool = False) -> Iterator[Deviation]:
    """Yields the deviations of one `[[cause]]`; raises ContractError, beginning with `place`, for a wrong one.

    witnesses: the folder of their files. drafts: whether a reason and a link may be still to be written.
    """
    _check_keys(table, place, _CAUSE, ("devices",))
    for key in WRITTEN:
        if not isinstance(table[key], str) or not (drafts or table[key].strip()):
            raise ContractError(
                f"{place}: {key} is {table[key]!r}; expected a person's words: write why it is so, and where that can "
                "be read, or remove the entry and its witnesses"
            )
    cause = Cause(
        place=place,
        fault=_one_of(table["fault"], FAULTS, "fault", place),
        reason=" ".join(table["reason"].split()),
        link=table["link"].strip(),
        versions=_range(table["versions"], place),
    )
    names = _words(table["implementations"], "implementations", place)
    devices = _words(table.get("devices", ["cpu"]), "devices", place, DEVICES)
    if not isinstance(table["findings"], list) or not table["findings"]:
        raise ContractError(f"{place}: findings is {table['findings']!r:.80}; expected a list of tables, one a spec")
    for number, row in enumerate(table["findings"], 1):
        yield from _row(row, f"{place}, finding {number}", cause, names, devices, witnesses)


def _row(
    row: Any, place: str, cause: Cause, names: list[str], devices: list[str], witnesses: Path
) -> Iterator[Deviation]:
    _check_keys(row, place, _ROW, _ROW_MORE)
    for key in ("spec", "quantity", "raises", "diagnosis", "witness"):
        if key in row and (not isinstance(row[key], str) or not row[key]):
            raise ContractError(f"{place}: {key} is {row[key]!r}; expected a word, or no such key")
    signature = Signature(
        verdict=_one_of(row.get("verdict", "fails"), VERDICTS, "verdict", place),
        quantity=row.get("quantity"),
        raises=row.get("raises"),
        diagnoses=(row["diagnosis"],) if "diagnosis" in row else (),
    )
    if signature.verdict == "fails" and (signature.quantity is None) == (signature.raises is None):
        raise ContractError(f"{place}: expected either quantity, what was wrong, or raises, the class of the exception")
    dtypes = _words(row["dtypes"], "dtypes", place, DTYPES)
    own = _words(row.get("implementations", names), "implementations", place)
    strangers = [one for one in own if not fits(one, names)]
    if strangers:
        raise ContractError(f"{place}: {strangers[0]} is none of the cause's implementations, {', '.join(names)}")
    for name, dtype, device in product(own, dtypes, devices):
        file = witnesses / row.get("witness", witness_name(row["spec"], name, dtype, device))
        if not file.is_file():
            raise ContractError(
                f"{place}: its witness {file} is not there; copy it from the witnesses/ of the run that found it, or "
                "name another one of that folder as `witness`"
            )
        yield Deviation(
            place=place,
            cause=cause,
            implementation=name,
            spec=row["spec"],
            dtype=dtype,
            device=device,
            signature=signature,
            witness=file,
        )


def _check_keys(table: Any, place: str, needed: tuple[str, ...], more: tuple[str, ...]) -> None:
    if not isinstance(table, Mapping):
        raise ContractError(f"{place}: got {table!r:.80}; expected a table with {', '.join(needed)}")
    lacking = [key for key in needed if key not in table]
    unknown = [key for key in table if key not in (*needed, *more)]
    if lacking or unknown:
        got = f"lacks {', '.join(lacking)}" if lacking else f"has {', '.join(unknown)}, which nothing reads"
        raise ContractError(f"{place}: {got}; expected {', '.join(needed)} and, where wanted, {', '.join(more)}")


def _one_of(value: Any, allowed: tuple[str, ...], key: str, place: str) -> str:
    if value not in allowed:
        raise ContractError(f"{place}: {key} is {value!r}; expected one of {', '.join(allowed)}")
    return str(value)


def _words(value: Any, key: str, place: str, allowed: tuple[str, ...] = ()) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise ContractError(f"{place}: {key} is {value!r}; expected a list of one or more words")
    for one in value if allowed else ():
        _one_of(one, allowed, key, place)
    return value


def _range(value: Any, place: str) -> SpecifierSet:
    try:
        return SpecifierSet(value if isinstance(value, str) and value.strip() else "no range")
    except InvalidSpecifier:
        raise ContractError(
            f"{place}: versions is {value!r}; expected a range of the framework's versions by PEP 440, such as "
            "'>=2.13' or '>=2.13,<2.15'"
        ) from None
