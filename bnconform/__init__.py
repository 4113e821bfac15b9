"""bnconform judges implementations of batch normalization by executable specs.

Adapters import this module, also inside a host process on an older Python (3.10) and NumPy (1.23).
Rule: it imports nothing heavier than `case`, `dialect` and `settings`.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  # a host may be told to start in any
    sys.exit(
        f"bnconform's hosts need Python 3.10 or newer; this is {sys.version.split()[0]}: see host/pipe.md for others"
    )

from bnconform.contract.case import Case
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import Unsupported
from bnconform.contract.implementation import Implementation
from bnconform.contract.outcome import Outcome
from bnconform.contract.settings import Argument, Settings
from bnconform.contract.snippet import Snippet
from bnconform.contract.versions import installed

__all__ = [
    "Argument",
    "Case",
    "Dialect",
    "Implementation",
    "Outcome",
    "Settings",
    "Snippet",
    "Unsupported",
    "installed",
]
__version__ = "0.1.0"
