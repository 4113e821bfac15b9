"""tf.nn.moments stops the gradient of the mean inside the variance: right to first order, wrong to second and third."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
x, g, w, z = (tf.constant(a) for a in rng.normal(1, 2, (4, 7, 3)))
eps = 0.3


def lib(x):
    m, v = tf.nn.moments(x, [0])
    return tf.nn.batch_normalization(x, m, v, None, None, eps)


def own(x):
    m = tf.reduce_mean(x, 0)
    v = tf.reduce_mean((x - m) ** 2, 0)
    return (x - m) * tf.math.rsqrt(v + eps)


def own_nn(x):
    m = tf.reduce_mean(x, 0)
    v = tf.reduce_mean((x - m) ** 2, 0)
    return tf.nn.batch_normalization(x, m, v, None, None, eps)


def orders(f):
    with tf.GradientTape() as a:
        a.watch(x)
        with tf.GradientTape() as b:
            b.watch(x)
            with tf.GradientTape() as c:
                c.watch(x)
                y = f(x)
            d1 = c.gradient(y, x, output_gradients=g)
        d2 = b.gradient(d1, x, output_gradients=w)
    return y, d1, d2, a.gradient(d2, x, output_gradients=z)


o, errors = orders(own), {}
for n, f in (("tf.nn.moments + batch_normalization", lib), ("own moments + tf.nn.batch_normalization", own_nn)):
    errors[n] = [float(tf.reduce_max(abs(p - q))) for p, q in zip(orders(f), o, strict=True)]
    print(n, errors[n])
raise SystemExit(int(max(errors["tf.nn.moments + batch_normalization"][2:]) > 1e-6))
