"""ncnn in Python: a Mat made of a NumPy array takes its address and not its strides, so that a transposed array becomes
another one (Tencent/ncnn#3082); so do its clones. Exit status 1: still so."""

import ncnn
import numpy as np

due = np.arange(6, dtype=np.float32).reshape(3, 2).T
found = np.array(ncnn.Mat(due))
print("ncnn", ncnn.__version__)
print("returned  ", found.tolist())  # [[0, 1, 2], [3, 4, 5]]
print("contiguous", np.array(ncnn.Mat(np.ascontiguousarray(due))).tolist())
print("due       ", due.tolist())  # [[0, 2, 4], [1, 3, 5]]
raise SystemExit(int(not np.array_equal(found, due)))  # no tolerance: a copy
