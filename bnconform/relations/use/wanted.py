"""Cases that ask for some of the gradients only.

Rule: those that are asked for are what they are where all are, and so are y and the averages; what becomes of the
others is not asked.
"""

from __future__ import annotations

from dataclasses import replace

from bnconform.contract.case import Case
from bnconform.contract.checks import DIFFERENTIATED
from bnconform.contract.memo import once
from bnconform.engine.agreement import Agreement
from bnconform.engine.spec import Subject
from bnconform.oracle.expected import bound_of
from bnconform.relations.use.alike import alike

SUBSETS = (("x",), ("gamma", "beta"), ("gamma",), ("x", "beta"))
"""What is wanted: frozen parameters, the first layer of a network, one parameter alone, and a frozen scale."""


@once
def wanting(case: Case) -> list[Case]:
    """Returns the case once for each of SUBSETS whose arrays it has."""
    there = {name for name in DIFFERENTIATED if getattr(case, name) is not None}
    return [replace(case, wanted=some) for some in SUBSETS if set(some) <= there]


def gradients(bn: Subject, case: Case) -> list[Agreement]:
    """Compares y and the gradients that are wanted with those of the case that wants all."""
    found = []
    for asked in wanting(case):
        names = asked.wanted or ()
        bn(asked)  # first: who takes no such case is asked nothing else
        how = f"where the gradients of {' and '.join(names)} alone are wanted"
        for name in ("y", *(f"d{name}" for name in names)):
            found.append(alike(bn, asked, getattr(bn(case), name), bound_of(case, bn.dialect, name), name, how))
    return found
