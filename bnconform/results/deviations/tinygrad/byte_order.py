"""tinygrad reads a NumPy array in the byte order that the machine does not have as if it were in the machine's own, and
says nothing. Needs a clang, or its name in the environment variable CC. Exit status 1: still so."""

from importlib.metadata import version

import numpy as np
from tinygrad import Tensor

x = np.array([1.0, 2.0, 3.0], np.float32)
found = Tensor(x.astype(x.dtype.newbyteorder())).tolist()
print("tinygrad", version("tinygrad"))
print("swapped bytes:     returned", found)  # 4.6e-41, 8.97e-44, 2.3e-41
print("the machine's own: returned", Tensor(x).tolist())
print("                   due     ", x.tolist())
raise SystemExit(int(found != x.tolist()))  # no tolerance: a copy
