"""The fingerprint: how an implementation computes, inferred from its outputs alone and held against its Dialect.

Rules: imports go one way, exact rows → bench → probes → fingerprinting → declared → table → command.
"""
