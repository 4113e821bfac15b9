"""Slips that a formula could have as well: each is the right answer to a case that was made of the one that was asked.

Rules: a slip is told only if every output that it touches is as it gives it, in every case that was answered; adding
one touches the table and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bnconform.contract.axes import from_rows, to_rows
from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import dtype_named
from bnconform.contract.outcome import ELEMENTWISE
from bnconform.engine.smoke.answers import Answer, answers_to, elsewhere
from bnconform.engine.smoke.result import Note
from bnconform.oracle.expected import Expected

Pose = Callable[[Case], Case]
RUNNING, GRADIENTS = ("running_mean", "running_var"), ("dx", "dgamma", "dbeta")
NARROWER = {"float64": ("float32",), "float32": ("float16", "bfloat16"), "float16": ("bfloat16",), "bfloat16": ()}


@dataclass(frozen=True, kw_only=True)
class Slip:
    """One slip. words: the slip as a phrase, to be followed by "gives". pose: the case that it makes of the one asked.

    shows: outputs that must all match. named: the output that stands under the name of another.
    """

    words: str
    pose: Pose = lambda case: case
    shows: Sequence[str] = ("y", *RUNNING, *GRADIENTS)
    named: Mapping[str, str] = field(default_factory=dict)

    def gives(self, case: Case, dialect: Dialect) -> dict[str, Expected]:
        """Returns the slip's values of the outputs that show it, in the shapes of `case`."""
        there = answers_to(self.pose(case), dialect)
        other = {name: there.get(self.named.get(name, name)) for name in self.shows}
        return {name: _shaped(one, name, case) for name, one in other.items() if one is not None}


def notes(answers: Sequence[Answer], dialect: Dialect) -> tuple[Note, ...]:
    """Returns notes of the first slip that explains all that it touches, for each output that it explains."""
    wrong = dict.fromkeys(name for answer in answers for name in answer.wrong)
    for slip in slips(answers[0].case) if wrong else ():
        if wrong.keys() & slip.shows and _explains(slip, answers, dialect):
            return tuple(Note(name, slip.words) for name in wrong if name in slip.shows)
    return ()


def _explains(slip: Slip, answers: Sequence[Answer], dialect: Dialect) -> bool:
    """Returns whether all outputs that the slip touches are as it gives them, some of them being told from right."""
    told = False
    for answer in answers:
        for name, given in slip.gives(answer.case, dialect).items():
            if name in answer.found and not answer.lies_near(name, given):
                return False
            told = told or (name in answer.found and name in answer.wrong and answer.lies_at(name, given))
    return told


def slips(case: Case) -> list[Slip]:
    """Returns the slips that there can be in cases of the type of `case`."""
    return [
        *SLIPS,
        *(Slip(words=f"a cast of the inputs to {narrow}", pose=_cast(narrow)) for narrow in NARROWER[case.dtype]),
    ]


def _shaped(one: Expected, name: str, case: Case) -> Expected:
    return elsewhere(one, lambda array: array.reshape(case.x.shape)) if name in ELEMENTWISE else one


def _complement(case: Case) -> Case:
    return replace(case, momentum=1 - case.momentum)


def _parameters_exchanged(case: Case) -> Case:
    return replace(case, gamma=case.beta, beta=case.gamma)


def _statistics_exchanged(case: Case) -> Case:
    return replace(case, running_mean=case.running_var, running_var=case.running_mean)


def _new_statistics(case: Case) -> Case:
    if case.running_mean is None:
        return case
    return replace(case, running_mean=np.zeros_like(case.running_mean), running_var=np.ones_like(case.running_mean))


def _ones(case: Case) -> Case:
    return replace(case, dy=None if case.dy is None else np.ones_like(case.dy))


def _other_mode(case: Case) -> Case:
    if case.running_mean is None:
        return case
    return replace(case, mode="infer" if case.mode == "train" else "train")


def _from_the_last_axis(case: Case) -> Case:
    """Returns the case with memory read as if the channels were on the last axis."""
    shape = (case.rows, case.channels)
    return replace(case, axis=1, x=case.x.reshape(shape), dy=None if case.dy is None else case.dy.reshape(shape))


def _from_the_second_axis(case: Case) -> Case:
    """Returns the case with memory read as if the channels were on axis 1, in matrices that have the same order."""
    shape = (case.x.shape[0], case.channels, case.rows // case.x.shape[0])
    return replace(case, axis=1, x=case.x.reshape(shape), dy=None if case.dy is None else case.dy.reshape(shape))


def _dy_from_the_last_axis(case: Case) -> Case:
    """Returns the case with dy alone read as if the channels were on the last axis."""
    if case.dy is None:
        return case
    return replace(case, dy=from_rows(case.dy.reshape(case.rows, case.channels), case.x.shape, case.axis))


def _dy_from_the_second_axis(case: Case) -> Case:
    """Returns the case with dy alone read as if the channels were on axis 1."""
    if case.dy is None:
        return case
    maps = case.dy.reshape(case.x.shape[0], case.channels, -1)
    return replace(case, dy=from_rows(to_rows(maps, 1), case.x.shape, case.axis))


def _cast(narrow: str) -> Pose:
    def posed(case: Case) -> Case:
        through, back = dtype_named(narrow), case.x.dtype
        given = {name: getattr(case, name) for name in ("x", "gamma", "beta", *RUNNING, "dy")}
        with np.errstate(all="ignore"):
            return replace(case, **{n: a.astype(through).astype(back) for n, a in given.items() if a is not None})

    return posed


_EXCHANGED = {"dgamma": "dbeta", "dbeta": "dgamma", "running_mean": "running_var", "running_var": "running_mean"}
SLIPS = [
    Slip(words="the complement of momentum", pose=_complement, shows=RUNNING),
    Slip(words="an exchange of gamma and beta", pose=_parameters_exchanged, shows=("y", "dx")),
    Slip(words="an exchange of dgamma and dbeta", shows=("dgamma", "dbeta"), named=_EXCHANGED),
    Slip(words="an exchange of the new running mean and variance", shows=RUNNING, named=_EXCHANGED),
    Slip(words="an exchange of the old running mean and variance", pose=_statistics_exchanged),
    Slip(words="a layer with new running statistics, zeros and ones,", pose=_new_statistics),
    Slip(words="training taken for inference, or inference for training,", pose=_other_mode, shows=("y", *GRADIENTS)),
    Slip(words="a dy of ones", pose=_ones, shows=GRADIENTS),
    Slip(words="a gamma left out", pose=lambda case: replace(case, gamma=None), shows=("y", "dx")),
    Slip(words="a beta left out", pose=lambda case: replace(case, beta=None), shows=("y",)),
    Slip(words="x read as if its channels were last", pose=_from_the_last_axis),
    Slip(words="x read as if its channels were on axis 1", pose=_from_the_second_axis),
    Slip(words="dy read as if its channels were last", pose=_dy_from_the_last_axis, shows=GRADIENTS),
    Slip(words="dy read as if its channels were on axis 1", pose=_dy_from_the_second_axis, shows=GRADIENTS),
]
