"""bnconform judges implementations of batch normalization by executable specs.

This module is what an adapter imports, also inside a host process on an older Python (3.10) and NumPy (1.23).
Rule: it imports nothing heavier than `case` and `dialect`.
"""

from bnconform.case import Case, Outcome, Unsupported
from bnconform.dialect import Dialect, Implementation

__all__ = ["Case", "Dialect", "Implementation", "Outcome", "Unsupported"]
__version__ = "0.1.0"
