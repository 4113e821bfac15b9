"""Layouts in memory that differ from array to array: dy laid out unlike x, stride 0, slices of one buffer, overlaps.

Rules: each case is compared with the plain one of equal values, so the specs of single runs stand beside; what all
arrays have alike, such as Fortran order, is a statement of the chapter of invariances.
"""

from bnconform.cases import delivery
from bnconform.cases.strategies import cases
from bnconform.contract.case import Case, Memory
from bnconform.engine.agreement import Agreement
from bnconform.engine.sources import PAPER
from bnconform.engine.spec import Subject, spec
from bnconform.relations import comparisons

TRAINING = cases(mode="train", manner="apart")
INFERENCE = cases(mode="infer", manner="apart")
ONE_BUFFER: tuple[Memory, ...] = ("columns", "packed", "overlapping")
EACH_ALONE = tuple(way for way in delivery.APART if way not in ("dy_broadcast", *ONE_BUFFER))
WHEREVER = "“Input: Values of x over a mini-batch […] Parameters to be learned: γ, β”, wherever they are stored"
FUNCTION = "the output is a function of the values of x, γ, β, E[x] and Var[x], wherever they are stored"


@spec(
    r"\mathrm{BN}(x_{[i]},\, g_{[j]};\, \gamma_{[k]}, \beta_{[l]}) = \mathrm{BN}(x,\, g;\, \gamma, \beta) \quad"
    r"\text{for all maps}\; [i], [j], [k], [l] \;\text{of elements to addresses}",
    source=f"{PAPER}, Algorithm 1: {WHEREVER}",
    given=TRAINING,
)
def reads_each_array_where_it_lies(bn: Subject, case: Case) -> list[Agreement]:
    """Where dy lies unlike x, or an array has gaps or channels elsewhere in memory, results are those of the values."""
    return comparisons.same_results_where_stored(bn, case, *EACH_ALONE)


@spec(
    r"\frac{\partial\ell}{\partial\beta} = \sum_{i=1}^m g_{[i]}, \quad"
    r"\frac{\partial\ell}{\partial\gamma} = \sum_{i=1}^m g_{[i]}\,\hat{x}_i"
    r"\qquad\text{where}\; [i] = [j] \;\text{for some}\; i \ne j",
    source=f"{PAPER}, section 3: the chain rule sums over all m values; the gradient of a sum is one for all of them",
    given=TRAINING,
)
def reads_a_repeated_gradient_from_one_place(bn: Subject, case: Case) -> list[Agreement]:
    """A gradient of stride 0, as that of a sum is, counts for each of the values that it is repeated for."""
    return comparisons.same_results_where_stored(bn, case, "dy_broadcast")


@spec(
    r"\mathrm{BN}(b_{[i]},\, b_{[j]};\, b_{[k]}, b_{[l]}) = \mathrm{BN}(x,\, g;\, \gamma, \beta) \quad"
    r"\text{for one buffer}\; b",
    source=f"{PAPER}, Algorithm 1: {WHEREVER}",
    given=TRAINING,
)
def reads_arrays_that_share_a_buffer(bn: Subject, case: Case) -> list[Agreement]:
    """Where arrays are slices, columns or overlapping parts of one buffer, results are those of the values."""
    return comparisons.same_results_where_stored(bn, case, *ONE_BUFFER)


@spec(
    r"\mathrm{BN}(x_{[i]},\, g_{[j]};\, \gamma, \beta, \mu, \sigma^2) ="
    r" \mathrm{BN}(x,\, g;\, \gamma, \beta, \mu, \sigma^2) \quad\text{for all maps}\; [i], [j]",
    source=f"{PAPER}, Algorithm 2, step 11: {FUNCTION}",
    given=INFERENCE,
)
def infers_from_each_array_where_it_lies(bn: Subject, case: Case) -> list[Agreement]:
    """In inference, too, arrays that lie each in a way of its own have the outputs and gradients of their values."""
    return comparisons.same_results_where_stored(bn, case, *EACH_ALONE, "dy_broadcast")


@spec(
    r"\mathrm{BN}(b_{[i]},\, b_{[j]};\, b_{[k]}, b_{[l]}, b_{[n]}, b_{[o]}) ="
    r" \mathrm{BN}(x,\, g;\, \gamma, \beta, \mu, \sigma^2) \quad\text{for one buffer}\; b",
    source=f"{PAPER}, Algorithm 2, step 11: {FUNCTION}",
    given=INFERENCE,
)
def infers_from_arrays_that_share_a_buffer(bn: Subject, case: Case) -> list[Agreement]:
    """In inference, too, γ, β and the averages may be columns or slices of one buffer, with x and dy or without."""
    return comparisons.same_results_where_stored(bn, case, *ONE_BUFFER)
