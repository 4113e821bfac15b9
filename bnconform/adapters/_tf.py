"""The part that the TensorFlow adapters share: a forward function of tensors, its derivatives by tapes, eager or
compiled.

Rules: `forward` gets a Plan, with all that is no tensor, and tensors by the names of a Case's fields, without those
that the case does not have; the names that are there decide on the derivatives. tf.function traces anew for each Plan,
shape, type and set of names, and nothing else. A case that is to run eagerly does.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from bnconform.adapters._arrays import Parameters
from bnconform.adapters._arrays import given as given_settings
from bnconform.contract.axes import along
from bnconform.contract.case import PER_CHANNEL, TENSORS, Case
from bnconform.contract.outcome import ELEMENTWISE, Outcome
from bnconform.contract.snippet import Snippet

if os.environ.get("BNCONFORM_DEVICE", "cpu") == "cpu":
    tf.config.set_visible_devices([], "GPU")

DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu")
"""What TensorFlow is installed as."""
Mode = Literal["eager", "function", "xla"]
SNIPPET_HEAD = """\
WIDE = "float64" if DTYPES["x"] == "float64" else "float32"


def tensor(name, dtype):
    return None if VALUES[name] is None else tf.cast(tf.constant(VALUES[name]), dtype)


"""
SNIPPET_TAIL = """\
    sources = {"dx": x, "dgamma": gamma, "dbeta": beta}
    sources = {name: source for name, source in sources.items() if source is not None}
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(list(sources.values()))
        found = normalize(x, gamma, beta)
    if VALUES["dy"] is not None:
        found |= tape.gradient(found["y"], sources, output_gradients=tensor("dy", DTYPES["x"]))
    return {
        name: value.numpy() if name in ("y", "dx") else value.numpy().reshape(-1) for name, value in found.items()
    }
"""


def snippet(call: str) -> Snippet:
    """Returns the snippet of a call: the text of what defines normalize() and of the beginning of run()."""
    imports = 'import sys\n\nimport numpy as np\nimport tensorflow as tf\n\ntf.config.set_visible_devices([], "GPU")'
    return Snippet(needs="tensorflow", imports=imports, code=SNIPPET_HEAD + call + SNIPPET_TAIL)


Tensors = dict[str, Any]
AFFINE = {"x": "dx", "gamma": "dgamma", "beta": "dbeta"}
"""Variables with a gradient, and the gradient's name."""
RUNNING = {"running_mean": "drunning_mean", "running_var": "drunning_var"}
BARS = {"dx": "bar_dx", "dgamma": "bar_dgamma", "dbeta": "bar_dbeta"}
DOTS = {"x": "dot_x", "gamma": "dot_gamma", "beta": "dot_beta"}
RETURNED = {"batch_mean": "dmean", "batch_var": "dvar", "unbiased_var": "dvar_unbiased"}
"""Statistics that a forward function may return, and their cotangents."""


class Plan(NamedTuple):
    """The parts of a case that are no tensors. eps, momentum: None where they are tensors, left out or not needed."""

    train: bool
    axis: int
    eps: float | None = None
    momentum: float | None = None
    tracked: bool = False
    returns_statistics: bool = False
    running_gradients: bool = False
    wanted: tuple[str, ...] = tuple(AFFINE)
    checkpointed: bool = False


Forward = Callable[[Plan, Tensors], Tensors]


def plan_of(case: Case, tracked: bool = False) -> Plan:
    """Returns the Plan of `case`, with its epsilon and, where averages are tracked, its momentum as numbers."""
    return Plan(
        train=case.mode == "train",
        axis=case.axis % case.x.ndim,
        tracked=tracked,
        returns_statistics="batch_statistics" in case.needs,
        running_gradients=case.running_gradients,
        wanted=tuple(name for name in AFFINE if case.wants(name)),
        checkpointed=case.checkpointed,
        **given_settings(case, {"eps": case.eps}, {"momentum": case.momentum} if tracked else {}),
    )


def tensors_of(case: Case, params: Parameters, rank: int = 1) -> Tensors:
    """Returns the tensors of `case`, those per channel shaped to broadcast over x if `rank` is more than 1."""
    given = {name: getattr(case, name) for name in (*TENSORS, *BARS.values(), *DOTS.values(), *RETURNED.values())
             if getattr(case, name, None) is not None}  # fmt: skip
    if case.dvar is not None:  # the unbiased variance is the biased one times m/(m - 1), or 1 for a single value
        given["dvar_unbiased"] = (case.dvar * ((case.rows - 1) / case.rows)).astype(case.dvar.dtype)
    for name in PER_CHANNEL:
        array = getattr(params, name)
        if array is not None:
            given[name] = along(array, rank, case.axis) if rank > 1 else array
    return {name: tf.constant(array) for name, array in given.items()}


def run(forward: Forward, case: Case, plan: Plan, given: Tensors, mode: Mode) -> Outcome:
    """Runs `forward` and its derivatives on the tensors of `case`."""
    if mode == "eager" or case.eager:
        found = derive(forward, plan, given)
    else:
        signature = tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in given.items())
        found = _compiled(forward, plan, signature, mode == "xla")(given)
    return Outcome(**{name: _array(case, name, tensor) for name, tensor in found.items()})


@functools.lru_cache(maxsize=512)  # with the signature, so that what is dropped here is dropped by TensorFlow, too
def _compiled(
    forward: Forward, plan: Plan, signature: tuple[tuple[str, tuple[int, ...], Any], ...], jit: bool
) -> Callable[[Tensors], Tensors]:
    traced: Callable[[Tensors], Tensors] = tf.function(functools.partial(derive, forward, plan), jit_compile=jit)
    return traced


def derive(forward: Forward, plan: Plan, given: Tensors) -> Tensors:
    """Returns the outputs of `forward`, and the derivatives that the names of `given` ask for, by an Outcome's
    names."""
    dy = given.get("dy")
    affine = {name: given[name] for name in plan.wanted if name in given}
    running = {name: given[name] for name in RUNNING if plan.running_gradients and not plan.train}
    twice = any(bar in given for bar in BARS.values())
    with tf.GradientTape(watch_accessed_variables=False) as outermost:
        outermost.watch([given["x"]] if "bar_grad_x" in given else [])
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch([*affine.values(), dy] if twice else [])
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([*affine.values(), *running.values()])
                found = (_running_again(forward) if plan.checkpointed else forward)(plan, given)
            if dy is not None:
                found |= _pulled(tape, found, given, affine | running)
        if twice:
            found |= _second(outer, found, given)
    if "bar_grad_x" in given:
        found["third_x"] = outermost.gradient(found["grad_x"], given["x"], output_gradients=given["bar_grad_x"])
    if any(dot in given for dot in DOTS.values()):
        found["dot_y"] = _tangent(forward, plan, given)
    return {name: tensor for name, tensor in found.items() if tensor is not None and name != "unbiased_var"}


def _running_again(forward: Forward) -> Forward:
    """Returns `forward` as one that the backward pass runs again, of what it is differentiated by."""

    def again(plan: Plan, given: Tensors) -> Tensors:
        names = [name for name in AFFINE if name in given]

        def of_tensors(*tensors: Any) -> Tensors:
            return forward(plan, given | dict(zip(names, tensors, strict=True)))

        found: Tensors = tf.recompute_grad(of_tensors)(*(given[name] for name in names))
        return found

    return again


def _pulled(tape: Any, found: Tensors, given: Tensors, wanted: Tensors) -> Tensors:
    """Returns dy, and the cotangents of returned statistics, pulled back to the tensors in `wanted`."""
    there = {name: bar for name, bar in RETURNED.items() if name in found and bar in given}
    targets = [found["y"], *(found[name] for name in there)]
    cotangents = [given["dy"], *(_like(found[name], given[bar]) for name, bar in there.items())]
    names = {**AFFINE, **RUNNING}
    sources = {names[name]: tensor for name, tensor in wanted.items()}
    gradients: Tensors = tape.gradient(targets, sources, output_gradients=cotangents)
    return gradients


def _second(outer: Any, found: Tensors, given: Tensors) -> Tensors:
    """Returns the case's cotangents of the gradients pulled back to the inputs that the case has."""
    pairs = [(found[name], given[bar]) for name, bar in BARS.items() if bar in given and name in found]
    sources = {"grad_" + name: given[name] for name in ("x", "gamma", "dy") if name in given}
    pulled: Tensors = outer.gradient(
        [gradient for gradient, _ in pairs],
        sources,
        output_gradients=[_like(gradient, bar) for gradient, bar in pairs],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    return pulled


def _tangent(forward: Forward, plan: Plan, given: Tensors) -> Any:
    """Returns the tangent of y."""
    moved = [(given[name], _like(given[name], given[dot])) for name, dot in DOTS.items()
             if name in given and dot in given]  # fmt: skip
    with tf.autodiff.ForwardAccumulator([tensor for tensor, _ in moved], [dot for _, dot in moved]) as forwards:
        y = forward(plan, given)["y"]
    return forwards.jvp(y, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _like(tensor: Any, direction: Any) -> Any:
    """Returns a direction in the type and shape of the variable that moves along it."""
    return tf.reshape(tf.cast(direction, tensor.dtype), tensor.shape)


def _array(case: Case, name: str, tensor: Any) -> np.ndarray:
    array: np.ndarray = tensor.numpy()
    as_it_is = name in ELEMENTWISE or case.malformed is not None  # of which no error of this adapter may be made
    return array if as_it_is else array.reshape(case.channels)


def through_layer(
    case: Case, call: Callable[..., Any], weights: Mapping[str, Any], statistics: Callable[[], Mapping[str, Any]]
) -> Outcome:
    """Runs a layer that holds variables eagerly, and pulls dy back to x and to the variables in `weights`.

    weights: by the names of their gradients. statistics: the values read after the call, by the names of an Outcome.
    """
    x = tf.constant(case.x)
    found: Tensors = {}
    with tf.GradientTape() as tape:
        tape.watch(x)
        for mode in case.earlier_modes:
            call(tf.constant(case.earlier), training=mode == "train")
        y = call(x)
        if case.between is not None:
            call(tf.constant(case.between), training=case.between_trains)
    if case.dy is not None:
        sources = {"dx": x, **weights}
        wanted = {name: one for name, one in sources.items() if case.wants(name[1:])}
        found = tape.gradient(y, wanted, output_gradients=tf.constant(case.dy))
    found |= {"y": y, **statistics()}
    return Outcome(**{name: _array(case, name, tensor) for name, tensor in found.items() if tensor is not None})
