"""Tangents and second gradients of the reference, against difference quotients in 500 bits and torch's own autograd."""

from itertools import product

import numpy as np
import pytest
from worlds.exact_normalization import channel
from worlds.exact_second_order import second_gradients, tangent, value, values
from worlds.reference_cases import TYPES, make

from bnconform.oracle import reference

SECOND = ("grad_x", "grad_gamma", "grad_dy")


def further(seed, m, **more):
    """Returns a Case with tangents and second cotangents."""
    dtype = TYPES[more.get("dtype", "float64")]
    rng = np.random.default_rng(1000 + seed)
    tensors = {name: (rng.standard_normal((m, 2)) + 0.5).astype(dtype) for name in ("dot_x", "bar_dx")}
    vectors = ("dot_gamma", "dot_beta", "bar_dgamma", "bar_dbeta")
    return make(seed, m, **tensors, **{name: rng.standard_normal(2).astype(dtype) for name in vectors}, **more)


def exactly(case, index):
    """Returns {quantity: exact values} of one channel."""
    c, mode = channel(case, index), case.mode
    dots = (values(case.dot_x, index), value(case.dot_gamma, index), value(case.dot_beta, index))
    bars = (values(case.bar_dx, index), value(case.bar_dgamma, index), value(case.bar_dbeta, index))
    return {"dot_y": tangent(c, mode, *dots)} | second_gradients(c, mode, *bars)


def worst_error(case):
    """Returns the worst error of any quantity, beside the largest magnitude of that quantity in its channel."""
    worst = 0.0
    for index in range(case.channels):
        for name, exact in exactly(case, index).items():
            got = getattr(reference, name)(case)
            got = got[:, index] if got.ndim == 2 else got[index : index + 1]
            size = max(float(abs(one)) for one in exact)
            error = max(float(abs(one - float(mine))) for one, mine in zip(exact, got, strict=True))
            worst = max(worst, error / size if size else error)
    return worst


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("kappa", [0, 3, 1e4, 1e8])
def test_double_double_is_right_to_the_last_bits(mode, kappa):
    for seed, m in product(range(3), (3, 4, 7)):
        assert worst_error(further(seed, m, kappa=kappa, mode=mode)) <= 4e-16


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("kappa", [0, 3, 1e4])
def test_corrected_float64_is_right_far_beyond_float32(mode, kappa):
    for seed, m in product(range(3), (3, 4, 7)):
        assert worst_error(further(seed, m, kappa=kappa, mode=mode, dtype="float32")) <= 1e-12


def test_what_the_case_leaves_out_is_zero():
    case = further(1, 5)
    zeros = further(1, 5, gamma=np.ones(2))
    fields = {name: getattr(zeros, name) for name in zeros.__dataclass_fields__}
    bare = type(case)(**fields | {"gamma": None, "dot_gamma": None, "bar_dgamma": None})
    nothing = type(case)(**fields | {"dot_gamma": np.zeros(2), "bar_dgamma": np.zeros(2)})
    for name in ("dot_y", *SECOND):
        assert (getattr(reference, name)(bare) == getattr(reference, name)(nothing)).all(), name


@pytest.mark.parametrize(("name", "missing"), [("dot_y", "tangents"), ("grad_x", "cotangents"), ("grad_dy", "cotan")])
def test_what_the_case_lacks_is_named(name, missing):
    with pytest.raises(ValueError, match=missing):
        getattr(reference, name)(make(1, 3))


@pytest.mark.framework
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.func's own
@pytest.mark.parametrize("training", [True, False])
def test_torch_differentiates_its_own_formulas_to_the_same(training):
    torch = pytest.importorskip("torch")
    case = further(2, 9, kappa=2.0, mode="train" if training else "infer", eps=0.1)
    x, gamma, g = (torch.tensor(a, requires_grad=True) for a in (case.x, case.gamma, case.dy))
    beta = torch.tensor(case.beta, requires_grad=True)

    def normalize(x, gamma, beta):
        mean, var = torch.tensor(case.running_mean), torch.tensor(case.running_var)
        if training:
            mean, var = x.mean(0), x.var(0, correction=0)
        return (x - mean) / (var + case.eps).sqrt() * gamma + beta

    grads = torch.autograd.grad(normalize(x, gamma, beta), (x, gamma, beta), g, create_graph=True)
    bars = [torch.tensor(a) for a in (case.bar_dx, case.bar_dgamma, case.bar_dbeta)]
    seconds = torch.autograd.grad(grads, (x, gamma, g), bars)
    dots = tuple(torch.tensor(a) for a in (case.dot_x, case.dot_gamma, case.dot_beta))
    _, pushed = torch.func.jvp(normalize, (x, gamma, beta), dots)
    for name, got in zip(("dot_y", *SECOND), (pushed, *seconds), strict=True):
        want = getattr(reference, name)(case)
        assert np.abs(got.detach().numpy() - want).max() <= 1e-12 * np.abs(want).max(), name
