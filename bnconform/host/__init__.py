"""The processes in which implementations run: the server inside, the client outside, and the pipe between them.

Rules: part of the light half (Python 3.10, NumPy 1.23); imports `contract` and nothing else of bnconform.
"""
