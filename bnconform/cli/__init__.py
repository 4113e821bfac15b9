"""The command line: one module a command, and the session of pytest behind `bnconform run`.

Rules: imports every other room but `relations`; nothing imports it.
"""
