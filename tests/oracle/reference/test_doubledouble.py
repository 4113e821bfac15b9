"""Double-double arithmetic against exact rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from bnconform.oracle.reference.doubledouble import (
    DoubleDouble,
    as_doubledouble,
    quick_two_sum,
    split,
    two_product,
    two_sum,
)

RELATIVE = Fraction(1, 2**100)


def exact(number, index):
    number = as_doubledouble(number)
    return Fraction(float(number.high[index])) + Fraction(float(np.broadcast_to(number.low, number.high.shape)[index]))


def spread_out(seed, n=200, reach=60):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n) * np.exp2(rng.integers(-reach, reach, n))


def numbers(seed):
    high = spread_out(seed)
    return DoubleDouble(*quick_two_sum(high, high * np.random.default_rng(seed + 1).uniform(-1e-16, 1e-16, len(high))))


def test_two_sum_loses_nothing():
    a, b = spread_out(1), spread_out(2)
    s, e = two_sum(a, b)
    for i in range(len(a)):
        assert Fraction(s[i]) + Fraction(e[i]) == Fraction(a[i]) + Fraction(b[i])


def test_two_product_loses_nothing():
    a, b = spread_out(3), spread_out(4)
    p, e = two_product(a, b)
    for i in range(len(a)):
        assert Fraction(p[i]) + Fraction(e[i]) == Fraction(a[i]) * Fraction(b[i])


def test_split_halves_fit_in_26_bits():
    a = spread_out(5)
    for part, whole in zip(np.stack(split(a), axis=1), a, strict=True):
        assert sum(map(Fraction, part)) == Fraction(whole)
        for half in map(float, part):
            significand = Fraction(half).numerator
            assert (abs(significand) // (significand & -significand) if significand else 0) < 2**26


@pytest.mark.parametrize(
    ("operate", "expected"),
    [
        (lambda a, b: a * b, lambda a, b: a * b),
        (lambda a, b: a / b, lambda a, b: a / b),
        (lambda a, b: b.high * a, lambda a, b: None),
    ],
    ids=["product", "quotient", "array times number"],
)
def test_products_and_quotients_are_right_to_100_bits(operate, expected):
    a, b = numbers(6), numbers(7)
    got = operate(a, b)
    assert isinstance(got, DoubleDouble)
    for i in range(len(a.high)):
        x, y = exact(a, i), exact(b, i)
        want = expected(x, y)
        want = x * Fraction(b.high[i]) if want is None else want
        assert abs(exact(got, i) - want) <= RELATIVE * abs(want)


def test_sums_and_differences_are_right_to_100_bits_even_where_they_cancel():
    a = numbers(8)
    b = a * (1 + 2.0**-40)
    for got, sign in ((a + b, 1), (a - b, -1), (1.0 - a, 0), (1.0 + a, 2)):
        for i in range(len(a.high)):
            want = {1: exact(a, i) + exact(b, i), -1: exact(a, i) - exact(b, i), 0: 1 - exact(a, i), 2: 1 + exact(a, i)}
            assert abs(exact(got, i) - want[sign]) <= RELATIVE * abs(want[sign])


def test_roots_are_right_to_100_bits():
    a = numbers(9)
    a = a * a
    root = a.sqrt()
    for i in range(len(a.high)):
        square = exact(root, i) ** 2
        assert abs(square - exact(a, i)) <= 2 * RELATIVE * exact(a, i)


def test_the_root_of_zero_is_zero():
    with np.errstate(all="ignore"):
        root = DoubleDouble(np.zeros(2)).sqrt()
    assert not root.high.any()
    assert not root.low.any()


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 64, 1001])
def test_totals_are_right_to_95_bits_of_the_sum_of_magnitudes(rows):
    t = numbers(10)
    t = DoubleDouble(np.resize(t.high, (rows, 3)), np.resize(t.low, (rows, 3)))
    got = t.total()
    assert got.high.shape == (3,)
    for column in range(3):
        terms = [exact(t, (row, column)) for row in range(rows)]
        assert abs(exact(got, column) - sum(terms)) <= Fraction(1, 2**95) * sum(map(abs, terms))


def test_scaling_is_exact_up_to_the_subnormal_numbers():
    t = DoubleDouble(np.array([3 * 2.0**-1074, 1e100]))
    assert t.scaled(200).high.tolist() == [3 * 2.0**-874, 1e100 * 2.0**200]
    assert t.scaled(np.array([1074, -300])).high.tolist() == [3.0, 1e100 * 2.0**-300]


def test_the_quotient_of_a_multiple_is_the_number_itself():
    c = spread_out(11)
    mean = DoubleDouble(*two_product(c, np.full_like(c, 7.0))) / 7.0
    assert (mean.high == c).all()
    assert not mean.low.any()
