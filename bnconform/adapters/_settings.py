"""The arguments with which a user makes or calls each implementation: names, defaults and meanings.

Rules: names and defaults are those of the signature; a link leads to where that signature and the meaning of the
momentum are documented; no framework is imported, so that a table of all needs none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from bnconform.contract.settings import Argument, Settings

NORMALIZES = ("training", "inference", "gradients", "affine")
FIRST, LAST = "'NC{s}'", "'N{s}C'"


def _settings(
    call: str,
    link: str,
    eps: tuple[str, str],
    momentum: tuple[str, str] | None = None,
    weighs: Literal["", "new", "old"] = "",
) -> Settings:
    """Returns settings of an ε and a momentum, each a name and a default, which are documented at `link`."""
    weight = None if momentum is None else Argument(*momentum, link)
    return Settings(call=call, eps=Argument(*eps, link), momentum=weight, weighs=weighs)


_TORCH = "https://docs.pytorch.org/docs/2.13/generated/"
_FUNCTION = _TORCH + "torch.nn.functional.batch_norm.html"
TORCH_FUNCTION = replace(
    _settings("torch.nn.functional.batch_norm", _FUNCTION, ("eps", "1e-05"), ("momentum", "0.1"), "new"),
    scale=Argument("weight", "None", _FUNCTION, on="weight", off="None"),
    shift=Argument("bias", "None", _FUNCTION, on="bias", off="None"),
    state=Argument(
        "running_mean", "", _FUNCTION, on="running_mean, running_var=running_var", off="None, running_var=None"
    ),
)
_MODULE = _TORCH + "torch.nn.BatchNorm2d.html"
TORCH_MODULE = replace(
    _settings("torch.nn.BatchNorm{n}d", _MODULE, ("eps", "1e-05"), ("momentum", "0.1"), "new"),
    cumulative="None",
    affine=Argument("affine", "True", _MODULE),
    state=Argument("track_running_stats", "True", _MODULE),
)
TORCH_CUMULATIVE = replace(TORCH_MODULE, momentum=Argument("momentum", "None", _MODULE))
TORCH_LAZY = replace(TORCH_MODULE, call="torch.nn.LazyBatchNorm{n}d")

_KERAS = "https://keras.io/api/layers/normalization_layers/batch_normalization/"
KERAS = replace(
    _settings("keras.layers.BatchNormalization", _KERAS, ("epsilon", "0.001"), ("momentum", "0.99"), "old"),
    scale=Argument("scale", "True", _KERAS),
    shift=Argument("center", "True", _KERAS),
    axis=Argument("axis", "-1", _KERAS),
)

_TF_KERAS = "https://www.tensorflow.org/api_docs/python/tf/keras/layers/BatchNormalization"
TF_KERAS = replace(
    _settings("tf_keras.layers.BatchNormalization", _TF_KERAS, ("epsilon", "0.001"), ("momentum", "0.99"), "old"),
    scale=Argument("scale", "True", _TF_KERAS),
    shift=Argument("center", "True", _TF_KERAS),
    axis=Argument("axis", "-1", _TF_KERAS),
)

_TF = "https://www.tensorflow.org/api_docs/python/tf/"
_COMPOSED = _TF + "nn/batch_normalization"
TF_COMPOSED = replace(
    _settings("tf.nn.batch_normalization", _COMPOSED, ("variance_epsilon", "")),
    scale=Argument("scale", "", _COMPOSED, on="scale", off="None"),
    shift=Argument("offset", "", _COMPOSED, on="offset", off="None"),
    channels=-1,
    offers=NORMALIZES,
)
_FUSED = _TF + "raw_ops/FusedBatchNormV3"
TF_FUSED = replace(
    _settings("tf.raw_ops.FusedBatchNormV3", _FUSED, ("epsilon", "0.0001"), ("exponential_avg_factor", "1"), "new"),
    axis=Argument("data_format", "'NHWC'", _FUSED),
    layouts={"1": FIRST, "-1": LAST},
)

_LINEN = "https://flax.readthedocs.io/en/latest/api_reference/flax.linen/layers.html#flax.linen.BatchNorm"
FLAX_LINEN = replace(
    _settings("flax.linen.BatchNorm", _LINEN, ("epsilon", "1e-05"), ("momentum", "0.99"), "old"),
    scale=Argument("use_scale", "True", _LINEN),
    shift=Argument("use_bias", "True", _LINEN),
    axis=Argument("axis", "-1", _LINEN),
)
FLAX_LINEN_TWO_PASS = replace(FLAX_LINEN, fixed={"use_fast_variance": "False"})
_NNX = "https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/normalization.html#flax.nnx.BatchNorm"
FLAX_NNX = replace(
    _settings("flax.nnx.BatchNorm", _NNX, ("epsilon", "1e-05"), ("momentum", "0.99"), "old"),
    scale=Argument("use_scale", "True", _NNX),
    shift=Argument("use_bias", "True", _NNX),
    axis=Argument("axis", "-1", _NNX),
)
FLAX_NNX_TWO_PASS = replace(FLAX_NNX, fixed={"use_fast_variance": "False"})

_HAIKU = "https://dm-haiku.readthedocs.io/en/latest/api.html#haiku.BatchNorm"
HAIKU = replace(
    _settings("haiku.BatchNorm", _HAIKU, ("eps", "1e-05"), ("decay_rate", ""), "old"),
    scale=Argument("create_scale", "", _HAIKU),
    shift=Argument("create_offset", "", _HAIKU),
    axis=Argument("data_format", "'channels_last'", _HAIKU),
    layouts={"-1": "'channels_last'", "1": "'channels_first'"},
)
_SONNET = "https://github.com/google-deepmind/sonnet/blob/v2.0.2/sonnet/src/batch_norm.py"
SONNET = replace(
    _settings("sonnet.BatchNorm", _SONNET, ("eps", "1e-05"), ("decay_rate", "0.999"), "old"),
    scale=Argument("create_scale", "", _SONNET),
    shift=Argument("create_offset", "", _SONNET),
    axis=Argument("data_format", "'channels_last'", _SONNET),
    layouts={"-1": "'channels_last'", "1": "'channels_first'"},
)
_EQUINOX = "https://docs.kidger.site/equinox/api/nn/normalisation/#equinox.nn.BatchNorm"
EQUINOX = replace(
    _settings("equinox.nn.BatchNorm", _EQUINOX, ("eps", "1e-05"), ("momentum", "0.99"), "old"),
    affine=Argument("channelwise_affine", "True", _EQUINOX),
)
EQUINOX_MODES = {mode: replace(EQUINOX, fixed={"mode": repr(mode)}) for mode in ("ema", "batch")}
_STANDARDIZE = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.standardize.html"
JAX_STANDARDIZE = replace(
    _settings("jax.nn.standardize", _STANDARDIZE, ("epsilon", "1e-05")),
    axis=Argument("axis", "-1", _STANDARDIZE),
    reduced=True,
    channels=-1,
    offers=("training", "inference", "gradients"),
)
JAX_STANDARDIZE_STABLE = replace(JAX_STANDARDIZE, fixed={"algorithm": "'stable'"})
_STAX = "https://github.com/jax-ml/jax/blob/jax-v0.10.2/jax/example_libraries/stax.py"
STAX = replace(
    _settings("stax.BatchNorm", _STAX, ("epsilon", "1e-05")),
    scale=Argument("scale", "True", _STAX),
    shift=Argument("center", "True", _STAX),
    axis=Argument("axis", "(0, 1, 2)", _STAX),
    reduced=True,
    channels=-1,
    offers=("training", "gradients", "affine"),
)

_MLX = "https://ml-explore.github.io/mlx/build/html/python/nn/_autosummary/mlx.nn.BatchNorm.html"
MLX = replace(
    _settings("mlx.nn.BatchNorm", _MLX, ("eps", "1e-05"), ("momentum", "0.1"), "new"),
    affine=Argument("affine", "True", _MLX),
    state=Argument("track_running_stats", "True", _MLX),
    channels=-1,
)
_TINYGRAD = "https://github.com/tinygrad/tinygrad/blob/v0.14.0/tinygrad/"
TINYGRAD = replace(
    _settings("tinygrad.nn.BatchNorm", _TINYGRAD + "nn/__init__.py", ("eps", "1e-05"), ("momentum", "0.1"), "new"),
    affine=Argument("affine", "True", _TINYGRAD + "nn/__init__.py"),
    state=Argument("track_running_stats", "True", _TINYGRAD + "nn/__init__.py"),
)
_PADDLE = "https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/"
_PADDLE_LAYER, _PADDLE_CALL = _PADDLE + "BatchNorm1D_en.html", _PADDLE + "functional/batch_norm_en.html"
PADDLE_LAYER = replace(
    _settings("paddle.nn.BatchNorm{n}D", _PADDLE_LAYER, ("epsilon", "1e-05"), ("momentum", "0.9"), "old"),
    scale=Argument("weight_attr", "None", _PADDLE_LAYER, on="None"),
    shift=Argument("bias_attr", "None", _PADDLE_LAYER, on="None"),
    axis=Argument("data_format", "'NCHW'", _PADDLE_LAYER),
    layouts={"1": FIRST, "-1": LAST},
)
PADDLE_FUNCTION = replace(
    _settings("paddle.nn.functional.batch_norm", _PADDLE_CALL, ("epsilon", "1e-05"), ("momentum", "0.9"), "old"),
    scale=Argument("weight", "None", _PADDLE_CALL, on="weight", off="None"),
    shift=Argument("bias", "None", _PADDLE_CALL, on="bias", off="None"),
    axis=Argument("data_format", "'NCHW'", _PADDLE_CALL),
    layouts={"1": FIRST, "-1": LAST},
)
_TVM = "https://github.com/apache/tvm/blob/v0.27.0/python/tvm/relax/op/nn/nn.py#L1641-L1663"
TVM = replace(
    _settings("relax.op.nn.batch_norm", _TVM, ("epsilon", "1e-05"), ("momentum", "0.1"), "new"),
    scale=Argument("scale", "True", _TVM),
    shift=Argument("center", "True", _TVM),
    axis=Argument("axis", "", _TVM),
)

_CHAINER = "https://docs.chainer.org/en/stable/reference/generated/chainer."
_LINK, _CHAINER_CALL = _CHAINER + "links.BatchNormalization.html", _CHAINER + "functions.batch_normalization.html"
CHAINER_LINK = replace(
    _settings("chainer.links.BatchNormalization", _LINK, ("eps", "2e-05"), ("decay", "0.9"), "old"),
    scale=Argument("use_gamma", "True", _LINK),
    shift=Argument("use_beta", "True", _LINK),
    axis=Argument("axis", "None", _LINK),
    reduced=True,
)
CHAINER_FUNCTION = replace(
    _settings("chainer.functions.batch_normalization", _CHAINER_CALL, ("eps", "2e-05"), ("decay", "0.9"), "old"),
    axis=Argument("axis", "None", _CHAINER_CALL),
    reduced=True,
)
_MXNET = "https://mxnet.apache.org/versions/1.6/api/r/docs/api/mx.symbol.BatchNorm.html"
MXNET_OPERATOR = replace(
    _settings("mxnet.nd.BatchNorm", _MXNET, ("eps", "0.001"), ("momentum", "0.9"), "old"),
    scale=Argument("fix_gamma", "True", _MXNET, on="False", off="True"),
    axis=Argument("axis", "1", _MXNET),
)

_ONNX = "https://onnx.ai/onnx/operators/onnx__BatchNormalization.html"
ONNX_INFERENCE = replace(
    _settings("BatchNormalization", _ONNX, ("epsilon", "1e-05"), ("momentum", "0.9"), "old"),
    offers=("inference", "affine"),
)
ONNX_TRAINING = replace(ONNX_INFERENCE, offers=("training", "inference", "averages", "affine"))
