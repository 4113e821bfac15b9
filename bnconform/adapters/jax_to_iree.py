"""JAX's way to another runtime: a step of Flax or of `jax.nn.standardize` as StableHLO, compiled and run by IREE.

Rules: those of `_jax`. What is lowered is the whole step, with the running averages, and with the gradients where there
is a cotangent; it leaves JAX as text, and nothing of JAX computes. IREE compiles for the processor of the host, as its
guide says, and keeps 64 bits, which it narrows unless it is told not to; it runs on one thread.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from typing import Any

import iree.compiler
import iree.runtime
import jax
import numpy as np

from bnconform.adapters import flax
from bnconform.adapters import jax as plain
from bnconform.adapters._arrays import Parameters, at_least_float32, parameters
from bnconform.adapters._jax import Forward, settings, step
from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.versions import installed

COMPILER = "iree-base-compiler"
OPTIONS = ("--iree-llvmcpu-target-cpu=host", "--iree-input-demote-f64-to-f32=false")
"""Arguments of the compiler: https://iree.dev/guides/deployment-configurations/cpu/ and iree-org/iree#15830."""
CONFIG = iree.runtime.Config("local-sync")


def _run(case: Case, forward: Forward, params: Parameters) -> Outcome:
    if not case.x.size:
        raise Unsupported("what is compiled for a shape takes no empty batch")
    leaves, tree = jax.tree.flatten((case.x, params, *settings(case), case.dy, {}))
    kinds = tuple(float if isinstance(one, float) else (one.shape, one.dtype) for one in leaves)
    program, returned = _compiled(forward, tree, kinds)
    found = program(*[np.ascontiguousarray(one).reshape(np.shape(one)) for one in leaves])
    arrays = [one.to_host() for one in (found if isinstance(found, (list, tuple)) else [found])]
    y, running, pulled = jax.tree.unflatten(returned, arrays)
    names = ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")
    return Outcome(**dict(zip(names, (y, *running, *pulled), strict=True)))


@functools.lru_cache(maxsize=200)
def _compiled(forward: Forward, tree: Any, kinds: tuple[Any, ...]) -> tuple[Callable[..., Any], Any]:
    """Returns the step for arguments of these kinds as IREE runs it, and the structure of what it returns."""
    given = [1.0 if kind is float else jax.ShapeDtypeStruct(*kind) for kind in kinds]
    lowered = jax.jit(functools.partial(step, forward), keep_unused=True).lower(*jax.tree.unflatten(tree, given))
    text = str(lowered.compiler_ir("stablehlo"))
    code = iree.compiler.compile_str(text, target_backends=["llvm-cpu"], input_type="stablehlo", extra_args=OPTIONS)
    context = iree.runtime.SystemContext(config=CONFIG)
    module = iree.runtime.VmModule.copy_buffer(context.instance, code)
    context.add_vm_module(module)
    return context.modules[module.name].main, lowered.out_tree


def run_flax(case: Case, **options: Any) -> Outcome:
    """Runs flax.linen.BatchNorm with these options."""
    forward = flax._forward(tuple(options.items()), case.mode == "train", case.axis)
    return _run(case, forward, parameters(case, at_least_float32(case.x.dtype)))


def run_standardize(case: Case, **options: Any) -> Outcome:
    """Runs jax.nn.standardize with these options, a scale and a shift."""
    forward = plain._forward(tuple(options.items()), case.mode == "train", case.axis)
    return _run(case, forward, parameters(case, case.x.dtype))


def _on_iree(like: Implementation, run: Callable[..., Outcome]) -> Implementation:
    """Returns the implementation whose program is that of another, with all that it documents."""
    given: dict[str, Any] = {"use_fast_variance": False} if like.name.endswith(":two_pass") else {}
    given = {"algorithm": "stable"} if like.name.endswith(":stable") else given
    return replace(
        like,
        name=f"{like.name}@iree",
        run=functools.partial(run, **given),
        opt_in=True,
        version=metadata.version(COMPILER),
        versions={**like.versions, **installed(COMPILER, "iree-base-runtime")},
        devices={"cpu"},
        features=frozenset(),
        snippet=None,
    )


IMPLEMENTATIONS = [
    _on_iree(like, run)
    for run, module, names in (
        (run_flax, flax, ("flax.linen.BatchNorm", "flax.linen.BatchNorm:two_pass")),
        (run_standardize, plain, ("jax.nn.standardize", "jax.nn.standardize:stable")),
    )
    for like in module.IMPLEMENTATIONS
    if like.name in names
]
