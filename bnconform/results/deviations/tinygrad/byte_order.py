"""tinygrad reads a NumPy array in the byte order that the machine does not have as if it were in the machine's own: its
values become others, and nothing is said."""

from importlib.metadata import version

import numpy as np
from tinygrad import Tensor

x = np.array([1.0, 2.0, 3.0], np.dtype("float32").newbyteorder())
print(
    "tinygrad",
    version("tinygrad"),
    "| x =",
    x,
    "| Tensor(x) =",
    Tensor(x).tolist(),
    "| x read wrongly =",
    x.view(x.dtype.newbyteorder()),
)
raise SystemExit(int(Tensor(x).tolist() != x.tolist()))
