"""Paddle: a bias without a weight gets no gradient (nor does a weight without a bias), so that a layer with
weight_attr=False never trains its bias; nothing says so. Exit status 1: still so."""

import warnings

warnings.simplefilter("ignore")
import paddle

x = paddle.to_tensor([[0.0], [1.0], [3.0], [4.0]])
found = {}
for name, weight_attr in (("weight and bias", None), ("no weight", False)):
    layer = paddle.nn.BatchNorm1D(1, weight_attr=weight_attr)
    (3 * layer(x)).sum().backward()
    found[name] = None if layer.bias.grad is None else layer.bias.grad.numpy()
print("paddle", paddle.__version__, "| gradient of the bias")
print("no weight:       returned", found["no weight"])  # None
print("weight and bias: returned", found["weight and bias"])  # 12
print("                 due      [12.]")  # the sum of dy = 3 over four examples
raise SystemExit(int(found["no weight"] is None))  # no tolerance: there is none
