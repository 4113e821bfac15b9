"""Holds a conversion against two real layers: declared equalities agree within both bounds, the rest does not."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bnconform import Case, Dialect, Outcome
from bnconform.cli.convert import Conversion
from bnconform.contract.implementation import Described
from bnconform.oracle import bounds
from bnconform.oracle.bounds import Bound
from bnconform.relations import chains

Layer = Callable[[dict[str, Any], Case], Outcome]
"""Makes a layer of arguments and runs it on a case, its running statistics those of the case."""
STEPS = 3


def values(arguments: Mapping[str, str]) -> dict[str, Any]:
    """Returns the arguments as Python reads them."""
    return {name: ast.literal_eval(text) for name, text in arguments.items()}


def batches(conversion: Conversion, seed: int = 0) -> list[Case]:
    """Returns a few steps of the layer: few values per channel, so that m/(m - 1) is far from 1."""
    layer, rng = conversion.layer, np.random.default_rng(seed)
    shape = [2, *[2] * (layer.ndim - 1)]
    shape[layer.axis] = 3
    vectors = [rng.uniform(0.5, 2.0, 3).astype(layer.dtype) for _ in range(4)]
    return [
        Case(
            mode="train",
            x=(rng.normal(size=shape) * 2 + 1).astype(layer.dtype),
            gamma=vectors[0] if layer.scale else None,
            beta=vectors[1] if layer.shift else None,
            running_mean=vectors[2] if layer.state else None,
            running_var=vectors[3] if layer.state else None,
            eps=float(layer.eps),
            momentum=0.0 if layer.new is None else float(layer.new),
            axis=layer.axis,
            dy=rng.normal(size=shape).astype(layer.dtype),
            shuffled=True,
        )
        for _ in range(STEPS)
    ]


def chain(layer: Layer, arguments: Mapping[str, str], cases: list[Case]) -> chains.Steps:
    """Returns the steps that the layer makes, each with the statistics that the one before left."""
    done: list[chains.Step] = []
    for case in cases:
        here = chains.continued(case, done[-1].outcome) if done and case.running_mean is not None else case
        done.append(chains.Step(here, layer(values(arguments), here)))
    return tuple(done)


def judged(
    conversion: Conversion, here: tuple[Described, Layer], there: tuple[Described, Layer], seed: int = 0
) -> dict[str, bool]:
    """Returns for each function of the conversion, but that of a single value, whether both layers agree on it."""
    dialects = [one.dialect_for(conversion.layer.dtype) for one, _ in (here, there)]
    cases = batches(conversion, seed)
    both = [
        chain(layer, written.arguments, cases)
        for (_, layer), written in ((here, conversion.before), (there, conversion.after))
    ]
    found = {
        "training output": all(
            _agree(*((one.outcome.y, bounds.y(one.case, dialect)) for one, dialect in zip(pair, dialects, strict=True)))
            for pair in zip(*both, strict=True)
        ),
        "gradients": all(_gradient(both, dialects, name) for name in ("dx", "dgamma", "dbeta")),
    }
    if conversion.layer.state:
        found["running mean"] = _agree(
            *(
                (one[-1].outcome.running_mean, chains.carried_mean(one, dialect))
                for one, dialect in zip(both, dialects, strict=True)
            )
        )
        found["running variance"] = _agree(
            *(
                (
                    one[-1].outcome.running_var,
                    chains.carried_variance(one, dialect, int(dialect.running_var == "unbiased")),
                )
                for one, dialect in zip(both, dialects, strict=True)
            )
        )
        inferred = replace(cases[0], mode="infer", dy=None)
        found["inference output"] = _agree(
            *(
                (layer(values(written.arguments), inferred).y, bounds.y(inferred, dialect))
                for (_, layer), written, dialect in zip(
                    (here, there), (conversion.before, conversion.after), dialects, strict=True
                )
            )
        )
    return found


def _gradient(both: list[chains.Steps], dialects: list[Dialect], name: str) -> bool:
    bound = getattr(bounds, name)
    pairs = [
        (getattr(one[0].outcome, name), bound(one[0].case, dialect))
        for one, dialect in zip(both, dialects, strict=True)
    ]
    return any(array is None for array, _ in pairs) or _agree(*pairs)


def _agree(first: tuple[Any, Bound], second: tuple[Any, Bound]) -> bool:
    """Returns whether two results lie no further apart than the sum of their bounds, which must be finite."""
    allowed = first[1].allowance + second[1].allowance
    assert np.isfinite(allowed).all()
    apart = np.abs(np.asarray(first[0], np.float64) - np.asarray(second[0], np.float64))
    return bool((apart <= allowed).all())


def check(
    conversion: Conversion, here: tuple[Described, Layer], there: tuple[Described, Layer], gradients: bool = True
) -> None:
    """Asserts that the equalities of the conversion agree in fact, and that the rest differs in fact."""
    said = {one.function: one.verdict == "same" for one in conversion.matches if one.verdict != "not offered"}
    found = judged(conversion, here, there)
    skipped = {"single value"} | (set() if gradients else {"gradients"})
    assert {name: found[name] for name in said.keys() - skipped} == {name: said[name] for name in said.keys() - skipped}
