"""The diagnosis: the wrong formulas of the catalogue that explain a failure, and how well they do.

Rules: only failures are diagnosed; a diagnosis names measured figures and decides no verdict.
"""

from bnconform.analysis.diagnosis.diagnosis import Diagnosis as Diagnosis
from bnconform.analysis.diagnosis.diagnostician import Diagnostician as Diagnostician
