"""The third derivative: its formula against definitions, its bound against correct and wrong arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb
from worlds.drawing import draw
from worlds.exact_normalization import STEP, normalize
from worlds.exact_normalization import channel as exact_channel
from worlds.rounded_normalization import Variant, statistics, total

from bnconform import Case, Dialect, Outcome
from bnconform.cases.strategies import Traits
from bnconform.contract.axes import from_rows, to_rows
from bnconform.engine.book import all_specs
from bnconform.engine.spec import Subject
from bnconform.oracle import bounds, reference

(THIRD,) = (one for one in all_specs() if one.chapter == "third_order")
WIDE = ("float32", "float64")
CYCLES = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
VARIANTS = (
    Variant(),
    Variant(order="reverse"),
    Variant(order="tree"),
    Variant(variance="welford"),
    Variant(variance="one-pass"),
)


def terms(case: Case, variant: Variant) -> tuple[Any, ...]:
    """Returns γ, m, r, h and z, w, g with their c and P, each operation rounded to the case's type."""
    x = to_rows(case.x, case.axis)
    m, one = x.dtype.type(len(x)), x.dtype.type(1)
    mean, var = statistics(x, m, variant)
    r = one / np.sqrt(var + x.dtype.type(case.eps))
    h = (x - mean) * r
    rows = [to_rows(t, case.axis) for t in (case.bar_grad_x, case.bar_dx, case.dy)]
    c = [total(t * h, variant.order) / m for t in rows]
    p = [t - total(t, variant.order) / m - h * of_t for t, of_t in zip(rows, c, strict=True)]
    return (np.ones_like(r) if case.gamma is None else case.gamma), m, r, h, rows, c, p


def closed(case: Case, variant: Variant = VARIANTS[0]) -> Any:
    """Computes the formula as it is written."""
    gamma, m, r, h, rows, c, p = terms(case, variant)
    two = r.dtype.type(2)
    q = [total(rows[b] * p[e], variant.order) / m for _, b, e in CYCLES]
    along = c[0] * q[0] + c[1] * q[1] + c[2] * q[2]
    parts = [p[a] * (q[a] - two * c[b] * c[e]) for a, b, e in CYCLES]
    return gamma * r * r * r * (two * h * along - parts[0] - parts[1] - parts[2])


def stepped(case: Case, variant: Variant = VARIANTS[0]) -> Any:
    """Differentiates -γ·r²·(h·Q(w, g) + c_w·P(g) + c_g·P(w)) along z, term by term, as forward differentiation does."""
    gamma, m, r, h, rows, c, p = terms(case, variant)
    z, w, g = range(3)

    def mean(t: Any) -> Any:
        return total(t, variant.order) / m

    dot_h, dot_r = r * p[z], -r * r * c[z]
    dot_c = {t: mean(rows[t] * dot_h) for t in (w, g)}
    dot_p = {t: -dot_h * c[t] - h * dot_c[t] for t in (w, g)}
    q, dot_q = mean(rows[w] * p[g]), mean(rows[w] * dot_p[g])
    inner = h * q + c[w] * p[g] + c[g] * p[w]
    dot_inner = dot_h * q + h * dot_q + dot_c[w] * p[g] + c[w] * dot_p[g] + dot_c[g] * p[w] + c[g] * dot_p[w]
    return -gamma * (dot_r * r + r * dot_r) * inner - gamma * r * r * dot_inner


FORMS = (closed, stepped)


def run(form: Callable[..., Any], variant: Variant = VARIANTS[0]) -> Callable[[Case], Outcome]:
    def answer(case: Case) -> Outcome:
        with np.errstate(all="ignore"):
            return Outcome(third_x=from_rows(form(case, variant), case.x.shape, case.axis))

    return answer


def judged(dtype: str, answer: Callable[[Case], Outcome], count: int, one_pass: bool = False) -> list[Any]:
    declared = Dialect(variance="one-pass" if one_pass else "two-pass")
    return [THIRD.judge(Subject(answer, declared), case) for case in draw(THIRD.given.strategy(Traits(dtype)), count)]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", WIDE)
def test_correct_arithmetic_conforms(dtype: str, form: Any, variant: Variant) -> None:
    found = judged(dtype, run(form, variant), 12, variant.variance == "one-pass")
    # What a declared algorithm loses beside a careful one deviates.
    declared = {"deviates"} if variant.variance == "one-pass" else set()
    assert {one.verdict for one in found} - declared == {"conforms"}


def without_the_mean(case: Case, variant: Variant) -> Any:
    """Takes the mean for a constant in the last derivative: z does not have its own mean taken off."""
    gamma, m, r, h, rows, c, p = terms(case, variant)
    q = [total(rows[b] * p[e], variant.order) / m for _, b, e in CYCLES]
    p[0] = p[0] + total(rows[0], variant.order) / m
    two = r.dtype.type(2)
    along = c[0] * q[0] + c[1] * q[1] + c[2] * q[2]
    return gamma * r * r * r * (two * h * along - sum(p[a] * (q[a] - two * c[b] * c[e]) for a, b, e in CYCLES))


def without_the_variance(case: Case, variant: Variant) -> Any:
    """Takes the variance for a constant throughout: then the second derivative is none, and the third neither."""
    return np.zeros_like(to_rows(case.x, case.axis))


def with_fixed_statistics(case: Case, variant: Variant) -> Any:
    """Differentiates the second gradients with their mean and their r kept, as a saved result would have it."""
    gamma, m, r, h, rows, c, p = terms(case, variant)
    z, w, g = range(3)

    def mean(t: Any) -> Any:
        return total(t, variant.order) / m

    dot_h = r * rows[z]
    dot_c = {t: mean(rows[t] * dot_h) for t in (w, g)}
    dot_p = {t: -dot_h * c[t] - h * dot_c[t] for t in (w, g)}
    q, dot_q = mean(rows[w] * p[g]), mean(rows[w] * dot_p[g])
    parts = dot_h * q + h * dot_q + dot_c[w] * p[g] + c[w] * dot_p[g] + dot_c[g] * p[w] + c[g] * dot_p[w]
    return -gamma * r * r * parts


def without_a_cycle(case: Case, variant: Variant) -> Any:
    gamma, m, r, h, rows, c, p = terms(case, variant)
    two = r.dtype.type(2)
    q = [total(rows[b] * p[e], variant.order) / m for _, b, e in CYCLES]
    parts = sum(p[a] * (q[a] - two * c[b] * c[e]) for a, b, e in CYCLES[:2])
    return gamma * r * r * r * (two * h * (c[0] * q[0] + c[1] * q[1] + c[2] * q[2]) - parts)


def without_the_products_of_components(case: Case, variant: Variant) -> Any:
    gamma, m, r, h, rows, c, p = terms(case, variant)
    q = [total(rows[b] * p[e], variant.order) / m for _, b, e in CYCLES]
    along = c[0] * q[0] + c[1] * q[1] + c[2] * q[2]
    return gamma * r * r * r * (r.dtype.type(2) * h * along - p[0] * q[0] - p[1] * q[1] - p[2] * q[2])


def off_by_a_thousandth(case: Case, variant: Variant) -> Any:
    return closed(case, variant) * case.x.dtype.type(1.001)


WRONG = (
    without_the_mean, without_the_variance, with_fixed_statistics, without_a_cycle, without_the_products_of_components,
    off_by_a_thousandth,
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("dtype", WIDE)
def test_a_wrong_third_derivative_fails(dtype: str, wrong: Any) -> None:
    found = judged(dtype, run(wrong), 8)
    assert {one.verdict for one in found} == {"fails"}
    assert min(one.ratio for one in found) > 4


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_nothing_is_claimed_in_types_of_16_bits(dtype: str) -> None:
    found = judged(dtype, run(closed), 2)
    assert {one.verdict for one in found} == {"unsupported"}
    assert "16 bits" in found[0].agreements[0].missing.words


def test_what_is_not_offered_is_unsupported_and_not_right() -> None:
    assert {one.verdict for one in judged("float32", lambda case: Outcome(y=case.x), 3)} == {"unsupported"}


@pytest.mark.parametrize(("dtype", "share"), [("float32", 0.8), ("float64", 0.99)])
def test_most_elements_have_a_bound_that_claims_something(dtype: str, share: float) -> None:
    found = [a for one in judged(dtype, run(closed), 20) for a in one.agreements]
    assert sum(a.claimed for a in found) > share * sum(a.total for a in found)


def third(c: Any, w: list[arb], z: list[arb], i: int) -> arb:
    """Returns the third derivative of Σg·y along w, z and the axis i, as difference quotients of the definition."""

    def loss(a: int, b: int, e: int) -> arb:
        x = [
            v + STEP * (a * s + b * t + (e if j == i else 0)) for j, (v, s, t) in enumerate(zip(c.x, w, z, strict=True))
        ]
        h, _ = normalize(c, "train", x)
        return sum((g * c.gamma * t for g, t in zip(c.g, h, strict=True)), arb(0))

    signs = (-1, 1)
    return sum((a * b * e * loss(a, b, e) for a in signs for b in signs for e in signs), arb(0)) / (2 * STEP) ** 3


def flat(case: Case) -> Case:
    """Returns the case as matrices with everything that the exact arithmetic wants."""
    one = np.ones(case.channels, case.x.dtype)
    rows = {name: to_rows(getattr(case, name), case.axis) for name in ("x", "dy", "bar_dx", "bar_grad_x")}
    given = {"gamma": one if case.gamma is None else case.gamma, "beta": one, "running_mean": one, "running_var": one}
    return replace(case, axis=1, **rows, **given)


@pytest.mark.parametrize("dtype", WIDE)
def test_the_reference_is_the_difference_quotient_of_the_definition(dtype: str) -> None:
    for case in map(flat, draw(THIRD.given.strategy(Traits(dtype, ranks=(2,))), 4)):
        within = bounds.third_x(case, Dialect()).allowance
        for channel in range(case.channels):
            c = exact_channel(case, channel)
            w, z = ([arb(float(v)) for v in t[:, channel]] for t in (case.bar_dx, case.bar_grad_x))
            for i in range(min(2, case.rows)):
                error = abs(float(arb(float(reference.third_x(case)[i, channel])) - third(c, w, z, i)))
                assert error <= 0.01 * within[i, channel]


def test_the_third_derivative_does_not_tell_its_directions_apart() -> None:
    case = draw(THIRD.given.strategy(Traits("float64")), 1)[0]
    turned = replace(case, dy=case.bar_dx, bar_dx=case.bar_grad_x, bar_grad_x=case.dy)
    ours, theirs = reference.third_x(case), reference.third_x(turned)
    assert np.abs(ours - theirs).max() <= 2.0**-50 * np.abs(ours).max()
