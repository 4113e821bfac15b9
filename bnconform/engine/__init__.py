"""The judge: specs, agreements, targets and runners, the search for cases that show a failure, and its shrinking.

Rules: imports `contract`, `host`, `cases` and `oracle`.
"""
