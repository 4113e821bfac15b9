"""The vocabulary of the specs: follow-up cases, comparisons of two runs, chains of steps, networks, distributions.

Rules: only `specs/` imports this room.
"""
