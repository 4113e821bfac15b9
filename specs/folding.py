"""Folding: inference by running statistics is a linear map, so that the layer before can do its work.

Rules: x is the weight W of the layer before, b its bias, and what is judged is the weight and the bias of the one layer
that stands for both; each kind of layer has a statement of its own, since folders treat each apart.
"""

from bnconform.cases.strategies import cases
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import PAPER
from bnconform.engine.spec import equation
from bnconform.oracle.notation import Symbols
from bnconform.relations import followups

LAYERS = cases(mode="infer", gradients=False, derivatives="fold")
LINEAR = (
    f"{PAPER}, section 3.1: “the normalization is simply a linear transform applied to each activation. It may further "
    "be composed with the scaling by γ and shift by β, to yield a single linear transform that replaces BN(x)”"
)
MAPS = (
    f"{PAPER}, section 3.2: “different elements of the same feature map, at different locations, are normalized in the "
    "same way”, so that section 3.1’s “single linear transform” is one factor and one summand of each output channel"
)
CONVOLUTIONS = LAYERS.where(layers={"convolution"}, grouped=False, why="asked of convolutions that have no groups")
TRANSPOSED = LAYERS.where(layers={"transposed"}, grouped=False, why="asked of transposed convolutions without groups")
APART = LAYERS.where(grouped=False, why="asked of layers that have no groups")


def _folded(bn: Outputs, c: Symbols) -> list[Equation]:
    return [bn.folded_weight == c.γ * c.r * c.W, bn.folded_bias == c.γ * c.r * (c.b - c.E) + c.β]


@equation(
    source=LINEAR,
    given=LAYERS.where(layers={"linear"}, why="asked of linear layers only"),
)
def folds_into_a_linear_layer(bn: Outputs, c: Symbols) -> list[Equation]:
    """A linear layer does the work of the inference behind it by a weight and a bias of its own."""
    return _folded(bn, c)


@equation(
    source=MAPS,
    given=CONVOLUTIONS,
)
def folds_into_a_convolution(bn: Outputs, c: Symbols) -> list[Equation]:
    """A convolution does the work of the inference behind it: each output channel's kernels are scaled by its own a."""
    return _folded(bn, c)


@equation(
    source=MAPS + ", in whichever group it is",
    given=LAYERS.where(layers={"convolution"}, grouped=True, why="asked of convolutions in groups"),
)
def folds_into_a_grouped_convolution(bn: Outputs, c: Symbols) -> list[Equation]:
    """A convolution in groups, a depthwise one too, does the work of the inference behind it."""
    return _folded(bn, c)


@equation(
    source=MAPS + ", whose place in the weight is another",
    given=TRANSPOSED,
)
def folds_into_a_transposed_convolution(bn: Outputs, c: Symbols) -> list[Equation]:
    """A transposed convolution does the work of the inference behind it, by its outputs and not by its inputs."""
    return _folded(bn, c)


@equation(
    source=MAPS + ", whose place in the weight is another, in whichever group it is",
    given=LAYERS.where(layers={"transposed"}, grouped=True, why="asked of transposed convolutions in groups"),
)
def folds_into_a_grouped_transposed_convolution(bn: Outputs, c: Symbols) -> list[Equation]:
    """A transposed convolution in groups does the work of the inference behind it."""
    return _folded(bn, c)


@equation(
    source=LINEAR + ": also of a layer that has no summand of its own",
    given=APART,
    asked=followups.without_a_bias,
    said="b = 0",
)
def folds_into_a_layer_without_a_bias(bn: Outputs, c: Symbols) -> list[Equation]:
    """A layer without a bias gets one by folding: β - a·E[x]."""
    return [bn.folded_weight == c.γ * c.r * c.W, bn.folded_bias == c.β - c.γ * c.r * c.E]


@equation(
    source=f"{PAPER}, section 3.1, by E[x] and Var[x] alone: torch.nn.BatchNorm2d with affine=False",
    given=APART,
    asked=followups.without_scale_and_shift,
    said=r"\gamma = 1,\; \beta = 0",
)
def folds_a_normalization_without_scale_and_shift(bn: Outputs, c: Symbols) -> list[Equation]:
    """A normalization that has neither scale nor shift is folded as one by 1 and 0."""
    return [bn.folded_weight == c.r * c.W, bn.folded_bias == c.r * (c.b - c.E)]
