"""The part that the JAX adapters share: one compiled function runs any implementation forward and pulls dy back.

Rules: arrays, epsilon and momentum are traced, so that only a new shape, type or absent array compiles; epsilon and
momentum enter as Python floats, weakly typed in JAX: they take the type of the array that they meet, as in plain use.
One that is left out is None, not an array but a part of the compiled program: there its argument is not named at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bnconform.adapters._arrays import Parameters, at_least_float32, given
from bnconform.adapters._jax_devices import DEVICE as DEVICE
from bnconform.contract.case import Case
from bnconform.contract.outcome import Outcome
from bnconform.contract.snippet import Snippet

# (x, parameters, eps, momentum, mask=mask where there is one) -> (y, (running_mean, running_var)), None for what there
# is not
Forward = Callable[..., tuple[Any, tuple[Any, Any]]]
Given = float | None
"""Epsilon or momentum as a Forward takes it: None where the case leaves it out."""

SNIPPET_WIDE = 'WIDE = "float64" if DTYPES["x"] == "float64" else "float32"\n'
SNIPPET_LOAD = """\


def load(name, dtype):
    return None if VALUES[name] is None else jax.numpy.asarray(VALUES[name], dtype)


"""
SNIPPET_STEP = """\


@jax.jit
def step(x, params, eps, momentum, dy):
    if dy is None:
        return *forward(x, params, eps, momentum), (None, None, None)

    def affine(x, gamma, beta):
        return forward(x, (gamma, beta, *params[2:]), eps, momentum)

    y, pull, running = jax.vjp(affine, x, params[0], params[1], has_aux=True)
    return y, running, pull(dy)


def run():
    params = tuple(load(name, WIDE) for name in ("gamma", "beta", "running_mean", "running_var"))
    y, running, grads = step(load("x", DTYPES["x"]), params, EPS, MOMENTUM, load("dy", DTYPES["x"]))
    return dict(zip(("y", "running_mean", "running_var", "dx", "dgamma", "dbeta"), (y, *running, *grads)))
"""


def snippet(
    library: str, forward: str, *, before: str = "import sys\n\n", imports: str, wide: str = SNIPPET_WIDE
) -> Snippet:
    """Returns the snippet of a library on JAX, given the text of what defines forward().

    before, imports: ahead of the import of jax, and behind. wide: the type of the parameters.
    """
    above = f'{before}import jax\n{imports}\n\njax.config.update("jax_enable_x64", True)'
    return Snippet(needs=library, imports=above, code=wide + SNIPPET_LOAD + forward + SNIPPET_STEP)


DISTRIBUTIONS = ("jax", "jaxlib")
"""What JAX is installed as."""

SHARDS = "shards"
"""The name of the axis over which a batch is shared out."""


def settings(case: Case) -> tuple[Given, Given]:
    """Returns epsilon and momentum as a Forward takes them."""
    taken = given(case, {"eps": case.eps}, {"momentum": case.momentum})
    return taken.get("eps"), taken.get("momentum")


def named(**arguments: Any) -> dict[str, Any]:
    """Returns the arguments without those that are left out."""
    return {name: value for name, value in arguments.items() if value is not None}


def decay(momentum: Any) -> Any:
    """Returns the weight of the old statistics; None where the momentum is left out."""
    return None if momentum is None else 1 - momentum


def by_example(one: Callable[[Any], tuple[Any, Any]], x: Any, axis: int) -> tuple[Any, Any]:
    """Returns one(x) with each example of x on a shard of its own under jax.vmap, as if each lay on another device.

    `one` has to share its statistics over the axis SHARDS. axis: that of the channels.
    """
    batch = 0 if axis % x.ndim else 1
    mapped = jax.vmap(one, in_axes=batch, out_axes=(batch, None), axis_name=SHARDS)
    y, kept = mapped(jnp.expand_dims(x, batch + 1))
    return jnp.squeeze(y, batch + 1), kept


def step(
    forward: Forward, x: Any, params: Parameters, eps: Given, momentum: Given, dy: Any, more: dict[str, Any]
) -> tuple[Any, ...]:
    """Returns y, the running averages, and dy pulled back to x, γ and β, as JAX traces them."""
    if dy is None:
        return *forward(x, params, eps, momentum, **more), (None, None, None)

    def affine(x: Any, gamma: Any, beta: Any) -> tuple[Any, tuple[Any, Any]]:
        return forward(x, params._replace(gamma=gamma, beta=beta), eps, momentum, **more)

    y, pull, running = jax.vjp(affine, x, params.gamma, params.beta, has_aux=True)
    return y, running, pull(dy)


_step = jax.jit(step, static_argnames="forward")


@functools.partial(jax.jit, static_argnames=("forward", "wanted"))
def _step_of_some(
    forward: Forward,
    x: Any,
    params: Parameters,
    eps: Given,
    momentum: Given,
    dy: Any,
    more: dict[str, Any],
    wanted: tuple[str, ...],
) -> tuple[Any, ...]:
    """Returns what `_step` does, with the gradients of these arguments alone."""
    given = {"x": x, "gamma": params.gamma, "beta": params.beta}

    def partly(some: dict[str, Any]) -> tuple[Any, tuple[Any, Any]]:
        all_of = given | some
        affine = params._replace(gamma=all_of["gamma"], beta=all_of["beta"])
        return forward(all_of["x"], affine, eps, momentum, **more)

    y, pull, running = jax.vjp(partly, {name: given[name] for name in wanted}, has_aux=True)
    (grads,) = pull(dy)
    return y, running, tuple(grads.get(name) for name in given)


@functools.partial(jax.jit, static_argnames="forward")
def _push(
    forward: Forward, x: Any, params: Parameters, eps: Given, momentum: Given, dots: Any, more: dict[str, Any]
) -> Any:
    def affine(x: Any, gamma: Any, beta: Any) -> Any:
        return forward(x, params._replace(gamma=gamma, beta=beta), eps, momentum, **more)[0]

    return jax.jvp(affine, (x, params.gamma, params.beta), dots)[1]


@functools.partial(jax.jit, static_argnames="forward")
def _pull_twice(
    forward: Forward, x: Any, params: Parameters, eps: Given, momentum: Given, dy: Any, bars: Any, more: dict[str, Any]
) -> Any:
    def gradients(x: Any, gamma: Any, dy: Any) -> Any:
        def affine(x: Any, gamma: Any, beta: Any) -> Any:
            return forward(x, params._replace(gamma=gamma, beta=beta), eps, momentum, **more)[0]

        return jax.vjp(affine, x, gamma, params.beta)[1](dy)

    return jax.vjp(gradients, x, params.gamma, dy)[1](bars)


@functools.partial(jax.jit, static_argnames="forward")
def _pull_thrice(
    forward: Forward, x: Any, params: Parameters, eps: Given, momentum: Given, pulled: Any, more: dict[str, Any]
) -> Any:
    dy, bar_dx, bar_grad_x = pulled

    def y(x: Any) -> Any:
        return forward(x, params, eps, momentum, **more)[0]

    def dx(x: Any) -> Any:
        return jax.vjp(y, x)[1](dy)[0]

    def grad_x(x: Any) -> Any:
        return jax.vjp(dx, x)[1](bar_dx)[0]

    return jax.vjp(grad_x, x)[1](bar_grad_x)[0]


@functools.partial(jax.jit, static_argnames="forward")
def _pull_from_statistics(
    forward: Forward, x: Any, params: Parameters, eps: Given, cotangents: Any, more: dict[str, Any]
) -> tuple[Any, ...]:
    def affine(x: Any, gamma: Any, beta: Any) -> tuple[Any, tuple[Any, Any]]:
        return forward(x, params._replace(gamma=gamma, beta=beta), eps, 1.0, **more)

    (y, statistics), pull = jax.vjp(affine, x, params.gamma, params.beta)
    return y, statistics, pull(cotangents)


@functools.partial(jax.jit, static_argnames="forward")
def _pull_to_running(
    forward: Forward, x: Any, params: Parameters, eps: Given, momentum: Given, dy: Any, more: dict[str, Any]
) -> tuple[Any, Any]:
    def inferred(mean: Any, variance: Any) -> Any:
        return forward(x, params._replace(running_mean=mean, running_var=variance), eps, momentum, **more)[0]

    pulled: tuple[Any, Any] = jax.vjp(inferred, params.running_mean, params.running_var)[1](dy)
    return pulled


@functools.cache
def _running_again(forward: Forward) -> Forward:
    """Returns `forward` as one of which the backward pass keeps nothing, the same each time."""
    again: Forward = jax.checkpoint(forward)
    return again


def run_for_statistics(forward: Forward, case: Case, params: Parameters, **more: Any) -> Outcome:
    """Runs `forward` with running statistics that keep nothing of the old ones, so that it returns those of the batch,
    and pulls dy back together with the cotangents of these statistics.
    """
    zeros = np.zeros(case.channels, at_least_float32(case.x.dtype))
    bars = (zeros if one is None else one.astype(zeros.dtype) for one in (case.dmean, case.dvar))
    params = params._replace(running_mean=zeros, running_var=zeros)
    cotangents = (np.zeros_like(case.x) if case.dy is None else case.dy, tuple(bars))
    y, statistics, grads = _pull_from_statistics(forward, case.x, params, settings(case)[0], cotangents, more)
    names = ("y", "batch_mean", "batch_var", "dx", "dgamma", "dbeta")
    found = dict(zip(names, (y, *statistics, *grads), strict=True))
    return Outcome(**{name: None if array is None else np.asarray(array) for name, array in found.items()})


def run_compiled(forward: Forward, case: Case, params: Parameters, **more: Any) -> Outcome:
    """Runs `forward`. It is also the key of the compilation: pass the same object for the same function.

    more: further arrays, taken by `forward` by their names. An eager case runs one operation after the other, as
    https://docs.jax.dev/en/latest/_autosummary/jax.disable_jit.html says.
    """
    if case.eager:
        with jax.disable_jit():
            return run_compiled(forward, replace(case, eager=False), params, **more)
    if case.checkpointed:
        return run_compiled(_running_again(forward), replace(case, checkpointed=False), params, **more)
    eps, momentum = settings(case)
    given = (forward, case.x, params, eps, momentum, case.dy, more)
    y, running, grads = _step(*given) if case.wanted is None else _step_of_some(*given, case.wanted)
    names = ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")
    found = dict(zip(names, (y, *running, *grads), strict=True))
    if "tangents" in case.needs:
        dots = _alike(case.x, params, case.dot_x, case.dot_gamma, case.dot_beta)
        found["dot_y"] = _push(forward, case.x, params, eps, momentum, dots, more)
    if "second_order" in case.needs and case.dy is not None:
        bars = _alike(case.x, params, case.bar_dx, case.bar_dgamma, case.bar_dbeta)
        seconds = _pull_twice(forward, case.x, params, eps, momentum, case.dy, bars, more)
        found |= dict(zip(("grad_x", "grad_gamma", "grad_dy"), seconds, strict=True))
    if case.bar_grad_x is not None and case.bar_dx is not None:
        thrice = (case.dy, case.bar_dx, case.bar_grad_x)
        found["third_x"] = _pull_thrice(forward, case.x, params, eps, momentum, thrice, more)
    if case.running_gradients and case.dy is not None:
        pulled = _pull_to_running(forward, case.x, params, eps, momentum, case.dy, more)
        found |= dict(zip(("drunning_mean", "drunning_var"), pulled, strict=True))
    return Outcome(**{name: None if array is None else np.asarray(array) for name, array in found.items()})


def eagerly(run: Callable[[Case], Outcome]) -> Callable[[Case], Outcome]:
    """Returns `run` for cases that are all run eagerly."""

    @functools.wraps(run)
    def run_eagerly(case: Case) -> Outcome:
        return run(replace(case, eager=True))

    return run_eagerly


def _alike(x: np.ndarray, params: Parameters, *directions: np.ndarray | None) -> tuple[np.ndarray | None, ...]:
    """Returns a direction in x, gamma and beta in the types of these; zero where the case has none."""
    pairs = zip((x, params.gamma, params.beta), directions, strict=True)
    return tuple(
        None if own is None else np.zeros_like(own) if direction is None else direction.astype(own.dtype)
        for own, direction in pairs
    )
