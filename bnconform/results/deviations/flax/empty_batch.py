"""A batch of no examples, or one that a mask hides altogether, makes the running statistics of JAX's layers NaN for good.

The argument is one of linen, nnx, haiku, equinox."""
import sys
import numpy as np
x, nothing = np.zeros((0, 1), np.float32), np.zeros((2, 1), bool)
which = sys.argv[1]
if which == "linen":
    from flax import linen
    layer = linen.BatchNorm(use_running_average=False)
    variables = {"params": {"scale": np.ones(1), "bias": np.zeros(1)}, "batch_stats": {"mean": np.zeros(1), "var": np.ones(1)}}
    print("empty batch:", layer.apply(variables, x, mutable=["batch_stats"])[1])
    print("all is hidden:", layer.apply(variables, np.ones((2, 1)), mask=nothing, mutable=["batch_stats"])[1])
elif which == "nnx":
    from flax import nnx
    for name, values, more in (("empty batch", x, {}), ("all is hidden", np.ones((2, 1), np.float32), {"mask": nothing})):
        layer = nnx.BatchNorm(1, rngs=nnx.Rngs(0))
        layer(values, **more)
        print(f"{name}: mean {layer.mean[...]}, var {layer.var[...]}")
elif which == "haiku":
    import haiku as hk
    function = hk.transform_with_state(lambda x: hk.BatchNorm(True, True, 0.9)(x, is_training=True))
    print("empty batch:", function.apply(*function.init(None, np.ones((2, 1), np.float32)), None, x)[1])
else:
    import equinox as eqx
    import jax
    layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode="batch")
    _, state = jax.vmap(layer, axis_name="batch", in_axes=(0, None), out_axes=(0, None))(x, state)
    print("empty batch: mean, var", state.get(layer.batch_state_index))
