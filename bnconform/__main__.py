"""Runs the command line by `python -m bnconform`.

Rules: the exit status is that of the command. CPython ends a module that was run by `-m` with SIGINT where an interrupt
has passed through code from a text, as libraries have, even if it was put in order: such a call ends itself.
"""

import atexit
import os
import sys

from bnconform.cli.entry import main


def _was_interrupted() -> bool:
    known = sys.modules.get("bnconform.cli.session.interruption")
    return known is not None and bool(known.INTERRUPTIONS.name)


if __name__ == "__main__":
    status = main()
    if _was_interrupted():
        atexit._run_exitfuncs()
        os._exit(status)
    sys.exit(status)
