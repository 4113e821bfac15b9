"""TensorFlow without oneDNN: `tf.raw_ops.FusedBatchNormV3` by TensorFlow's own kernel.

Rules: those of `tf`. TF_ENABLE_ONEDNN_OPTS is read when TensorFlow is imported, once a process.
"""

from __future__ import annotations

import os

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

from bnconform.adapters._arrays import DEFAULTS
from bnconform.adapters.tf import ORDERS, fused_op

IMPLEMENTATIONS = [
    fused_op(":onednn_off", dtypes={"bfloat16", "float32"}, features={*ORDERS, *DEFAULTS, "running_gradients"},
             opt_in=True),
]  # fmt: skip
