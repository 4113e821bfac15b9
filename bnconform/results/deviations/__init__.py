"""The registry of known deviations: findings with a known cause, written down by a person and linked.

Rules: a Deviation is data, a file per framework beside this one; it is replayed before anything is searched, and holds
only where the witness still shows the very same; a deviation that no longer holds fails the run. A choice that an
implementation documents belongs in its Dialect, never here.
"""

from bnconform.results.deviations.deviation import Cause as Cause
from bnconform.results.deviations.deviation import Deviation as Deviation
from bnconform.results.deviations.registry import Registry as Registry
from bnconform.results.deviations.registry import load_registry as load_registry
from bnconform.results.deviations.replayed import Replayed as Replayed
from bnconform.results.deviations.replayed import replay_witness as replay_witness
from bnconform.results.deviations.replayed import replayed as replayed
from bnconform.results.deviations.signature import Signature as Signature
