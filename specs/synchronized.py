"""Synchronized: a batch shared out over replicas is normalized by the statistics of all of it.

Rules: the reference is that of the whole batch, and so is the bound: a replica adds its own values, and the replicas'
sums are added, so that each statistic is still one sum of all values in some order and some bracketing, over an exact
count. The gradients are those of the sum of the replicas' losses. Equal shards, unequal ones and one that is empty are
features of their own; a program that is one for all devices has unequal shards by masks alone.
"""

from bnconform.cases.strategies import cases
from bnconform.contract.case import Case
from bnconform.engine.agreement import Agreement
from bnconform.engine.equation import Equation, Outputs
from bnconform.engine.sources import PAPER
from bnconform.engine.spec import Subject, equation, spec
from bnconform.oracle.notation import Symbols, mean, sqrt, total
from bnconform.relations import masks
from bnconform.relations.shards import masked

ENOUGH = 8  # what is shared out is shared out in few ways, and each costs some a compilation
EQUAL = cases(mode="train", manner="equal_shards", examples=ENOUGH)
UNEQUAL = cases(mode="train", manner="unequal_shards", examples=ENOUGH).where(
    examples=3, why="two shards of different sizes take three examples"
)
EMPTY = cases(mode="train", manner="empty_shard", examples=ENOUGH)
MASKED = EQUAL.where(ranks=masks.RANKS, examples=2, why="masks are tried on several examples of rank 2 and 3 only")
SHARED = r"\text{where the batch is shared out over replicas}"
UNEQUALLY = r"\text{where replicas have different numbers of examples}"
ONE_HAS_NONE = r"\text{where one replica has no example}"
TORCH = (
    "torch.nn.SyncBatchNorm: “The mean and standard-deviation are calculated per-dimension over all mini-batches of the"
    " same process groups”"
)
FLAX = "flax.linen.BatchNorm, axis_name: “the axis name used to combine batch statistics from multiple devices”"
KERAS = (
    "keras.layers.BatchNormalization, synchronized: “synchronizes the global batch statistics (mean and variance) for "
    "the layer across all devices at each training step in a distributed training strategy”"
)
MASK = (
    "flax.linen.BatchNorm, mask: “indicating the positions for which the mean and variance should be computed”; "
    "axis_name: “the axis name used to combine batch statistics from multiple devices”"
)


def _averages(bn: Outputs, c: Symbols) -> list[Equation]:
    """Returns the equations of both running statistics, over the values of all replicas."""
    biased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.v
    unbiased = bn.running_var == (1 - c.ω) * c.Var + c.ω * c.m / (c.m - 1) * c.v
    return [bn.running_mean == (1 - c.ω) * c.E + c.ω * c.μ, unbiased.unless_declared("running_var", biased)]


def _forward(bn: Outputs, c: Symbols) -> Equation:
    return bn.y == c.γ * (c.x - c.μ) / sqrt(c.v + c.ε) + c.β


def _backward(bn: Outputs, c: Symbols) -> Equation:
    return bn.dx == c.γ * c.r * (c.g - mean(c.g) - c.h * mean(c.g * c.h))


@equation(source=f"{FLAX}; {KERAS}; {TORCH}", given=EQUAL, said=SHARED)
def normalizes_every_shard_by_the_whole_batch(bn: Outputs, c: Symbols) -> Equation:
    """Replicas with equal shards normalize by the mean and the biased variance of the whole batch."""
    return _forward(bn, c)


@equation(source=f"{FLAX}; {KERAS}; {PAPER}, section 3.1, for the count", given=EQUAL, said=SHARED)
def averages_the_statistics_of_all_shards(bn: Outputs, c: Symbols) -> list[Equation]:
    """The running statistics move towards those of the whole batch, m being the values of all replicas."""
    return _averages(bn, c)


@equation(source=f"{PAPER}, section 3: the chain rule through the statistics of all replicas", given=EQUAL, said=SHARED)
def sends_gradients_through_the_statistics_of_all_shards(bn: Outputs, c: Symbols) -> Equation:
    """The gradient of x flows through the statistics of all replicas to the values of each."""
    return _backward(bn, c)


@equation(source=f"{PAPER}, section 3: ∂ℓ/∂γ and ∂ℓ/∂β of the sum of the losses", given=EQUAL, said=SHARED)
def sums_the_gradients_of_its_parameters_over_all_shards(bn: Outputs, c: Symbols) -> list[Equation]:
    """The gradients of γ and β are the sums over the values of all replicas."""
    return [bn.dgamma == total(c.g * c.h), bn.dbeta == total(c.g)]


@equation(source=f"{KERAS}; {TORCH}", given=UNEQUAL, said=UNEQUALLY)
def weighs_unequal_shards_by_their_values(bn: Outputs, c: Symbols) -> list[Equation]:
    """Replicas with different numbers of examples count by these: outputs, averages and gradients are the batch's."""
    return [_forward(bn, c), *_averages(bn, c), _backward(bn, c), bn.dgamma == total(c.g * c.h)]


@equation(source=f"{KERAS}; {TORCH}", given=EMPTY, said=ONE_HAS_NONE)
def leaves_out_an_empty_shard(bn: Outputs, c: Symbols) -> list[Equation]:
    """A replica without an example changes nothing for the others: outputs, averages and gradients are the batch's."""
    return [_forward(bn, c), *_averages(bn, c), _backward(bn, c), bn.dgamma == total(c.g * c.h)]


@spec(
    r"\mu_M = \frac{1}{\sum_r |M_r|}\sum_r \sum_{j \in M_r} x_j, \quad \sigma_M^2 = \frac{1}{\sum_r |M_r|}\sum_r"
    r"\sum_{j \in M_r} (x_j - \mu_M)^2 \qquad\text{for replicas } r",
    source=MASK,
    given=MASKED,
)
def weighs_shards_by_what_their_masks_show(bn: Subject, case: Case) -> list[Agreement]:
    """Under masks that show different numbers of values on each replica, each counts by what its own mask shows."""
    return masked.under_unequal_masks(bn, case)


@spec(
    r"M_r = \emptyset \quad\Rightarrow\quad \mu_M, \sigma_M^2, y_j, \frac{\partial\ell}{\partial x_j} \;\text{as they "
    r"are without replica } r",
    source=MASK,
    given=MASKED,
)
def leaves_out_a_shard_that_its_mask_hides(bn: Subject, case: Case) -> list[Agreement]:
    """A replica whose mask hides every value, as of a last batch that is too small, changes nothing for the others."""
    return masked.beside_a_hidden_shard(bn, case)
