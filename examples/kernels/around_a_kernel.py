"""What stands around a kernel of batch normalization: a Case as rows of float32, and what the kernels returned as an
Outcome. The kernels of this folder share it; none of it is needed by another adapter."""

from collections.abc import Callable

import numpy as np

from bnconform import Case, Outcome, Unsupported

Forward = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
"""(x of shape (m, C), gamma, beta, eps) -> (y, mean, biased variance)"""
Backward = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
"""(x, dy, gamma, mean, biased variance, eps) -> (dx, dgamma, dbeta)"""


def train(case: Case, forward: Forward, backward: Backward) -> Outcome:
    """Runs a training step: the kernels see a contiguous matrix with the channels last, whatever the case's layout."""
    if case.mode != "train" or case.rows < 2:
        raise Unsupported("training of two values per channel or more")

    def rows(tensor: np.ndarray) -> np.ndarray:
        # A copy: a case is read-only, and most ways onto a device want to write where they read.
        return np.array(np.moveaxis(tensor, case.axis, -1).reshape(-1, case.channels), order="C")

    def whole(matrix: np.ndarray) -> np.ndarray:
        moved = np.moveaxis(case.x, case.axis, -1).shape
        return np.ascontiguousarray(np.moveaxis(np.asarray(matrix).reshape(moved), -1, case.axis))

    one, m = np.float32, case.rows
    gamma = np.ones(case.channels, one) if case.gamma is None else np.array(case.gamma)
    beta = np.zeros(case.channels, one) if case.beta is None else np.array(case.beta)
    y, mean, variance = forward(rows(case.x), gamma, beta, one(case.eps))
    found = {"y": whole(y)}
    if case.running_mean is not None:
        new, old = one(case.momentum), one(1 - case.momentum)
        found["running_mean"] = old * case.running_mean + new * np.asarray(mean)
        found["running_var"] = old * case.running_var + new * (np.asarray(variance) * one(m / (m - 1)))
    if case.dy is not None:
        dx, dgamma, dbeta = backward(rows(case.x), rows(case.dy), gamma, mean, variance, one(case.eps))
        found |= {"dx": whole(dx)}
        found |= {} if case.gamma is None else {"dgamma": np.array(dgamma)}
        found |= {} if case.beta is None else {"dbeta": np.array(dbeta)}
    return Outcome(**found)
