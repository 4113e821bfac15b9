"""Runs the command line by `python -m bnconform`."""

import sys

from bnconform.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
