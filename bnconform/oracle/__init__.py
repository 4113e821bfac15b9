"""The right answer and how far rounding may lead from it: the reference, the bounds, and both by name of output.

Rules: imports `contract` and nothing else of bnconform.
"""
