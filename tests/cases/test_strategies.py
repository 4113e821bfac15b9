"""Drawn cases are what their recipe says: shapes, dtypes, settings, and every regime in every tensor."""

from __future__ import annotations

import numpy as np
import pytest
from worlds.drawing import DTYPES, draw, printed

from bnconform import Case
from bnconform.cases.regimes import REGIMES
from bnconform.cases.shapes import EAGER, POOL, Layout
from bnconform.cases.small import small_cases
from bnconform.cases.strategies import ABSENT, EPSILONS, MOMENTA, Traits, cases, fill
from bnconform.contract.axes import to_rows
from bnconform.contract.case import PER_CHANNEL

TRAINING = cases(mode="train")
ALL = [TRAINING, cases(mode="infer"), cases(mode="train", gradients=False, statistics=False, channels="constant")]
POOL_SHAPES = {layout.shape for table in POOL.values() for layout in table}


def filled(rows: int = 4000, channels: int = 16, dtype: str = "float64", eps: float = 1e-3, seed: int = 0) -> Case:
    layout = Layout((rows,), channels, 1)
    return fill(TRAINING, Traits(dtype), layout=layout, eps=eps, momentum=0.1, absent=(), seed=seed)


def arrays(case: Case) -> dict[str, np.ndarray]:
    return {name: value for name, value in vars(case).items() if isinstance(value, np.ndarray)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", ALL, ids=["train", "infer", "constant"])
@pytest.mark.parametrize("size", ["full", "small"])
def test_every_array_is_finite_and_of_its_dtype_and_shape(given: object, dtype: str, size: str) -> None:
    traits = Traits(dtype)
    strategy = given.strategy(traits) if size == "full" else small_cases(given, traits)  # type: ignore[attr-defined]
    for case in draw(strategy, 60):
        assert {array.dtype.name for array in arrays(case).values()} == {dtype}
        assert all(np.isfinite(array.astype(np.float64)).all() for array in arrays(case).values())
        assert case.dy is None or case.dy.shape == case.x.shape
        assert case.running_var is None or np.all(case.running_var.astype(np.float64) > 0)
        assert case.rows >= 2
        assert case.shuffled == (size == "full")


def test_all_ranks_both_ends_of_the_axis_and_all_settings_occur() -> None:
    drawn = draw(TRAINING.strategy(Traits("float32")), 200)
    assert {(case.x.ndim, case.axis) for case in drawn} == {(rank, axis) for rank in (2, 3, 4, 5) for axis in (1, -1)}
    assert {case.eps for case in drawn} == set(EPSILONS)
    assert {case.momentum for case in drawn} == set(MOMENTA)
    assert {case.channels for case in drawn} == {16, 17, 19}
    absent = {frozenset(name for name in ("gamma", "beta") if getattr(case, name) is None) for case in drawn}
    assert absent == set(ABSENT)


@pytest.mark.parametrize(("axis", "shape"), [(1, (2, 16, 3, 4)), (-1, (2, 3, 4, 16))])
def test_a_layout_puts_channels_second_or_last(axis: int, shape: tuple[int, ...]) -> None:
    layout = Layout((2, 3, 4), 16, axis)
    case = fill(TRAINING, Traits("float32"), layout=layout, eps=1e-3, momentum=0.1, absent=(), seed=1)
    assert (layout.shape, layout.rows, case.x.shape, case.channels, case.rows) == (shape, 24, shape, 16, 24)


def test_extents_differ_so_that_exchanged_axes_show() -> None:
    layouts = [layout for rank in (3, 4, 5) for layout in (*EAGER[rank], *POOL[rank])]
    assert all(len(set(layout.shape)) > 1 and len(set(layout.extents)) > 1 for layout in layouts)
    assert {layout.extents[0] for layout in EAGER[4]} >= {1, 2, 3}, "N of one as well"
    assert any(h != w for _, h, w in (layout.extents for layout in EAGER[4]))


def test_only_ranks_that_the_implementation_takes_are_drawn() -> None:
    drawn = draw(TRAINING.strategy(Traits("float32", ranks=(2, 4))), 40)
    assert {case.x.ndim for case in drawn} == {2, 4}
    with pytest.raises(ValueError, match=r"ranks \(7,\) hold none of"):
        TRAINING.strategy(Traits("float32", ranks=(7,)))


def test_one_that_compiles_for_each_shape_gets_shapes_of_the_pool_only() -> None:
    drawn = draw(TRAINING.strategy(Traits("float32", compiled=True)), 60)
    assert {case.x.shape for case in drawn} == POOL_SHAPES
    shapes_of_absent = {case.x.shape for case in drawn if case.gamma is None or case.beta is None}
    assert len(shapes_of_absent) == 1


def test_the_same_recipe_gives_the_same_case_and_another_seed_another() -> None:
    assert printed(filled(rows=5, seed=9)) == printed(filled(rows=5, seed=9))
    assert printed(filled(rows=5, seed=9)) != printed(filled(rows=5, seed=10))


def test_the_recipe_of_another_dtype_is_the_same_problem() -> None:
    wide, narrow = filled(rows=50), filled(rows=50, dtype="float32")
    assert np.allclose(wide.x, narrow.x, rtol=1e-6, atol=0)
    assert wide.gamma is not None
    assert np.array_equal(wide.gamma.astype(np.float32), narrow.gamma)


def test_one_tensor_holds_every_regime_once_in_random_order() -> None:
    case, other = filled(), filled(seed=5)
    x, turned = to_rows(case.x, 1), to_rows(other.x, 1)
    assert len(REGIMES) == case.channels == 16
    offset = np.abs(x.mean(axis=0)) / x.std(axis=0)
    for expected in (3, 10, 100, 1000, 10000):
        assert np.count_nonzero(np.abs(offset / expected - 1) < 0.1) >= 1
    ratio = x.var(axis=0) / case.eps
    assert all(np.any((ratio > share / 4) & (ratio < share * 4)) for share in (0.1, 1, 10))
    assert int(offset.argmax()) != int((np.abs(turned.mean(axis=0)) / turned.std(axis=0)).argmax())


@pytest.mark.parametrize("channels", [17, 19])
def test_further_channels_repeat_regimes_but_never_values(channels: int) -> None:
    x = filled(rows=8, channels=channels).x
    assert len({column.tobytes() for column in np.ascontiguousarray(x.T)}) == channels


def test_running_statistics_are_near_the_batchs_but_not_equal_to_them() -> None:
    case = filled()
    assert case.running_mean is not None
    assert case.running_var is not None
    x = to_rows(case.x, 1)
    away = np.abs(case.running_mean - x.mean(axis=0)) / x.std(axis=0)
    assert np.count_nonzero(away < 5) >= 15  # among so many values an outlier carries little variance
    assert np.median(away) > 0.2
    factor = np.abs(np.log(case.running_var / x.var(axis=0)))
    assert np.count_nonzero(factor < 4) >= 15
    assert np.median(factor) > 0.2


def test_cotangents_have_a_mean_and_a_component_along_the_normalized_values() -> None:
    case = filled()
    assert case.dy is not None
    x, dy = to_rows(case.x, 1), to_rows(case.dy, 1)
    h = (x - x.mean(axis=0)) / x.std(axis=0)
    assert np.all(dy.mean(axis=0) / dy.std(axis=0) > 0.3)
    along_h = ((dy - dy.mean(axis=0)) * h).mean(axis=0) / dy.std(axis=0)
    assert np.count_nonzero(along_h > 0.3) >= 15  # of an outlier the component is small


def test_a_case_holds_what_its_spec_is_given() -> None:
    plain = draw(cases(mode="train", gradients=False, statistics=False).strategy(Traits("float32")), 10)
    assert all(case.dy is None and case.running_mean is None and case.running_var is None for case in plain)
    inferring = draw(cases(mode="infer", statistics=False).strategy(Traits("float32")), 10)
    assert all(case.mode == "infer" and case.running_mean is not None and case.dy is not None for case in inferring)
    assert cases(mode="infer", statistics=False) == cases(mode="infer")


@pytest.mark.parametrize("size", ["full", "small"])
def test_constant_channels_are_constant(size: str) -> None:
    given, traits = ALL[2], Traits("float32")
    for case in draw(given.strategy(traits) if size == "full" else small_cases(given, traits), 40):
        rows = to_rows(case.x, case.axis)
        assert np.array_equal(rows, np.broadcast_to(rows[0], rows.shape))


@pytest.mark.parametrize("given", ALL, ids=["train", "infer", "constant"])
def test_a_case_to_read_has_one_channel_of_few_values_in_short_decimals(given: object) -> None:
    drawn = draw(small_cases(given, Traits("float64", ranks=(3, 4))), 100)  # type: ignore[attr-defined]
    assert {(case.x.ndim, case.channels, case.axis) for case in drawn} == {(3, 1, 1), (3, 1, -1)}
    assert all(case.x.size <= 16 for case in drawn)
    for case in drawn:
        assert all(np.array_equal(array, np.round(array, 6)) for array in arrays(case).values())


@pytest.mark.parametrize("axis", [1, -1])
def test_a_small_case_like_another_keeps_its_rank_and_axis(axis: int) -> None:
    like = Case(mode="train", x=np.zeros((2, 3, 4, 5)), axis=axis, eps=1e-3, momentum=0.1,
                **dict.fromkeys(PER_CHANNEL))  # fmt: skip
    drawn = draw(small_cases(TRAINING, Traits("float64"), like), 100)
    assert {(case.x.ndim, case.axis) for case in drawn} == {(4, axis)}
    assert {case.channels for case in drawn} == {1, 2}
    assert all(case.x.size <= 16 and case.rows >= 2 for case in drawn)


@pytest.mark.parametrize("size", ["full", "small"])
def test_short_settings_are_held_exactly_by_single_precision(size: str) -> None:
    for short in (True, False):
        traits = Traits("float64", short_settings=short)
        strategy = TRAINING.strategy(traits) if size == "full" else small_cases(TRAINING, traits)
        settings = {v for case in draw(strategy, 60) for v in (case.eps, case.momentum, 1 - case.momentum)}
        assert all(float(np.float32(value)) == value for value in settings) == short


@pytest.mark.parametrize("compiled", [False, True])
def test_a_search_opens_with_a_case_of_each_rank(compiled):
    traits = Traits(dtype="float32", compiled=compiled)
    opening = cases(mode="train").opening(traits, 7)
    assert [case.x.ndim for case in opening] == [2, 3, 4, 5]
    assert all(case.rows > 7 and case.gamma is not None for case in opening)
    again = cases(mode="train").opening(traits, 7)
    assert all((one.x == other.x).all() for one, other in zip(opening, again, strict=True))
    assert [case.x.ndim for case in cases(mode="train").opening(Traits("float32", ranks=(2,)), 7)] == [2]


def test_no_search_opens_with_what_costs_a_compilation_or_is_many_problems():
    for given in (cases(mode="train", derivatives="second_order"), cases(mode="train", rows="one"),
                  cases(mode="train", channels="gaussian"), cases(mode="train", manner="stored")):  # fmt: skip
        assert given.opening(Traits(dtype="float32"), 0) == []
