"""tf.raw_ops.FusedBatchNormV3: y and its first and second derivatives are right, the third is silently wrong, as the
second gradient stops at the statistics. Exit status 1: still so."""

import numpy as np
import tensorflow as tf

x, found = tf.constant([0.0, 0.0, 1.0]), []
given = {"scale": [1.0], "offset": [0.0], "mean": [], "variance": [], "epsilon": 0.25, "is_training": True}
for op in (
    lambda x: tf.raw_ops.FusedBatchNormV3(x=x[:, None, None, None], **given).y[:, 0, 0, 0],
    lambda x: (x - tf.reduce_mean(x)) / tf.sqrt(tf.math.reduce_variance(x) + 0.25),
):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        value = op(x)[0]
        for _ in range(3):
            value = tape.gradient(value, x)[0]
    found.append(float(value))

step = 0.01
rows = np.array([0.0, 0.0, 1.0]) + step * np.array([[-2, 0, 0], [-1, 0, 0], [1, 0, 0], [2, 0, 0]])
due = (rows[:, 0] - rows.mean(1)) / np.sqrt(rows.var(1) + 0.25) @ [-1, 2, -2, 1] / (2 * step**3)  # a quotient
print("tensorflow", tf.__version__, "| third derivative of y[0] by x[0]")
print(f"returned {found[0]:.3f}, composed {found[1]:.3f}, due {due:.3f}")
raise SystemExit(int(abs(found[0] - due) > 0.1))  # off by more than 0.1; the quotient is right to 0.01
