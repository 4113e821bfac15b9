"""A Fault is one wrong formula, and the outcome of an implementation that has it.

Rules: a fault is as small as its equation: it replaces quantities of a Calculation, or changes the Case before or the
Outcome after; its name is its function's and tells the mistake, and its sentence is the docstring. The same fault is
run as an implementation in its own dtype (`perform`), and evaluated beyond it to be compared with others (`values`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np

from bnconform.analysis.faults.calculation import Calculation, Doubled, Floats, Formula, Numbers
from bnconform.analysis.faults.formulas import FORMULAS, OUTPUTS, asked_of, handed_out
from bnconform.contract.axes import from_rows
from bnconform.contract.case import Case
from bnconform.contract.checks import MALFORMED
from bnconform.contract.dialect import Dialect
from bnconform.contract.dtypes import DTYPES, dtype_named
from bnconform.contract.outcome import ELEMENTWISE, Outcome
from bnconform.engine.docstring import sentence

Formulas = Mapping[str, Formula]
"""Formulas by the quantity that they are of."""
Prepare = Callable[[Case], Case]
Asked = set[int]
"""Digests of the cases that an implementation was given once and not yet a second time."""
_ASKED: Asked = set()
USE = "use"
"""The chapter that has a folder of its own."""
BESIDE = " + "
"""What stands between the names of two faults in the name of both."""
Alter = Callable[[Case, Outcome, Asked], Outcome]
WIDE = {"float16": "float32", "bfloat16": "float32"}
"""The type in which a 16-bit Case is computed, as in most implementations; parameters and averages stay there."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One wrong way to normalize.

    name: a phrase that fits after "behaves like". formulas: replacements of right ones, by quantity. prepare: the
    change of the Case beforehand. alter: the change of the right Outcome. dtypes: those in which it makes a difference.
    rounding: True if it is right in exact arithmetic, so that only a run shows it. convention: True if a framework
    documents it. takes_nothing: True if it accepts a batch of no examples, refused by the right one. mends: what it
    makes of a malformed Case: one that fits, or the Case as it is, which is refused as by the right one. numbers: how
    it adds up in the dtype of that name, unless simply down the rows. within: for a fault of rounding, the Case and the
    Dialect with bounds wide enough for its loss in any order of summation. parts: the two faults that this one is.
    """

    name: str
    chapter: str
    sentence: str
    formulas: Formulas = field(default_factory=dict)
    prepare: Prepare | None = None
    alter: Alter | None = None
    dtypes: Collection[str] = frozenset(DTYPES)
    rounding: bool = False
    convention: bool = False
    takes_nothing: bool = False
    mends: Prepare | None = None
    numbers: Callable[[str], Numbers] | None = None
    within: Callable[[Case, Dialect], tuple[Case, Dialect]] | None = None
    parts: tuple[Fault, ...] = ()


RIGHT = Fault(name="nothing_wrong", chapter="", sentence="Every quantity by its right formula.")
"""The implementation without a fault, which every one must differ from."""


def fault(replaces: str = "", **more: Any) -> Callable[[Formula], Fault]:
    """Turns a wrong formula into a Fault that replaces the quantity of that name, or several, parted by spaces."""

    return lambda formula: _replacing(formula, dict.fromkeys(replaces.split(), formula), **more)


def together(**more: Any) -> Callable[[Callable[[], Formulas]], Fault]:
    """Turns a function that returns wrong formulas, by quantity, into a Fault that replaces all of them at once."""
    return lambda formulas: _replacing(formulas, formulas(), **more)


def prepared(**more: Any) -> Callable[[Prepare], Fault]:
    """Turns a change of the Case into a Fault: the right formulas on the wrong problem."""
    return lambda prepare: _declared(prepare, prepare=prepare, **more)


def mending(**more: Any) -> Callable[[Prepare], Fault]:
    """Turns what makes a malformed Case fit into a Fault: a number where there should be an error."""
    return lambda mends: _declared(mends, mends=mends, **more)


def altered(**more: Any) -> Callable[[Alter], Fault]:
    """Turns a change of the Outcome into a Fault."""
    return lambda alter: _declared(alter, alter=alter, **more)


def _replacing(function: Callable[..., Any], formulas: Formulas, **more: Any) -> Fault:
    unknown = set(formulas) - set(FORMULAS)
    if unknown:
        raise TypeError(f"{function.__name__} replaces {sorted(unknown)}; expected some of {sorted(FORMULAS)}")
    return _declared(function, formulas=formulas, **more)


def _declared(function: Callable[..., Any], **more: Any) -> Fault:
    said = sentence(function)
    if not said:
        raise TypeError(f"fault {function.__name__} has no sentence; expected a docstring that says what is wrong")
    return Fault(name=function.__name__, chapter=_chapter(function.__module__), sentence=said, **more)


def _chapter(module: str) -> str:
    """Returns the chapter that a module is, or is a part of."""
    folder, name = module.split(".")[-2:] if "." in module else ("", module)
    return USE if folder == USE else name


def faults_of(module: str) -> tuple[Fault, ...]:
    """Returns the faults that the imported module `module` declares, in their order."""
    return tuple(value for value in vars(sys.modules[module]).values() if isinstance(value, Fault) and value.chapter)


def _in_turn(changes: Sequence[Prepare]) -> Prepare | None:
    """Returns what changes a Case in all of these ways, one after the other; None for none."""
    return (lambda case: reduce(lambda changed, change: change(changed), changes, case)) if changes else None


def both(one: Fault, other: Fault) -> Fault:
    """Returns the fault of an implementation that has both; the formulas of the second win where both replace one."""
    alters = [each.alter for each in (one, other) if each.alter is not None]

    def alter(case: Case, outcome: Outcome, asked: Asked) -> Outcome:
        for change in alters:
            outcome = change(case, outcome, asked)
        return outcome

    return Fault(
        name=f"{one.name}{BESIDE}{other.name}",
        chapter=one.chapter,
        sentence=f"{one.sentence} {other.sentence}",
        formulas={**one.formulas, **other.formulas},
        prepare=_in_turn([each.prepare for each in (one, other) if each.prepare is not None]),
        alter=alter if alters else None,
        dtypes=frozenset(one.dtypes) & frozenset(other.dtypes),
        rounding=one.rounding or other.rounding,
        takes_nothing=one.takes_nothing or other.takes_nothing,
        mends=_in_turn([each.mends for each in (one, other) if each.mends is not None]),
        numbers=one.numbers or other.numbers,
        parts=(one, other),
    )


def perform(wrong: Fault, case: Case, narrow: bool = False, asked: Asked = _ASKED) -> Outcome:
    """Returns the outcome of an implementation with that fault: computed in the Case's dtype, or float32 for 16 bits.

    narrow: 16 bits are computed in 16 bits, and parameters stay there. asked: the earlier cases that it remembers.
    """
    if not case.rows and not wrong.takes_nothing:
        raise ValueError("got a batch of no examples; expected at least one")
    case = _fitting(wrong, case)
    width = case.dtype if narrow else WIDE.get(case.dtype, case.dtype)
    found = _calculated(wrong, case, (wrong.numbers or Floats)(width))
    with np.errstate(all="ignore"):
        outcome = Outcome(**{name: _typed(case, name, array, width) for name, array in found.items()})
        return outcome if wrong.alter is None else wrong.alter(case, outcome, asked)


def roughly(wrong: Fault, case: Case, narrow: bool = False) -> dict[str, np.ndarray]:
    """Returns the same as `values` in plain float64, which is quick and, for float64 data, no more exact than they."""
    if wrong.rounding or wrong.alter is not None:
        return values(wrong, case, narrow, set())
    return _calculated(wrong, case, Floats("float64"))


def values(wrong: Fault, case: Case, narrow: bool = False, asked: Asked = _ASKED) -> dict[str, np.ndarray]:
    """Returns the outputs that the wrong formula amounts to, by name, rounded to float64 only at the end.

    A fault of rounding is nothing but rounding: it is performed in the dtype of the Case. narrow, asked: see perform.
    """
    case = _fitting(wrong, case)
    if wrong.rounding or wrong.alter is not None:
        outcome = perform(wrong, case, narrow, asked)
        names = [name for names in OUTPUTS.values() for name in names]
        given = {name: getattr(outcome, name) for name in names}
        return {name: array.astype(np.float64) for name, array in given.items() if array is not None}
    return _calculated(wrong, case, Doubled() if case.dtype == "float64" else Floats("float64"))


def _calculated(wrong: Fault, case: Case, numbers: Numbers) -> dict[str, np.ndarray]:
    """Returns the outputs that the Case asks for in the arrays' own shapes, in the given kind of number."""
    with np.errstate(all="ignore"):
        calculation = calculation_of(wrong, case, numbers)
        found = {name: handed_out(calculation, name) for name in asked_of(case)}
        plain = {name: calculation.plain(number) for name, number in found.items() if number is not None}
        return {name: shaped(calculation.case, case, name, array) for name, array in plain.items()}


def calculation_of(wrong: Fault, case: Case, numbers: Numbers) -> Calculation:
    """Returns the calculation of a Case by an implementation with that fault: of the call whose gradients are asked
    for, where there are several."""

    def posed(one: Case) -> Case:
        return one if wrong.prepare is None else wrong.prepare(one)

    formulas, previous, own = {**FORMULAS, **wrong.formulas}, None, case
    if case.between is not None or case.earlier is not None:
        own = replace(case, between=None, between_mode=None, earlier=None)
    for mode in case.earlier_modes:
        earlier = replace(own, x=np.asarray(case.earlier), mode=mode)
        previous = Calculation(posed(earlier), formulas, numbers, previous=previous)
    if case.between is None:
        return Calculation(posed(own), formulas, numbers, previous=previous)
    between = replace(own, x=case.between, mode="train" if case.between_trains else "infer")
    return Calculation(posed(own), formulas, numbers, between=posed(between), previous=previous)


def _fitting(wrong: Fault, case: Case) -> Case:
    """Returns the Case with arrays that fit; raises ValueError for a malformed one that the fault does not mend."""
    if case.malformed is not None and wrong.mends is not None:
        case = wrong.mends(case)
    if case.malformed is not None:
        raise ValueError(f"got a call in which {MALFORMED[case.malformed]}; expected arrays that fit x")
    return case


def shaped(posed: Case, case: Case, name: str, array: np.ndarray) -> np.ndarray:
    """Returns an output that was calculated of `posed`, in the shape that it has in `case`."""
    if name not in ELEMENTWISE:
        return array
    return from_rows(np.broadcast_to(array, (posed.rows, posed.channels)), posed.x.shape, posed.axis).reshape(
        case.x.shape
    )


def _typed(case: Case, name: str, array: np.ndarray, width: str) -> np.ndarray:
    dtype = case.x.dtype if name in ELEMENTWISE else dtype_named(width)
    return np.ascontiguousarray(array.astype(dtype))
