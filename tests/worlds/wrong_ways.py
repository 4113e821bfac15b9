"""Implementations that are wrong in one way that only a relation between two runs, or an extreme case, shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np

from bnconform import Case, Outcome
from worlds.miniatures import Mathematics, run

Run = Callable[[Case], Outcome]


def correct(case: Case) -> Outcome:
    with np.errstate(all="ignore"):
        return run(Mathematics(), case)


def _with_y(case: Case, change: Callable[[np.ndarray], np.ndarray]) -> Outcome:
    found = correct(case)
    with np.errstate(all="ignore"):
        return replace(found, y=change(found.y).astype(case.x.dtype))


def of(how: Mathematics) -> Run:
    def wrong(case: Case) -> Outcome:
        with np.errstate(all="ignore"):
            return run(how, case)

    return wrong


def each_pixel_alone(case: Case) -> Outcome:
    """Normalizes over the first axis only, as for vectors of features."""
    if case.x.ndim == 2 or case.x.shape[0] == 1 or case.axis % case.x.ndim == 0:
        return correct(case)
    x = case.x.reshape(case.x.shape[0], -1)
    spread = {}
    for name in ("gamma", "beta"):
        vector = getattr(case, name)
        shape = [1] * case.x.ndim
        shape[case.axis] = -1
        spread[name] = None if vector is None else np.broadcast_to(vector.reshape(shape), case.x.shape)[0].ravel()
    flat = replace(case, x=x, axis=1, dy=None, running_mean=None, running_var=None, **spread)
    return Outcome(y=correct(flat).y.reshape(case.x.shape))


def only_the_usual_axes(case: Case) -> Outcome:
    usual = case.axis % case.x.ndim in (1, case.x.ndim - 1)
    return of(Mathematics(correction=0 if usual else 1))(case)


def rectifies_first(case: Case) -> Outcome:
    return correct(replace(case, x=np.maximum(case.x, case.x.dtype.type(0))))


def one_variance_for_all_channels(case: Case) -> Outcome:
    x = np.moveaxis(case.x, case.axis, -1).astype(np.float64)
    with np.errstate(all="ignore"):
        d = x - x.reshape(-1, case.channels).mean(0)
        y = d / np.sqrt((d * d).mean() + case.eps)
    return Outcome(y=np.moveaxis(y, -1, case.axis).astype(case.x.dtype))


def a_nan_spreads(case: Case) -> Outcome:
    return _with_y(case, lambda y: y if np.isfinite(case.x.astype(np.float64)).all() else y * np.nan)


def favours_the_first_channel(case: Case) -> Outcome:
    first = np.arange(case.channels) == 0
    shape = [1] * case.x.ndim
    shape[case.axis] = -1
    return _with_y(case, lambda y: y * np.where(first, 1.5, 1.0).reshape(shape).astype(y.dtype))


def never_twice_the_same() -> Run:
    calls = count()

    def wrong(case: Case) -> Outcome:
        found = correct(case)
        return replace(found, y=np.nextafter(found.y, np.inf).astype(case.x.dtype) if next(calls) % 2 else found.y)

    return wrong


def moves_its_averages_for_gradients_only(case: Case) -> Outcome:
    found = correct(case)
    return found if case.dy is not None else replace(found, running_mean=case.running_mean)


def normalizes_by_what_it_keeps(case: Case) -> Outcome:
    if case.running_mean is None:
        return correct(case)
    inference = correct(replace(case, mode="infer", dy=None))
    return replace(correct(case), y=inference.y)


def has_a_least_epsilon(case: Case) -> Outcome:
    return correct(replace(case, eps=max(case.eps, 1e-5)))


def takes_no_weight_for_the_default(case: Case) -> Outcome:
    return correct(replace(case, momentum=case.momentum or 0.1))


def never_forgets(case: Case) -> Outcome:
    return correct(replace(case, momentum=min(case.momentum, 0.9)))


def clips(case: Case) -> Outcome:
    limit = 0.001 * np.sqrt(float(np.finfo(case.x.dtype).max)) if case.dtype != "float16" else 1000.0
    return correct(replace(case, x=np.clip(case.x, -limit, limit).astype(case.x.dtype)))


def _of_nothing(case: Case, *, rows: int) -> Outcome:
    nan = np.full(case.channels, np.nan, case.x.dtype)
    if case.rows == rows:
        return Outcome(y=np.full_like(case.x, np.nan), running_mean=nan, running_var=nan)
    return correct(case)


def divides_by_no_examples(case: Case) -> Outcome:
    return _of_nothing(case, rows=0)


def divides_by_m_less_one(case: Case) -> Outcome:
    return _of_nothing(case, rows=1)


def refuses(rows: int, error: type[Exception] = ValueError) -> Run:
    def strict(case: Case) -> Outcome:
        if case.rows == rows:
            raise error("too few values")
        return correct(case)

    return strict
