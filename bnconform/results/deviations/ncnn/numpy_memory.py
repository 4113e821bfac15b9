"""ncnn in Python: a Mat made of a NumPy array takes its address, not its strides; and the layer BatchNorm, which
works in place, ends the process where its input is such a Mat and not a clone of it:
https://github.com/Tencent/ncnn/issues/1543 (“it is recommended that you invoke Mat::clone()”),
https://github.com/Tencent/ncnn/issues/3082 (strides)."""

import subprocess
import sys

import ncnn
import numpy as np

PROGRAM = """
import ncnn, numpy as np
net = ncnn.Net()
net.load_param_mem("7767517\\n2 2\\nInput in 0 1 x\\nBatchNorm layer 1 1 x y 0=3 1=0.0\\n")
ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
net.load_model_mem(b"".join(a.tobytes() for a in (ones, zeros, ones, zeros)))
x = np.full((3, 4), 5, np.float32)
extractor = net.create_extractor()
extractor.input("x", ncnn.Mat(x){clone})
print(np.array(extractor.extract("y")[1])[0])
"""
x = np.arange(6, dtype=np.float32).reshape(3, 2).T
print("x\n", x, "\nnp.array(ncnn.Mat(x))\n", np.array(ncnn.Mat(x)))
for clone in (".clone()", ""):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(clone=clone)], capture_output=True, text=True)
    print(f"extractor.input('x', ncnn.Mat(x){clone}): exit status {done.returncode} {done.stdout.strip()}")
print("ncnn", ncnn.__version__)
raise SystemExit(int(done.returncode != 0))
