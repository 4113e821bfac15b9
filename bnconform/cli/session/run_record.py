"""The record of a run: its request, its machine and the versions that took part, as the first line of its results.

Rules: anything that identifies the machine's owner (names, paths of folders) stays out.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime, timezone
from typing import Any

from bnconform.analysis.selftest.score import recorded
from bnconform.cases.conditions import ALWAYS, Condition
from bnconform.cases.strategies import Given
from bnconform.contract.address import without_folders
from bnconform.contract.dialect import Dialect
from bnconform.contract.implementation import LONGEST_NAME, Described
from bnconform.contract.versions import installed
from bnconform.engine.selection import Request, Selection, is_asked
from bnconform.engine.spec import Spec
from bnconform.engine.target import Target
from bnconform.results.records import SCHEMA, ImplementationRecord, RunRecord
from bnconform.results.text import clipped

JUDGE = ("bnconform", "numpy", "ml_dtypes", "hypothesis", "pytest")
"""What a verdict depends on beside the frameworks."""


def run_record(
    request: Request,
    selection: Selection,
    specs: Sequence[Spec],
    command: Sequence[Any],
    targets: Sequence[Target],
) -> RunRecord:
    """Returns the first line of the results of a run that asks all specs of all targets."""
    return {
        "kind": "run",
        "schema": SCHEMA,
        "command": [without_folders(str(word)) for word in command],
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "environment": {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "machine": platform.machine(),
            "processors": os.cpu_count() or 0,
        },
        "versions": _versions(selection),
        "seed": request.seed,
        "examples": request.examples,
        "timeout": request.timeout,
        "device": request.device,
        "specs": [
            {
                "id": one.id,
                "chapter": one.chapter,
                "sentence": one.sentence,
                "latex": one.latex,
                "formula": one.formula,
                "source": one.source,
                "given": given_words(one.given),
                "basis": one.basis,
            }
            for one in specs
        ],
        "implementations": [
            implementation_record(one, str(offer.address))
            for offer in selection.offers
            for one in offer.implementations
        ],
        "missing": list(selection.missing),
        "broken": [{**broken, "message": clipped(broken["message"])} for broken in selection.broken],
        "selftest": _selftest(),
        "defaults": dialect_defaults(),
        "plan": {
            "items": sum(is_asked(spec, target) for spec in specs for target in targets),
            "targets": [{"implementation": one.implementation.name, "dtype": one.dtype} for one in targets],
        },
    }


def dialect_defaults() -> dict[str, Any]:
    """Returns what a Dialect declares where it states nothing."""
    return {field.name: field.default for field in fields(Dialect) if field.name != "links"}


def implementation_record(one: Described, adapter: str) -> ImplementationRecord:
    """Returns an implementation as the first line of results states it."""
    return {
        "name": one.name,
        "version": clipped(one.version, LONGEST_NAME),
        "adapter": adapter,
        "dtypes": list(one.dtypes),
        "devices": list(one.devices),
        "dialect": _declared(one),
        "links": _links(one),
        "settings": None if one.settings is None else one.settings.to_json(),
        "versions": dict(one.versions),
        "environment": dict(one.environment),
    }


CHANNELS = {
    "mixed": "channels of mixed regimes",
    "constant": "constant channels",
    "inputs": "each step of a network that begins with the drawn inputs",
    "gaussian": "thousands of Gaussian channels",
    "sentinels": "few sentinels among zeros, at the sizes of real layers",
    "wide": "channels of mixed regimes, parameters and averages of a wider type",
}


def given_words(given: Given) -> str:
    """Returns in words which cases a spec is given; a field that has no words here is told by name and value."""
    words = ["a training step" if given.mode == "train" else "inference"]
    words += [CHANNELS[given.channels]]
    words += ["with running averages" if given.statistics else "without running averages"]
    words += ["with a cotangent of y"] * given.gradients
    words += _conditions(given.condition)
    for field in fields(given):
        value = getattr(given, field.name)
        if field.name not in ("mode", "channels", "statistics", "gradients", "condition") and value != field.default:
            words.append(f"with {field.name}" if value is True else f"{field.name}: {value}")
    return ", ".join(words)


def _conditions(condition: Condition) -> list[str]:
    """Returns in words of which cases a statement is asked, where it is not asked of all."""
    stated = [f"asked in {' and '.join(condition.dtypes)}"] * (condition.dtypes != ALWAYS.dtypes)
    stated += [f"asked of rank {' and '.join(map(str, sorted(condition.ranks)))}"] * (condition.ranks != ALWAYS.ranks)
    stated += [condition.why] * (condition.layers != ALWAYS.layers or condition.grouped is not None)
    stated += [f"asked of {condition.examples} examples or more"] * (condition.examples > 0)
    return [*stated, *[f"asked of {condition.rows} values a channel or more"] * (condition.rows > 0)]


def _selftest() -> dict[str, Any] | None:
    """Returns the score of the self-test; None where none was measured on these very sources."""
    known = recorded()
    return None if known is None else asdict(known)


def _versions(selection: Selection) -> dict[str, str]:
    """Returns the versions of what judges, then those of the frameworks that take part, as their hosts state them.

    The first that is stated stands: an adapter in another interpreter may have others, which its own record has.
    """
    found = installed(*JUDGE)
    for one in (one for offer in selection.offers for one in offer.implementations):
        found |= {name: version for name, version in one.versions.items() if name not in found}
    return found


def _declared(one: Described) -> dict[str, Any]:
    """Returns the fields that are not the default; those of single dtypes as "field (dtype)"."""
    default = Dialect()
    names = [field.name for field in fields(Dialect) if field.name != "links"]
    stated = {n: getattr(one.dialect, n) for n in names if getattr(one.dialect, n) != getattr(default, n)}
    for dtype, dialect in one.by_dtype.items():
        stated |= {
            f"{n} ({dtype})": getattr(dialect, n) for n in names if getattr(dialect, n) != getattr(one.dialect, n)
        }
    return stated


def _links(one: Described) -> dict[str, str]:
    links = dict(one.dialect.links)
    for dialect in one.by_dtype.values():
        links |= {name: url for name, url in dialect.links.items() if name not in links}
    return links
