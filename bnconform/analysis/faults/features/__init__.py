"""Faults of what a case asks for by a feature: derivatives, defaults, folding, replicas. No other case shows them."""
