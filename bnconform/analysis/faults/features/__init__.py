"""Faults of what a case asks for by a feature: derivatives, documented defaults, folding. No other case shows them."""
