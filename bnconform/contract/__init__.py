"""The values that travel between the rooms: cases, outcomes, replies, dialects, settings, addresses, and their bytes.

Rules: part of the light half (Python 3.10, NumPy 1.23); imports nothing else of bnconform.
"""
