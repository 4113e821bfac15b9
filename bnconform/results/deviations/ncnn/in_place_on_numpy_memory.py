"""ncnn in Python: the layer BatchNorm, which works in place, ends the process where its input is a Mat made of a NumPy
array and not a clone of it (Tencent/ncnn#1543: "recommended that you invoke Mat::clone()"). Exit status 1: still so."""

import subprocess
import sys

import ncnn

PROGRAM = """
import ncnn, numpy as np
net = ncnn.Net()
net.load_param_mem("7767517\\n2 2\\nInput in 0 1 x\\nBatchNorm layer 1 1 x y 0=3 1=0.0\\n")
ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
net.load_model_mem(b"".join(a.tobytes() for a in (ones, zeros, ones, zeros)))  # scale, mean, variance, shift
x, extractor = np.full((3, 4), 5, np.float32), net.create_extractor()
extractor.input("x", ncnn.Mat(x){clone})
print(np.array(extractor.extract("y")[1])[0])
"""
for clone in (".clone()", ""):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(clone=clone)], capture_output=True, text=True)
    print(
        f"ncnn.Mat(x){clone}: returned", done.stdout.strip() or f"nothing, exit status {done.returncode}"
    )  # 5; nothing
print("due [5. 5. 5. 5.] | ncnn", ncnn.__version__)  # (x - 0)/sqrt(1 + 0) * 1 + 0
raise SystemExit(int(done.returncode != 0))  # no tolerance: the process has ended
