"""Defects: what a maintainer acts on, known to the registry or inferred, with the findings that each explains.

Rules: a pure function of the findings; every finding that is wrong belongs to exactly one defect.
"""

from bnconform.results.defects.defect import SEVERITIES as SEVERITIES
from bnconform.results.defects.defect import Defect as Defect
from bnconform.results.defects.defect import Severity as Severity
from bnconform.results.defects.gathering import KEPT as KEPT
from bnconform.results.defects.gathering import defects_of as defects_of
from bnconform.results.defects.gathering import is_wrong as is_wrong
