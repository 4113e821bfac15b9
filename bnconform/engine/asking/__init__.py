"""How often an implementation is asked: again before a failure is believed, and no more where it never answers.

Rules: nothing here judges a value; a reply that was asked for several times says so itself.
"""
