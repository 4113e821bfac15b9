"""Large cases by their distinct rows: which these are, and what the outputs should be on them."""

from bnconform.oracle.distinct.expected import SUMMED as SUMMED
from bnconform.oracle.distinct.expected import expected_by_rows as expected_by_rows
from bnconform.oracle.distinct.extremes import by_rows as by_rows
from bnconform.oracle.distinct.rows import counts as counts
from bnconform.oracle.distinct.rows import is_sparse as is_sparse
from bnconform.oracle.distinct.rows import whole as whole
