"""The causes behind a failure: the catalogue of faults, the diagnosis by it, the fingerprint and the self-test.

Rules: imports `contract`, `host`, `cases`, `oracle` and `engine`.
"""
