"""flax.linen.BatchNorm: a running mean of one value, as of a checkpoint of another model, is spread over all channels,
where a scale of one value is refused. Exit status 1: still so."""

import flax
import jax.numpy as jnp
from flax import linen

x = jnp.array([[0.0, 10.0, 20.0]])  # three channels
layer = linen.BatchNorm(use_running_average=True)
right = {"scale": jnp.ones(3), "bias": jnp.zeros(3)}, {"mean": jnp.zeros(3), "var": jnp.ones(3)}


def shown(params, stats):
    try:
        return layer.apply({"params": params, "batch_stats": stats}, x)
    except Exception as error:
        print("refused:", type(error).__name__)


assert shown({**right[0], "scale": jnp.ones(1)}, right[1]) is None  # as is due
y = shown(right[0], {**right[1], "mean": jnp.array([10.0])})
print("flax", flax.__version__, "| running mean of one value for three channels: y returned", y, "| due a refusal")
raise SystemExit(int(y is not None))  # no tolerance: an answer is none
