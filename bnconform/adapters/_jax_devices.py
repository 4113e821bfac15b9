"""The devices of a host of JAX: those of one kind, of which a processor shows several, for batches that are shared out.

Rules: the flag is set before JAX looks for its devices; what runs on one of them runs as it would without the others.
"""

from __future__ import annotations

import os

os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count=4 {os.environ.get('XLA_FLAGS', '')}".strip()

import jax

DEVICES = 4
"""How many devices a processor shows, unless the user's own flags, which come last, say how many."""

jax.config.update("jax_enable_x64", True)
try:
    ALL = jax.devices(os.environ.get("BNCONFORM_DEVICE", "cpu"))
except RuntimeError:  # a JAX without that device offers the processor, and takes no part in a run on the other
    ALL = jax.devices("cpu")
DEVICE = ALL[0]
jax.config.update("jax_default_device", DEVICE)
