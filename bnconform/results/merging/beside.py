"""What an implementation was judged beside: its companions, its Python, and what its host needed there.

Rules: a finding belongs to a version in an environment; two runs of one version in different environments are two
columns, and only what differs between these is told of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from bnconform.results.records import Finding, ImplementationRecord, RunRecord

Named = tuple[str, str]
"""Name and version of an implementation."""


def beside(made: ImplementationRecord, run: RunRecord) -> dict[str, str]:
    """Returns the versions of all that an implementation was judged beside, by name; of a run of earlier versions of
    bnconform, which did not tell the interpreter's own, those of the judge."""
    own = {"python": str(run["environment"]["python"])}
    own |= {"numpy": run["versions"]["numpy"]} if "numpy" in run["versions"] else {}
    others = {name: text for name, text in made.get("versions", {}).items() if text != made["version"]}
    return {**others, **made.get("environment", own)}


def told_apart(runs: Iterable[RunRecord]) -> dict[int, dict[Named, str]]:
    """Returns in words what tells the environment of an implementation from those of the same version in other runs, by
    the place of the run; implementations of which there is one environment alone are left out."""
    found: dict[Named, dict[int, dict[str, str]]] = {}
    for place, run in enumerate(runs):
        for made in run["implementations"]:
            found.setdefault((made["name"], made["version"]), {})[place] = beside(made, run)
    told: dict[int, dict[Named, str]] = {}
    for named, places in found.items():
        names = dict.fromkeys(name for one in places.values() for name in one)
        differing = [name for name in names if len({one.get(name) for one in places.values()}) > 1]
        for place, one in places.items() if differing else ():
            told.setdefault(place, {})[named] = ", ".join(_words(name, one.get(name)) for name in differing)
    return told


def elsewhere(run: RunRecord) -> dict[str, list[str]]:
    """Returns the environments of a run that are not the judge's own, in words, each with the implementations in it."""
    own = {**run["versions"], "python": run["environment"]["python"]}
    found: dict[str, list[str]] = {}
    for made in run["implementations"]:
        around = beside(made, run)
        if any(own.get(name, version) != version for name, version in around.items()):
            words = ", ".join(_words(name, version) for name, version in sorted(around.items()))
            found.setdefault(words, []).append(f"{made['name']} {made['version']}".strip())
    return found


def with_beside(finding: Finding, told: dict[Named, str]) -> Finding:
    """Returns the finding with what tells its environment from others, where there are others."""
    words = told.get((finding["implementation"], finding["version"]), "")
    return {**finding, "beside": words} if words else finding


def _words(name: str, version: str | None) -> str:
    return f"no {name}" if version is None else f"{'Python' if name == 'python' else name} {version}"
