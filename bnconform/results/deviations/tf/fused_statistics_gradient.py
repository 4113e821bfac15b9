"""tf.raw_ops.FusedBatchNormV3 returns the batch's mean and variance, and sends a zero to x for each (TF 2.21, CPU)."""

import numpy as np
import tensorflow as tf

x = tf.constant(np.random.default_rng(0).normal(3, 2, (4, 3, 2, 5)).astype(np.float32))
one, zero, empty = tf.ones(5), tf.zeros(5), tf.zeros(0)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    out = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=one, offset=zero, mean=empty, variance=empty, epsilon=1e-3, is_training=True
    )
    mean, variance = tf.nn.moments(x, [0, 1, 2])  # the same numbers, composed
print("mean equal to", float(tf.reduce_max(abs(out.batch_mean - mean))))
print(
    "d sum(batch_mean)/dx     fused",
    tape.gradient(out.batch_mean, x).numpy().ravel()[:3],
    " composed",
    tape.gradient(mean, x).numpy().ravel()[:3],
    " 1/m =",
    1 / 24,
)
print(
    "d sum(batch_variance)/dx fused",
    tape.gradient(out.batch_variance, x).numpy().ravel()[:3],
    " 2(x - mean)/(m - 1) =",
    (2 * (x - mean) / 23).numpy().ravel()[:3],
)
with tf.GradientTape() as both:
    both.watch(x)
    out = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=one, offset=zero, mean=empty, variance=empty, epsilon=1e-3, is_training=True
    )
    loss = tf.reduce_sum(out.y**3) + 100 * tf.reduce_sum(out.batch_mean)
with tf.GradientTape() as alone:
    alone.watch(x)
    out = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=one, offset=zero, mean=empty, variance=empty, epsilon=1e-3, is_training=True
    )
    less = tf.reduce_sum(out.y**3)
difference = both.gradient(loss, x) - alone.gradient(less, x)
print("a loss with 100·sum(batch_mean) differs in dx by", float(tf.reduce_max(abs(difference))), "expected", 100 / 24)
raise SystemExit(int(float(tf.reduce_max(abs(difference))) < 1))
