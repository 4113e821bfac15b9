"""Cases to try implementations on: Hypothesis strategies, regimes of data, shapes, and how arrays are delivered.

Rules: imports `contract` and nothing else of bnconform.
"""
