"""The notation: equations of batch normalization as expressions that are checked, printed and mutated.

Rules: a spec writes its equation once, in these symbols; LaTeX, plain text and the check follow from that one
expression.
"""

from bnconform.oracle.notation.expression import Expression as Expression
from bnconform.oracle.notation.expression import at_least as at_least
from bnconform.oracle.notation.expression import mean as mean
from bnconform.oracle.notation.expression import sqrt as sqrt
from bnconform.oracle.notation.expression import total as total
from bnconform.oracle.notation.symbols import Symbols as Symbols
