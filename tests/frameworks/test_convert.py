"""What a conversion says of real layers is so: they are made by the arguments that it writes, and run side by side."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from worlds import conversions as world

from bnconform import Case, Outcome
from bnconform.cli.convert import Wish, convert
from bnconform.cli.convert.command import described
from bnconform.contract.implementation import Described
from bnconform.engine.selection import Hosts, Request, select

pytestmark = pytest.mark.slow
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def run_torch(arguments: dict[str, Any], case: Case) -> Outcome:
    torch = pytest.importorskip("torch")
    layer = torch.nn.BatchNorm2d(case.channels, **arguments).train(case.mode == "train")
    state = {
        "weight": case.gamma,
        "bias": case.beta,
        "running_mean": case.running_mean,
        "running_var": case.running_var,
    }
    with torch.no_grad():
        for name, array in state.items():
            if array is not None:
                getattr(layer, name).copy_(torch.tensor(array))
    x = torch.tensor(case.x, requires_grad=True)
    y = layer(x.movedim(case.axis, 1)).movedim(1, case.axis)  # by hand, where the conversion says so
    found = {"y": y.detach(), "running_mean": layer.running_mean, "running_var": layer.running_var}
    if case.dy is not None:
        y.backward(torch.tensor(case.dy))
        found |= {"dx": x.grad, "dgamma": layer.weight.grad, "dbeta": layer.bias.grad}
    return Outcome(**{name: tensor.numpy() for name, tensor in found.items()})


def run_keras(arguments: dict[str, Any], case: Case) -> Outcome:
    keras = pytest.importorskip("keras")
    layer = keras.layers.BatchNormalization(**arguments)
    layer.build(case.x.shape)
    given = {"gamma": case.gamma, "beta": case.beta, "moving_mean": case.running_mean}
    for name, array in {**given, "moving_variance": case.running_var}.items():
        if array is not None:
            getattr(layer, name).assign(array)
    y = layer(case.x, training=case.mode == "train")
    state = {"running_mean": layer.moving_mean.numpy(), "running_var": layer.moving_variance.numpy()}
    return Outcome(y=keras.ops.convert_to_numpy(y), **state)


def run_flax(arguments: dict[str, Any], case: Case) -> Outcome:
    jax, linen = pytest.importorskip("jax"), pytest.importorskip("flax.linen")
    layer = linen.BatchNorm(use_running_average=case.mode == "infer", **arguments)
    stats = {"mean": case.running_mean, "var": case.running_var}

    def normalize(x: Any, weights: Any) -> Any:
        return layer.apply({"params": weights, "batch_stats": stats}, x, mutable=["batch_stats"])

    weights = {"scale": case.gamma, "bias": case.beta}
    y, new = normalize(case.x, weights)
    found = {"y": y, "running_mean": new["batch_stats"]["mean"], "running_var": new["batch_stats"]["var"]}
    if case.dy is not None:
        dx, grads = jax.vjp(lambda *inputs: normalize(*inputs)[0], case.x, weights)[1](case.dy)
        found |= {"dx": dx, "dgamma": grads["scale"], "dbeta": grads["bias"]}
    return Outcome(**{name: np.asarray(one) for name, one in found.items()})


def run_fused(arguments: dict[str, Any], case: Case) -> Outcome:
    tf = pytest.importorskip("tensorflow")
    there = {"scale": case.gamma, "offset": case.beta, "mean": case.running_mean, "variance": case.running_var}
    given = {name: tf.constant(array) for name, array in there.items()}
    x = tf.constant(case.x)
    with tf.GradientTape() as tape:
        tape.watch([x, given["scale"], given["offset"]])
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(x=x, **given, is_training=case.mode == "train", **arguments)
    found = {"y": y, "running_mean": mean, "running_var": variance}
    if case.dy is not None:
        wanted = {"dx": x, "dgamma": given["scale"], "dbeta": given["offset"]}
        found |= tape.gradient(y, wanted, output_gradients=tf.constant(case.dy))
    return Outcome(**{name: one.numpy() for name, one in found.items()})


LAYERS: dict[str, Callable[[dict[str, Any], Case], Outcome]] = {
    "torch.nn.BatchNorm": run_torch,
    "keras.layers.BatchNormalization@tensorflow": run_keras,
    "flax.linen.BatchNorm": run_flax,
    "tf.raw_ops.FusedBatchNormV3": run_fused,
}


@functools.cache
def known(name: str) -> Described:
    for module in ("torch", "keras", "flax", "tensorflow"):
        if name.startswith(("tf" if module == "tensorflow" else module) + "."):
            pytest.importorskip(module)
    return described(name, name)[0]


@pytest.mark.parametrize("target", LAYERS)
@pytest.mark.parametrize("source", LAYERS)
def test_real_layers_do_what_the_conversion_says(source: str, target: str) -> None:
    here, there = known(source), known(target)
    wish = Wish(eps="0.01", momentum="0.7", axis=1 if source.startswith("torch") else 3)
    conversion = convert(here, there, wish)
    world.check(conversion, (here, LAYERS[source]), (there, LAYERS[target]))


SIGNATURES = {  # the call, as it is imported, and the implementation that states its settings
    "torch.nn.BatchNorm2d": "torch.nn.BatchNorm",
    "torch.nn.functional.batch_norm": "torch.nn.functional.batch_norm",
    "keras.layers.BatchNormalization": "keras.layers.BatchNormalization@tensorflow",
    "tensorflow.nn.batch_normalization": "tf.nn.batch_normalization",
    "tensorflow.raw_ops.FusedBatchNormV3": "tf.raw_ops.FusedBatchNormV3",
    "flax.linen.BatchNorm": "flax.linen.BatchNorm",
    "flax.nnx.BatchNorm": "flax.nnx.BatchNorm",
    "haiku.BatchNorm": "haiku.BatchNorm",
    "sonnet.BatchNorm": "sonnet.BatchNorm",
    "tf_keras.layers.BatchNormalization": "tf_keras.layers.BatchNormalization:unfused",
    "equinox.nn.BatchNorm": "equinox.nn.BatchNorm:batch",
    "jax.nn.standardize": "jax.nn.standardize",
    "jax.example_libraries.stax.BatchNorm": "jax.example_libraries.stax.BatchNorm",
    "mlx.nn.BatchNorm": "mlx.nn.BatchNorm",
    "tinygrad.nn.BatchNorm": "tinygrad.nn.BatchNorm",
}


@pytest.mark.parametrize("path", SIGNATURES)
def test_names_and_defaults_are_those_of_the_signature(path: str) -> None:
    package, *names = path.split(".")
    found: Any = pytest.importorskip(package)
    for at, name in enumerate(names, 2):
        found = getattr(found, name, None) or pytest.importorskip(".".join(path.split(".")[:at]))
    parameters = inspect.signature(found.__init__ if inspect.isclass(found) else found).parameters
    name = SIGNATURES[path]
    settings = described(name, name)[0].settings
    assert settings is not None
    for one in settings.named("eps", "momentum", "scale", "shift", "affine", "state", "axis"):
        default = parameters[one.name].default
        assert one.default == ("" if default is inspect.Parameter.empty else repr(default)), one.name


PLAIN: dict[str, Any] = {
    "x": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2) ** 2,
    "gamma": np.ones(3, np.float32),
    "beta": np.ones(3, np.float32),
    "eps": 0.125,
    "momentum": 0.25,
}
RUNNING = {"running_mean": np.ones(3, np.float32), "running_var": np.ones(3, np.float32)}
OFFERED = (*LAYERS, "torch.nn.functional.batch_norm", "jax.nn.standardize", "tf.nn.batch_normalization")


@pytest.mark.parametrize("name", OFFERED)
def test_what_settings_offer_is_what_an_adapter_gives(name: str) -> None:
    hosts = Hosts(request=Request(implementations=(name,)))
    try:
        selection = select(hosts.request, hosts)
        (offer,) = [offer for offer in selection.offers if offer.implementations]
        host, one = hosts.of(offer.address), offer.implementations[0]
        assert one.settings is not None
        training = Case(**PLAIN, running_mean=None, running_var=None, mode="train", dy=PLAIN["x"])
        replies = {
            "training": host.run(name, training),
            "averages": host.run(name, Case(**PLAIN, **RUNNING, mode="train")),
            "inference": host.run(name, Case(**PLAIN, **RUNNING, mode="infer")),
        }
    finally:
        hosts.close()
    outcomes = {what: reply for what, reply in replies.items() if isinstance(reply, Outcome)}
    found = {what for what, reply in outcomes.items() if reply.y is not None} - {"averages"}
    found |= {"averages"} if getattr(outcomes.get("averages"), "running_mean", None) is not None else set()
    found |= {"gradients"} if getattr(outcomes.get("training"), "dx", None) is not None else set()
    assert found == set(one.settings.offers) - {"affine"}
