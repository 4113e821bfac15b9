"""Comparisons that specs share: two runs with each other, one run with the reference, and replies without an outcome.

Rules: two runs are compared within the sum of both bounds, and the effect of a rounded input on the exact output is
computed by the reference, not guessed; where no document says what should happen, the rule of least loss holds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnconform.cases import delivery
from bnconform.contract.axes import along
from bnconform.contract.case import Case, Memory
from bnconform.contract.dialect import Dialect
from bnconform.contract.outcome import OUTPUTS, Outcome
from bnconform.contract.reply import Raised
from bnconform.engine.agreement import Agreement, agree, hold, not_asked, not_offered, unless_declared
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds, reference
from bnconform.oracle.expected import RUNNING
from bnconform.relations import channels, exact, followups, refusals
from bnconform.relations.refusals import Found

SMALLEST_SHORT = float(np.finfo(np.float32).smallest_normal)
Move = Callable[[np.ndarray], np.ndarray]


def _stays(tensor: np.ndarray) -> np.ndarray:
    return tensor


def same_output(
    bn: Subject, case: Case, changed: Case, *, quantity: str, moved: Move = _stays, where: np.ndarray | None = None
) -> Agreement:
    """Compares y of `changed` with y of `case`, whose elements `moved` takes to where they stand in the other."""
    before = bn.output(case, "y")
    with np.errstate(all="ignore"):
        drift = np.abs(reference.y(changed) - moved(reference.y(case)))
        mine = moved(bounds.y(case, bn.dialect).allowance)
        within = bounds.y(changed, bn.dialect) + mine + drift
    return agree(
        bn(changed).y, moved(before.astype(np.float64)), within=within, output="y", quantity=quantity, where=where
    )


def pointwise_unless_refused(bn: Subject, case: Case, quantity: str) -> Found:
    """Compares y with the reference's; compares nothing where the implementation refused the case with an error."""
    return refusals.unless_refused(bn, case, lambda: pointwise(bn, case, quantity), quantity)


def pointwise(bn: Subject, case: Case, quantity: str = "") -> Agreement:
    """Compares y with the reference's.

    It compares nothing where ε is kept in float32 and below what that holds.
    """
    if bn.dialect.attribute_dtype == "float32" and 0 < case.eps < SMALLEST_SHORT:
        return not_asked("ε is kept in float32, which does not hold one so small", quantity=quantity or "y")
    return bn.agrees(case, "y", quantity=quantity)


def unchanged_output(bn: Subject, case: Case, changed: Case, quantity: str) -> Agreement:
    """Compares y of two cases of one shape whose exact outputs differ by no more than rounding of the input."""
    before = bn.output(case, "y")
    drift = np.abs(reference.y(changed) - reference.y(case))
    within = bounds.y(case, bn.dialect) + bounds.y(changed, bn.dialect) + drift
    return agree(bn(changed).y, before.astype(np.float64), within=within, output="y", quantity=quantity)


def on_another_axis(bn: Subject, case: Case) -> Agreement:
    """Compares y of the case with its channels on the next axis with y, moved there."""
    moved, axis = followups.on_next_axis(case), followups.next_axis(case)
    quantity = "y with the channels on another axis"
    return same_output(bn, case, moved, quantity=quantity, moved=lambda t: np.moveaxis(t, case.axis, axis))


def of_reversed_channels(bn: Subject, case: Case) -> Agreement:
    """Compares y of the case with its channels in reverse order with y, reversed."""
    turned, quantity = channels.turned(case), "y of the reordered channels"
    return same_output(bn, case, turned, quantity=quantity, moved=lambda t: np.flip(t, case.axis))


def mirrored_output(bn: Subject, case: Case, negated: Case) -> Agreement:
    """Compares y of the negated input with 2β - y."""
    before, quantity = bn.output(case, "y"), "y of the negated input"
    within = bounds.y(negated, bn.dialect) + bounds.y(case, bn.dialect)
    expected = exact.scaled(before, np.array(-1.0), 2.0 * per_channel(case, shift(case)))
    return agree(bn(negated).y, expected, within=within, output="y", quantity=quantity)


def same_averages(bn: Subject, case: Case, changed: Case) -> list[Agreement]:
    """Compares the running statistics of two cases whose exact ones are equal."""
    found = []
    for name, bound in (("running_mean", bounds.running_mean), ("running_var", bounds.running_var)):
        one, other = getattr(bn(case), name), getattr(bn(changed), name)
        if one is None or other is None:
            found.append(not_offered(name))
        else:
            within = bound(case, bn.dialect) + bound(changed, bn.dialect)
            found.append(agree(other, one.astype(np.float64), within=within, output=name))
    return found


def same_bits_again(bn: Subject, case: Case) -> list[Agreement]:
    """Holds that a case that is asked again has its outputs, in inference by its averages, too, where it is offered."""
    found = [one for again in followups.again(case) for one in same_bits(bn(case), bn(again))]
    inferring = followups.inferring(case)
    if inferring is not None and isinstance(bn.reply(inferring), Outcome):
        found += [one for again in followups.again(inferring) for one in same_bits(bn(inferring), bn(again))]
    return found


def same_bits(first: Outcome, second: Outcome) -> list[Agreement]:
    """Holds that every output of two runs is equal bit for bit; a NaN equals a NaN, silently."""
    pairs = [(name, getattr(first, name), getattr(second, name)) for name in OUTPUTS]
    return [
        hold(_equal(one, other), quantity=f"{name} of the second run", output=name, silent=_says_nothing(one))
        for name, one, other in pairs
        if one is not None and other is not None
    ]


def _equal(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    one, other = one.astype(np.float64), other.astype(np.float64)
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)))


def _says_nothing(array: np.ndarray | None) -> bool:
    """Returns whether an output holds no finite number, as where it is empty or not returned."""
    return array is None or not np.isfinite(array.astype(np.float64)).any()


def averages(bn: Subject, case: Case) -> list[Agreement]:
    """Compares the running statistics with the reference's, the variance as the Dialect declares it."""
    return [bn.agrees(case, name) for name in RUNNING]


RESULTS = ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")
"""The outputs that are compared between two runs."""


def inputs_left(bn: Subject, case: Case) -> Agreement:
    """Holds that a watched case was answered, as it is only where nothing was written to; else Raised is the reply."""
    found, quantity = bn(case), "inputs as they were"
    if not case.watched or all(getattr(found, name) is None for name in OUTPUTS):
        return not_asked("nothing was watched at work", quantity=quantity)
    silent = all(_says_nothing(getattr(found, name)) for name in OUTPUTS)
    return hold(np.ones(1), quantity=quantity, silent=silent)


def same_results(bn: Subject, case: Case, plain: Case) -> list[Agreement]:
    """Compares output, running statistics and gradients of two cases of equal values that differ in FLAGS only.

    Both have equal exact values and equal bounds. The bounds hold for sums in any order and hence for any walk through
    memory: two runs are at most twice the bound apart. A NaN in both is no difference: the specs of a single run tell
    its origin.
    """
    found, before = bn(case), bn(plain)
    return [_same(case, name, getattr(found, name), getattr(before, name), bn.dialect) for name in RESULTS]


def _same(case: Case, name: str, found: np.ndarray | None, before: np.ndarray | None, dialect: Dialect) -> Agreement:
    if before is None:
        return not_offered(name)
    bound, expected = getattr(bounds, name)(case, dialect), before.astype(np.float64)
    numbers = None if found is None else ~(np.isnan(expected) & np.isnan(found.astype(np.float64)))
    return agree(found, expected, within=bound + bound, output=name, where=numbers)


def same_results_where_stored(bn: Subject, case: Case, *memories: Memory) -> list[Agreement]:
    """Compares the results of a case that is stored in one of these ways with those of the plain case."""
    bn(case)  # run it first: an unsupported feature must be the reported reason
    if case.memory not in memories:
        return [not_asked("stored in another way", quantity="y")]
    if case.memory == "shared" and (case.gamma is None or case.beta is None):
        return [not_asked("without γ nothing is shared", quantity="y")]
    return same_results(bn, case, delivery.plain(case))


def finite_averages(bn: Subject, case: Case) -> Found:
    """Holds that the running statistics are finite after `case`, or that it was refused with an error."""
    return refusals.refused_or(bn, case, lambda: [finite(getattr(bn(case), name), name) for name in RUNNING])


def finite(array: np.ndarray | None, name: str, when: str = "", where: np.ndarray | None = None) -> Agreement:
    """Holds that an output is finite, everywhere or in `where`. when: what to say of the case in the quantity."""
    quantity = f"finite {name}{when}"
    if array is None:
        return not_offered(name, quantity=quantity)
    return hold(np.isfinite(array.astype(np.float64)), quantity=quantity, output=name, where=where)


def refused_or_empty(bn: Subject, case: Case) -> Agreement:
    """Holds that a case without values gives an empty output, whose shape the contract checks, or an error that says
    something."""
    reply = bn.reply(case)
    if isinstance(reply, Raised):
        return hold(np.array([bool(reply.message.strip())]), quantity="message of the refusal", silent=True)
    y = bn(case).y
    if y is None:
        return not_offered("y", quantity="empty y")
    return hold(np.array([y.size == 0]), quantity="empty y", output="y", silent=True)


def no_number(y: np.ndarray | None, where: np.ndarray, quantity: str) -> Agreement:
    """Holds that y is no finite number anywhere in `where`."""
    if y is None:
        return not_offered("y", quantity=quantity)
    if not where.any():
        return not_asked("no channel is of that kind", quantity=quantity)
    odd = ~np.isfinite(y.astype(np.float64))
    return hold(odd, quantity=quantity, output="y", where=where, silent=_says_nothing(y))


def shift_or_refusal(bn: Subject, case: Case) -> Agreement:
    """Compares y with β; an error counts as declared where the Dialect says that a single value raises."""
    if isinstance(bn.reply(case), Raised) and bn.dialect.single_value == "raises":
        one = np.ones(1, bool)
        paper = hold(~one, quantity="y for a single value", output="y", silent=True)
        return unless_declared(paper, "single_value", hold(one, quantity="refusal"))
    return agree(
        bn(case).y,
        shift_everywhere(case),
        within=bounds.y(case, bn.dialect),
        output="y",
        quantity="y for a single value",
    )


def shift_everywhere(case: Case) -> np.ndarray:
    """Returns β of x's shape."""
    return np.broadcast_to(per_channel(case, shift(case)), case.x.shape)


def shift(case: Case) -> np.ndarray:
    """Returns β in float64; zeros where there is none."""
    return np.zeros(case.channels) if case.beta is None else case.beta.astype(np.float64)


def scale(case: Case) -> np.ndarray:
    """Returns γ in float64; ones where there is none."""
    return np.ones(case.channels) if case.gamma is None else case.gamma.astype(np.float64)


def per_channel(case: Case, vector: np.ndarray) -> np.ndarray:
    """Returns a vector over channels shaped so that it broadcasts to x."""
    return along(vector, case.x.ndim, case.axis)
