"""A Bench poses a probe's cases to one implementation in one dtype; a Probe is a sentence and a function that decides.

Rules: data are written as matrices of shape (m, C), with C channels that are problems of their own; every case has the
same fields and one of four numbers of values per channel, as compiled implementations compile for each shape; a probe
that gets no outcome ends with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Literal, TypeVar

import numpy as np

from bnconform.analysis.fingerprint.inferred import Inferred, undecided
from bnconform.contract.axes import from_rows, to_rows
from bnconform.contract.case import Case
from bnconform.contract.dtypes import dtype_name, dtype_named
from bnconform.contract.outcome import Outcome
from bnconform.contract.reply import Reply, in_words
from bnconform.engine.docstring import sentence
from bnconform.engine.runner import asked
from bnconform.engine.spec import Subject
from bnconform.oracle.bounds.formats import arithmetic

CHANNELS = 64
FEW, SEVERAL = 4, 12
"""Values per channel: 4, where m/(m - 1) is far from 1; 12, which no binary fraction divides by exactly."""
NO_EPS = 2.0**-40
"""An ε that no arithmetic but float64 sees beside a variance of 2⁻¹² or more, wherever it stands."""


ELEMENTWISE = "elementwise arithmetic"
"""The property that says how far the formulas of 16-bit data are computed in 16 bits."""


class NoAnswer(Exception):
    """Ends a probe that got nothing to decide by; its message is the reason."""


def shape_of(rows: int, rank: int, axis: int) -> tuple[int, ...]:
    """Returns a tensor's shape with `rows` values per channel: some along its first axis and some along its last."""
    first = {FEW: 2, SEVERAL: 3}.get(rows, rows)
    extents = (rows,) if rank == 2 else (first, *([1] * (rank - 3)), rows // first if first else 1)
    return (*extents, CHANNELS) if axis == -1 else (extents[0], CHANNELS, *extents[1:])


class NotAsked(NoAnswer):
    """Ends a probe that has nothing to ask here; its message names the object of the question."""


class Bench:
    """One implementation in one dtype, as probes see it.

    rank, axis: of all tensors, and of their channels, 1 or -1. found: the inferences of the probes before this one, by
    property.
    """

    def __init__(self, subject: Subject, dtype: str, rank: int, axis: int = 1) -> None:
        self.subject, self.dtype, self.rank, self.axis = subject, dtype, rank, axis
        self.facts = arithmetic(dtype)
        self.found: dict[str, Inferred] = {}
        self.made: dict[Callable[..., Any], Any] = {}

    def value(self, name: str) -> str | None:
        """Returns the inference of the property `name`; None where it is undecided."""
        known = self.found.get(name)
        return None if known is None else known.value

    @property
    def kinds(self) -> tuple[str, ...]:
        """The arithmetics that formulas may be computed in, from wide to narrow.

        Data of 32 and 64 bits are tried down to 11 bits, in which formulas still differ; data of 16 bits in their own
        arithmetic, unless a wider one has been inferred.
        """
        if self.facts.bits > 16:
            return ("float64", "float32", "float16")
        own = () if self.value(ELEMENTWISE) == "float32" else (self.dtype,)
        return ("float64", "float32", *own)

    def pose(
        self,
        rows: np.ndarray,
        mode: Literal["train", "infer"] = "train",
        *,
        gamma: np.ndarray | float = 1.0,
        beta: np.ndarray | float = 0.0,
        mean: np.ndarray | float = 0.0,
        var: np.ndarray | float = 0.0,
        eps: float = 2.0**-10,
        momentum: float = 0.25,
        dy: np.ndarray | None = None,
    ) -> Case:
        """Returns the case of `rows`, which the dtype must hold; numbers stand for all channels."""
        dtype, channels = dtype_named(self.dtype), rows.shape[1]
        shape = shape_of(len(rows), self.rank, self.axis)
        given = {"gamma": gamma, "beta": beta, "running_mean": mean, "running_var": var}
        arrays = {name: np.broadcast_to(value, (channels,)).astype(dtype) for name, value in given.items()}
        if dy is not None:
            arrays["dy"] = from_rows(dy.astype(dtype), shape, self.axis)
        x = from_rows(rows.astype(dtype), shape, self.axis)
        return Case(mode=mode, x=x, eps=eps, momentum=momentum, axis=self.axis, **arrays)  # type: ignore[arg-type]

    def reply(self, case: Case) -> Reply:
        """Returns the implementation's answer; without running statistics, if it takes none in training."""
        return asked(self.subject.reply, case)[1]

    def outcome(self, case: Case) -> Outcome:
        """Returns the outcome; raises NoAnswer where there is none."""
        reply = self.reply(case)
        if not isinstance(reply, Outcome):
            raise NoAnswer(in_words(reply))
        return reply

    def array(self, case: Case, name: str) -> np.ndarray:
        """Returns the output `name`, of shape (m, C) or (C,), in float64; raises NoAnswer where it is not offered."""
        array = getattr(self.outcome(case), name)
        if array is None:
            raise NoAnswer(f"{name} is not offered")
        wide = array.astype(np.float64)
        return to_rows(wide, case.axis) if wide.ndim > 1 else wide

    def kind(self, case: Case, name: str) -> str:
        """Returns the name of the dtype of an output that there is."""
        return dtype_name(getattr(self.outcome(case), name).dtype)


Made = TypeVar("Made")


def once(make: Callable[[Bench], Made]) -> Callable[[Bench], Made]:
    """Makes the basis of several probes once per bench."""

    @wraps(make)
    def made(bench: Bench) -> Made:
        if make not in bench.made:
            bench.made[make] = make(bench)
        return bench.made[make]  # type: ignore[no-any-return]

    return made


@dataclass(frozen=True)
class Probe:
    """One property, a sentence on how it shows, and the function that decides it."""

    name: str
    sentence: str
    decide: Callable[[Bench], Inferred]

    def __call__(self, bench: Bench) -> Inferred:
        """Returns the inference, under the name of the property."""
        try:
            found = self.decide(bench)
        except NoAnswer as reason:
            found = replace(undecided(str(reason)), asked=not isinstance(reason, NotAsked))
        return replace(found, property=self.name)


def probe(name: str) -> Callable[[Callable[[Bench], Inferred]], Probe]:
    """Turns a function into a Probe of a property; the first line of its docstring says how the property shows."""

    def declare(decide: Callable[[Bench], Inferred]) -> Probe:
        return Probe(name, sentence(decide), decide)

    return declare
