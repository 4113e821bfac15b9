"""The catalogue of faults: every wrong formula that the suite is proved to see, and that a diagnosis can name.

Rules: one catalogue serves the power gate (can these cases see it?), the self-test (is it caught?) and the diagnosis
(is this what is wrong?); adding a fault touches one chapter and nothing else.
"""

from bnconform.faults import affine, averages, backward, defaults, epsilon, extremes, inference, precision, statistics
from bnconform.faults.fault import RIGHT as RIGHT
from bnconform.faults.fault import Fault as Fault
from bnconform.faults.fault import faults_of
from bnconform.faults.fault import perform as perform
from bnconform.faults.fault import values as values
from bnconform.faults.variants import VARIANTS as VARIANTS

CHAPTERS = (statistics, epsilon, affine, averages, backward, inference, defaults, precision, extremes)
FAULTS: tuple[Fault, ...] = tuple(one for chapter in CHAPTERS for one in faults_of(chapter.__name__))
