"""A Deviation is a known finding, one row of a table in TOML; a Cause is its reason, stated once for many.

Rules: every key and every value is checked, and what is wrong is said with its place, what was got and what to do; a
cause without a reason or a link in a person's words is refused; a link that is no address is a file of the registry's
folder and must be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice, product
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from bnconform.contract.case import Case
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import ContractError
from bnconform.contract.files import inside
from bnconform.contract.text import on_one_line
from bnconform.engine.agreement import BAD, VERDICTS
from bnconform.engine.request import DEVICES
from bnconform.engine.selection import fits
from bnconform.results.case_line import LONGEST
from bnconform.results.deviations.checks import check_keys, one_of, version_range, words
from bnconform.results.deviations.defects import Defect, defect_of
from bnconform.results.deviations.signature import Signature
from bnconform.results.deviations.witnesses import Packed, Witness

FAULTS = ("implementation", "adapter", "by-design")
_CAUSE = ("implementations", "versions", "fault", "reason", "link", "findings")
_CAUSE_MORE = ("defect", "devices", "script", "witnesses")
_ROW = ("spec", "dtypes", "witness")
_ROW_MORE = ("implementations", "verdict", "quantity", "raises", "diagnosis")
WRITTEN = ("reason", "link")
MOST = 100_000
"""Deviations of one registry: a short file must not stand for any number of them."""
_ABOVE_THE_PACKAGE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why findings are as they are.

    place: where that is written. defect: what it is a cause of. link: documentation, an issue or a script. script: the
    path of the one that shows it with the framework and NumPy alone, or "". A script of bnconform's own is given from
    the package on, as an installed bnconform has it.
    """

    place: str
    defect: Defect
    fault: str
    reason: str
    link: str
    script: str
    versions: SpecifierSet

    def covers(self, version: str) -> bool:
        """Returns whether a framework's version is in the range; one that is no version by PEP 440 is in none."""
        try:
            return self.versions.contains(Version(version), prereleases=True)
        except ValueError:  # InvalidVersion, or a number of thousands of digits
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
    stored: Witness

    @property
    def name(self) -> str:
        """The subject of the deviation, in words."""
        return f"{self.spec} of {self.implementation} in {self.dtype} on {self.device}"

    @property
    def witness(self) -> Case:
        """The case that shows it."""
        return self.stored.case


@dataclass(frozen=True, kw_only=True)
class _Shared:
    """What the rows of a cause have in common."""

    cause: Cause
    names: list[str]
    devices: list[str]
    lines: dict[str, str]
    packed: Packed


def deviations_of(
    table: Any, place: str, packed: Packed, defects: Mapping[str, Defect], *, drafts: bool = False
) -> Iterator[Deviation]:
    """Yields the deviations of one `[[cause]]`; raises ContractError, beginning with `place`, for a wrong one.

    packed: the larger witnesses, which lie beside it. defects: those that its file states, by name. drafts: whether a
    reason and a link may be still to be written.
    """
    check_keys(table, place, _CAUSE, _CAUSE_MORE)
    for key in WRITTEN:
        if not isinstance(table[key], str) or not (drafts or table[key].strip()):
            raise ContractError(
                f"{place}: {key} is {table[key]!r:.200}; expected a person's words: write why it is so, and where that "
                "can be read, or remove the entry"
            )
    shared = _Shared(
        cause=_cause(table, place, packed.path.parent, defects),
        names=words(table["implementations"], "implementations", place),
        devices=words(table.get("devices", ["cpu"]), "devices", place, DEVICES),
        lines=_lines(table.get("witnesses", {}), place),
        packed=packed,
    )
    if not isinstance(table["findings"], list) or not table["findings"]:
        raise ContractError(f"{place}: findings is {table['findings']!r:.80}; expected a list of tables, one a spec")
    rows = (_row(row, f"{place}, finding {number}", shared) for number, row in enumerate(table["findings"], 1))
    found = list(islice(chain.from_iterable(rows), MOST))
    if len(found) == MOST:
        raise ContractError(f"{place}: its findings are {MOST:,} or more; expected fewer")
    idle = set(shared.lines) - {one.stored.key for one in found}
    if idle:
        raise ContractError(f"{place}: no finding names the witness {min(idle)}; remove it, or name it in a finding")
    yield from found


def _cause(table: Any, place: str, folder: Path, defects: Mapping[str, Defect]) -> Cause:
    link = _linked(table["link"].strip(), "link", place, folder)
    script = table.get("script", "" if "://" in link else table["link"].strip())
    if not isinstance(script, str) or "://" in script:
        raise ContractError(f"{place}: script is {script!r:.200}; expected a path from the registry's folder on")
    reason = on_one_line(" ".join(table["reason"].split()))
    return Cause(
        place=place,
        defect=defect_of(table.get("defect"), defects, place, reason),
        fault=one_of(table["fault"], FAULTS, "fault", place),
        reason=reason,
        link=link,
        script=_linked(script, "script", place, folder),
        versions=version_range(table["versions"], place),
    )


def _linked(link: str, key: str, place: str, folder: Path) -> str:
    """Returns an address as it is, and a path from the registry's folder on as it can be shown anywhere."""
    if not link or "://" in link:
        return on_one_line(link)
    try:
        path = inside(folder, link)
    except ContractError as error:
        raise ContractError(f"{place}: {key}: {error}") from None
    if not path.is_file():
        raise ContractError(
            f"{place}: {key} is {link!r:.200}, and there is no file {path}; expected an address, or a path from the "
            "registry's folder on, such as 'torch/third_derivative.py'"
        )
    own = path.resolve()
    return (
        own.relative_to(_ABOVE_THE_PACKAGE).as_posix()
        if own.is_relative_to(_ABOVE_THE_PACKAGE)
        else f"{folder.resolve().name}/{link}"
    )


def _lines(table: Any, place: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(one, str) and len(one) <= LONGEST for one in table.values()):
        raise ContractError(
            f"{place}: witnesses is {table!r:.80}; expected a table of keys, each with a case as a line of at most "
            f"{LONGEST} characters"
        )
    return table


def _row(row: Any, place: str, shared: _Shared) -> Iterator[Deviation]:
    check_keys(row, place, _ROW, _ROW_MORE)
    for key in ("spec", "quantity", "raises", "diagnosis"):
        if key in row and (not isinstance(row[key], str) or not row[key]):
            raise ContractError(f"{place}: {key} is {row[key]!r:.200}; expected a word, or no such key")
    signature = _signature(row, place)
    dtypes = words(row["dtypes"], "dtypes", place, DTYPES)
    own = words(row.get("implementations", shared.names), "implementations", place)
    strangers = [one for one in own if not fits(one, shared.names)]
    if strangers:
        raise ContractError(
            f"{place}: {strangers[0]} is none of the cause's implementations, {', '.join(shared.names):.200}"
        )
    stored = _stored(row["witness"], dtypes, place, shared)
    for name, dtype, device in product(own, dtypes, shared.devices):
        yield Deviation(
            place=place,
            cause=shared.cause,
            implementation=name,
            spec=row["spec"],
            dtype=dtype,
            device=device,
            signature=signature,
            stored=stored[dtype],
        )


def _signature(row: Any, place: str) -> Signature:
    signature = Signature(
        verdict=one_of(row.get("verdict", "fails"), [one for one in VERDICTS if one in BAD], "verdict", place),
        quantity=row.get("quantity"),
        raises=row.get("raises"),
        diagnoses=(row["diagnosis"],) if "diagnosis" in row else (),
    )
    if signature.verdict == "fails" and (signature.quantity is None) == (signature.raises is None):
        raise ContractError(f"{place}: expected either quantity, what was wrong, or raises, the class of the exception")
    return signature


def _stored(value: Any, dtypes: list[str], place: str, shared: _Shared) -> dict[str, Witness]:
    """Returns the witness of each dtype; `value` is the key of one for all, or a table of keys by dtype."""
    keys = value if isinstance(value, dict) else dict.fromkeys(dtypes, value)
    if set(keys) != set(dtypes) or not all(isinstance(key, str) for key in keys.values()):
        raise ContractError(
            f"{place}: witness is {value!r:.80}; expected a key, or one for each of {', '.join(dtypes)}"
        )
    lacking = [key for key in keys.values() if key not in shared.lines and key not in shared.packed.settings]
    if lacking:
        raise ContractError(
            f"{place}: its witness {lacking[0]:.80} is neither in [cause.witnesses] nor in {shared.packed.path.name}; "
            "let `bnconform deviations --update RESULTS` write it from the run that found it"
        )
    return {
        dtype: Witness(key, shared.cause.place, shared.lines.get(key), shared.packed) for dtype, key in keys.items()
    }
