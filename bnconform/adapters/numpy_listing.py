"""The NumPy listing of a public tutorial on batch normalization, as an implementation in its own right.

Rules: the function below is written from the listing, operation for operation; what it does not offer (inference,
running statistics, gradients, more than two axes, an absent gamma or beta) is Unsupported or None. NumPy reads arrays
however they lie in memory, and nothing is copied.
"""

from __future__ import annotations

import numpy as np

from bnconform.contract.case import Case
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.snippet import Snippet


def batchnorm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float) -> np.ndarray:
    """Normalizes each column of x, as the listing does."""
    sample_mean = x.mean(axis=0)
    sample_var = x.var(axis=0)
    std = np.sqrt(sample_var + eps)
    x_centered = x - sample_mean
    x_norm = x_centered / std
    return np.asarray(gamma * x_norm + beta)


def run(case: Case) -> Outcome:
    """Runs the listing."""
    if case.mode != "train":
        raise Unsupported("the listing is of training only")
    if case.x.ndim != 2 or case.axis not in (1, -1):
        raise Unsupported("the listing takes matrices with one column per channel")
    if case.gamma is None or case.beta is None:
        raise Unsupported("the listing takes both gamma and beta")
    with np.errstate(all="ignore"):  # what overflows is judged by its value; it need not also warn
        return Outcome(y=batchnorm(case.x, case.gamma, case.beta, case.eps))


SNIPPET = Snippet(
    code="""\
def batchnorm(x, gamma, beta, eps):
    sample_mean = x.mean(axis=0)
    sample_var = x.var(axis=0)
    std = np.sqrt(sample_var + eps)
    x_centered = x - sample_mean
    x_norm = x_centered / std
    return gamma * x_norm + beta


def run():
    x, gamma, beta = (VALUES[name].astype(DTYPES[name]) for name in ("x", "gamma", "beta"))
    with np.errstate(all="ignore"):
        return {"y": batchnorm(x, gamma, beta, EPS)}
"""
)

IMPLEMENTATIONS = [
    Implementation(
        name="numpy.batchnorm_listing",
        run=run,
        dtypes={"float16", "float32", "float64"},
        ranks={2},
        version=np.__version__,
        features={"memory"},
        snippet=SNIPPET,
    )
]
