"""The diagnosis: which wrong formula of the catalogue explains what a spec found, and how well.

Rules: only what fails is diagnosed; a diagnosis names what was measured and decides no verdict.
"""

from bnconform.analysis.diagnosis.diagnosis import Diagnosis as Diagnosis
from bnconform.analysis.diagnosis.diagnostician import Diagnostician as Diagnostician
