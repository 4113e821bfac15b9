"""A Target takes its dialect and its traits from the implementation, for its own dtype."""

from __future__ import annotations

import pytest

from bnconform import Argument, Dialect, Settings
from bnconform.contract.implementation import Described
from bnconform.engine.target import Target


def described(**changes: object) -> Described:
    return Described(**{"name": "bn.norm", "version": "1", "dialect": Dialect(), **changes})  # type: ignore[arg-type]


def test_a_target_takes_dialect_and_traits_from_its_implementation() -> None:
    short, wide = Dialect(attribute_dtype="float32"), Dialect()
    about = described(dialect=short, by_dtype={"float16": wide}, ranks=(2, 4), compiled=True)
    half, double = (Target(implementation=about, dtype=dtype) for dtype in ("float16", "float64"))
    assert (half.dialect, double.dialect) == (wide, short)
    assert (double.traits.ranks, double.traits.compiled, double.traits.short_settings) == ((2, 4), True, True)
    assert not half.traits.short_settings


@pytest.mark.parametrize(("dtype", "short"), [("float16", False), ("float32", False), ("float64", True)])
def test_settings_are_short_where_float32_keeps_them_for_wider_data(dtype: str, short: bool) -> None:
    about = described(dialect=Dialect(attribute_dtype="float32"))
    assert Target(implementation=about, dtype=dtype).traits.short_settings is short
    assert not Target(implementation=described(), dtype=dtype).traits.short_settings


def test_documented_defaults_are_traits() -> None:
    settings = Settings(
        call="bn",
        eps=Argument("eps", "1e-3", link="https://example.org"),
        momentum=Argument("momentum", "0.99", link="https://example.org"),
        weighs="old",
    )
    traits = Target(implementation=described(settings=settings), dtype="float32").traits
    assert (traits.default_eps, traits.default_momentum) == (1e-3, settings.default_momentum)
    assert traits.default_momentum is not None
    assert abs(traits.default_momentum - 0.01) < 1e-12
    bare = Target(implementation=described(), dtype="float32").traits
    assert (bare.default_eps, bare.default_momentum) == (None, None)
