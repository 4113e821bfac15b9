"""The catalogue of faults: every wrong formula that the suite is proved to see, and that a diagnosis can name.

Rules: one catalogue serves the power gate (can these cases see it?), the self-test (is it caught?) and the diagnosis
(is this the mistake?); adding a fault touches one chapter and nothing else.
"""

from bnconform.analysis.faults import (
    affine,
    averages,
    axes,
    backward,
    epsilon,
    inference,
    odd_inputs,
    parameter_gradients,
    precision,
    shards,
    statistics,
)
from bnconform.analysis.faults.equivalents import VARIANTS as VARIANTS
from bnconform.analysis.faults.fault import RIGHT as RIGHT
from bnconform.analysis.faults.fault import Fault as Fault
from bnconform.analysis.faults.fault import both as both
from bnconform.analysis.faults.fault import faults_of
from bnconform.analysis.faults.fault import perform as perform
from bnconform.analysis.faults.fault import roughly as roughly
from bnconform.analysis.faults.fault import values as values
from bnconform.analysis.faults.features import defaults, derivatives, folding, replicas
from bnconform.analysis.faults.losses import LOSSES as LOSSES
from bnconform.analysis.faults.use import calls, gradients, malformed

CHAPTERS = (statistics, epsilon, affine, averages, backward, parameter_gradients, derivatives, inference, folding,
            defaults, precision, axes, shards, replicas, malformed, calls, gradients, odd_inputs)  # fmt: skip
FAULTS: tuple[Fault, ...] = tuple(one for chapter in CHAPTERS for one in faults_of(chapter.__name__))
