"""Witnesses: the marks by which one shows the same failure as the case it stands for, and those that are at hand.

Rules: a witness shows what was found and nothing else; what is at hand is tried before anything is searched.
"""
