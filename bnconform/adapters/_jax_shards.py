"""The part that the JAX adapters share for a batch on several devices: one function, mapped over a mesh of them.

Rules: jax.shard_map runs one program on all devices, so that shards are equal; a mask goes with the values that it
hides. What every device returns alike, JAX itself checks to be alike where it can.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as On

from bnconform.adapters._arrays import Parameters
from bnconform.adapters._jax import SHARDS, Forward
from bnconform.adapters._jax_devices import ALL, DEVICES
from bnconform.contract.case import Case
from bnconform.contract.shards import EQUAL, batch_axis

FEATURES = frozenset({EQUAL} if hasattr(jax, "shard_map") and len(ALL) >= DEVICES else ())
"""The features of an implementation that takes part in `over_devices`."""


def over_devices(one: Forward, case: Case) -> Forward:
    """Returns `one`, which shares its statistics over the axis SHARDS, as a function of a batch that is shared out as
    the case says; the same function each time."""
    return _mapped(one, len(case.shards), batch_axis(case.x.ndim, case.axis))


@functools.cache
def _mapped(one: Forward, count: int, axis: int) -> Forward:
    def forward(x: Any, params: Parameters, eps: Any, momentum: Any, **more: Any) -> tuple[Any, tuple[Any, Any]]:
        def part(shared: Any, alike: Any) -> tuple[Any, tuple[Any, Any]]:
            x, more = shared
            return one(x, *alike, **more)

        return spread(part, (x, more), (params, eps, momentum), count, axis)

    return forward


def spread(
    part: Callable[[Any, Any], tuple[Any, Any]], shared: Any, alike: Any, count: int, axis: int, *, checked: bool = True
) -> tuple[Any, Any]:
    """Returns part(shared, alike) on so many devices, each with its own part of `shared` along `axis`: what it returns
    first is put together again, and what it returns second is equal on all.

    checked: whether JAX checks that, which it cannot where jax.vmap has a named axis too.
    """
    mesh, batch = Mesh(np.array(ALL[:count]), (SHARDS,)), On(*[None] * axis, SHARDS)
    found: tuple[Any, Any] = jax.shard_map(
        part, mesh=mesh, in_specs=(batch, On()), out_specs=(batch, On()), check_vma=checked
    )(shared, alike)
    return found
