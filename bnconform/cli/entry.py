"""Where a call begins, before anything heavy is imported.

Rules: nothing is imported here that can fail or takes long; whatever ends the import of the rest is status 2.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback


def main() -> int:
    """Runs the command line; returns the exit status."""
    try:
        _fill_standard_streams()
        return int(importlib.import_module("bnconform.cli.main").main())
    except KeyboardInterrupt:
        print("bnconform: interrupted", file=sys.stderr)
    except Exception:
        traceback.print_exc()
        print("bnconform: it cannot be loaded; is it installed whole, with all that it needs?", file=sys.stderr)
    return 2


def _fill_standard_streams() -> None:
    """Opens what the caller closed of the three, lest a file of ours becomes standard output."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)
