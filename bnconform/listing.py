"""What `bnconform list` prints: the specs, or the implementations that are there to judge.

Rules: one line each; what is not installed or broken is said, not left out.
"""

from __future__ import annotations

from bnconform.selection import Hosts, Request, select
from bnconform.spec import all_specs


def list_specs() -> list[str]:
    """Returns a line per spec: chapter, id and sentence."""
    specs = all_specs()
    width = max(len(f"{one.chapter}.{one.id}") for one in specs)
    return [f"{one.chapter + '.' + one.id:{width}}  {one.sentence}" for one in specs]


def list_implementations() -> list[str]:
    """Returns a line per implementation of the installed adapters: name, version, dtypes and devices."""
    hosts = Hosts(request=Request())
    try:
        selection = select(hosts.request, hosts)
    finally:
        hosts.close()
    lines = [
        f"{one.name}  {one.version or '-'}  {', '.join(one.dtypes)}  {', '.join(one.devices)}"
        for offer in selection.offers
        for one in offer.implementations
    ]
    lines += [f"{one['adapter']}  not installed: {one['needs']}" for one in selection.missing]
    return lines + [f"{one['adapter']}  broken: {one['message']}" for one in selection.broken]
