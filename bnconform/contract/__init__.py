"""What travels between the parts: cases, outcomes, replies, dialects, settings, addresses of adapters, and their bytes.

Rules: part of the light half (Python 3.10, NumPy 1.23); imports nothing else of bnconform.
"""
