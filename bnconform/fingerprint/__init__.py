"""The fingerprint: how an implementation computes, inferred from its outputs alone and held against its Dialect.

Rules: imports go one way, exact rows → bench → probes → fingerprinting → declared → table → command.
"""

from bnconform.fingerprint.declared import Comparison as Comparison
from bnconform.fingerprint.declared import compared as compared
from bnconform.fingerprint.fingerprinting import PROBES as PROBES
from bnconform.fingerprint.fingerprinting import fingerprint as fingerprint
from bnconform.fingerprint.inferred import Inferred as Inferred
