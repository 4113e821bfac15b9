"""The selection of a run: its adapters, implementations, specs, dtypes and devices.

Rules: a name or glob that fits nothing is a wrong call, and the message lists the names there are; a framework that is
not installed is listed, never an error; adapters with a namespace that no glob can reach are not even started; an
opt-in implementation takes part where a glob or its adapter was given.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from glob import escape
from typing import Any

from bnconform.cases.sharing import ASKS
from bnconform.contract.address import Address, NotInstalled, installed_addresses, named_address
from bnconform.contract.dtypes import DTYPES
from bnconform.contract.errors import CallError, ContractError
from bnconform.contract.implementation import Described
from bnconform.engine.request import Request as Request
from bnconform.engine.spec import Spec
from bnconform.engine.target import Target
from bnconform.host.client import Host, InProcessHost
from bnconform.host.usage import GIB


@dataclass(frozen=True)
class Offer:
    """One adapter that loaded, and those of its implementations that take part."""

    address: Address
    implementations: tuple[Described, ...]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The adapters of a run: those that loaded, those whose framework is missing, those that are broken."""

    offers: tuple[Offer, ...] = ()
    missing: tuple[dict[str, str], ...] = ()
    broken: tuple[dict[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns the selection as values that travel to another process."""
        return {
            "offers": [
                {
                    "source": list(vars(one.address).items()),
                    "implementations": [d.to_json() for d in one.implementations],
                }
                for one in self.offers
            ],
            "missing": list(self.missing),
            "broken": list(self.broken),
        }

    @classmethod
    def from_json(cls, message: dict[str, Any]) -> Selection:
        """Returns the selection that `to_json` gave."""
        offers = []
        for one in message["offers"]:
            values = {**dict(one["source"]), "env": tuple(tuple(pair) for pair in dict(one["source"])["env"])}
            described = tuple(Described.from_json(item) for item in one["implementations"])
            offers.append(Offer(Address(**values), described))
        return cls(offers=tuple(offers), missing=tuple(message["missing"]), broken=tuple(message["broken"]))


AnyHost = Host | InProcessHost


@dataclass(kw_only=True)
class Hosts:
    """The hosts of a run, one per adapter, started when first needed."""

    request: Request
    _hosts: dict[Address, AnyHost] = field(default_factory=dict)

    def of(self, address: Address) -> AnyHost:
        """Returns the host of that adapter."""
        if address not in self._hosts:
            kind = InProcessHost if self.request.in_process else Host
            asked = self.request
            memory = None if asked.host_memory is None else int(asked.host_memory * GIB)
            self._hosts[address] = kind(
                address, asked.timeout, asked.device, memory=memory, slowest_import=asked.import_timeout
            )
        return self._hosts[address]

    def close(self, address: Address | None = None) -> None:
        """Closes the host of one adapter, or all of them."""
        for known in [address] if address else list(self._hosts):
            host = self._hosts.pop(known, None)
            if host is not None:
                host.close()


def select(request: Request, hosts: Hosts) -> Selection:
    """Asks the adapters for their implementations and returns those that take part; raises CallError for a wrong
    call."""
    request.check()
    addresses = _addresses(request)
    with ThreadPoolExecutor(1 if request.in_process else 4) as pool:
        answers = list(pool.map(lambda address: _ask(hosts, address), addresses))
    offers, missing, broken, known = [], [], [], []
    for address, answer in zip(addresses, answers, strict=True):
        if isinstance(answer, NotInstalled):
            missing.append({"adapter": address.target, "needs": answer.needs})
        elif isinstance(answer, ContractError):
            if address.named:
                raise CallError(str(answer)) from answer
            broken.append({"adapter": address.target, "message": str(answer)})
        else:
            known += answer
            everyone = (address.named or bool(request.implementations)) and not request.without_variants
            chosen = tuple(o for o in answer if fits(o.name, request.implementations) and (everyone or not o.opt_in))
            offers.append(Offer(address, chosen))
    _check_unique(known)
    _check_globs("--implementation", request.implementations, [one.name for one in known], missing)
    return Selection(
        offers=tuple(one for one in offers if one.implementations), missing=tuple(missing), broken=tuple(broken)
    )


def _addresses(request: Request) -> list[Address]:
    try:
        named = [named_address(text) for text in request.adapters]
    except ContractError as error:
        raise CallError(str(error)) from error
    if named and not request.implementations:
        return named
    targets = {address.target for address in named}
    reachable = [one for one in installed_addresses() if _reaches(request.implementations, one.namespace)]
    return named + [address for address in reachable if address.target not in targets]


def _reaches(globs: Sequence[str], namespace: str) -> bool:
    """Returns whether any glob could fit a name that begins with the namespace and a dot."""
    stems = [glob[: min((glob.find(c) for c in "*?[" if c in glob), default=len(glob))] for glob in globs]
    start = f"{namespace}."
    return not globs or any(stem.startswith(start) or start.startswith(stem) for stem in stems)


def _ask(hosts: Hosts, address: Address) -> list[Described] | NotInstalled | ContractError:
    try:
        described = hosts.of(address).describe()
    except (NotInstalled, ContractError) as error:
        hosts.close(address)
        return error
    strangers = [
        one.name for one in described if not address.named and not one.name.startswith(f"{address.namespace}.")
    ]
    if strangers:
        return ContractError(
            f"adapter {address} offers {strangers[0]!r}; expected names that begin with {address.namespace!r} and a "
            "dot, the name of its entry point"
        )
    return described


def fits(name: str, globs: Sequence[str]) -> bool:
    """Returns whether `name` is any of the globs or fits it; no globs fit everything."""
    return not globs or any(name == glob or fnmatchcase(name, glob) for glob in globs)


def exactly(name: str) -> str:
    """Returns the glob that fits `name` alone, whatever stands in it: names in files are no globs."""
    return escape(name)


def _check_unique(known: Iterable[Described]) -> None:
    seen: set[str] = set()
    for one in known:
        if one.name in seen:
            raise CallError(f"two adapters offer an implementation called {one.name!r}; expected names that differ")
        seen.add(one.name)


def _check_globs(option: str, globs: Sequence[str], known: Sequence[str], missing: Sequence[dict[str, str]]) -> None:
    for glob in globs:
        if not any(fits(name, (glob,)) for name in known):
            absent = f"; not installed: {', '.join(sorted({one['needs'] for one in missing}))}" if missing else ""
            near = difflib.get_close_matches(glob, known, 1, 0.6)
            hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of: {', '.join(known) or 'none there'}"
            told = re.sub(r"\[([*?[])\]", r"\1", glob)  # what `exactly` escaped
            raise CallError(f"{option} {told!r} fits nothing{hint}{absent}")


def choose_specs(specs: Sequence[Spec], globs: Sequence[str]) -> tuple[Spec, ...]:
    """Returns the specs whose id, chapter or chapter.id fits; raises CallError for a glob that fits none."""
    names = {one.id: (one.id, one.chapter, f"{one.chapter}.{one.id}") for one in specs}
    for glob in globs:
        if not any(fits(name, (glob,)) for of_one in names.values() for name in of_one):
            _check_globs("--spec", (glob,), list(names), ())
    return tuple(one for one in specs if any(fits(name, globs) for name in names[one.id]))


def is_asked(spec: Spec, target: Target) -> bool:
    """Returns whether a statement is asked of a target: of one that takes cases for a feature only, no other is."""
    only, given = target.implementation.only, spec.given
    return not only or given.derivatives in only or ASKS.get(given.manner) in only


def targets(selection: Selection, request: Request) -> list[tuple[Address, Target]]:
    """Returns every implementation × dtype that takes part; raises CallError where there is none."""
    found = [
        (offer.address, Target(implementation=one, dtype=dtype, device=request.device))
        for offer in selection.offers
        for one in offer.implementations
        if request.device in one.devices
        for dtype in DTYPES
        if dtype in one.dtypes and (not request.dtypes or dtype in request.dtypes)
    ]
    if not found:
        offered = sorted({f"{one.name} ({', '.join(one.dtypes)} on {', '.join(one.devices)})" for offer in
                          selection.offers for one in offer.implementations})  # fmt: skip
        wanted = f"device {request.device} and dtype {', '.join(request.dtypes) or 'any'}"
        have = "; ".join(offered) or "no implementation: " + (
            ", ".join(sorted({f"{one['needs']} is not installed" for one in selection.missing})) or "no adapter loaded"
        )
        raise CallError(f"nothing to run on {wanted}; there is {have}")
    return found
