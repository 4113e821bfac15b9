"""The smoke test judges an adapter before its implementation, on a few cases that anyone can follow by hand.

Rules, to find the culprit:
1. An adapter is broken, and its implementation is not judged, where the contract is: a reply of the wrong type, shape
   or dtype, an error in the adapter's own code, a write to the running statistics of the case.
2. It is broken, too, where every value is right but stands in the wrong place (y or dx in another order of axes), or
   is the right answer to another question (channels on an axis that was not asked for, or an earlier call). No formula
   of an implementation gives that, and layout is the adapter's task.
3. A value that a formula could give, such as that of the complement of the momentum or of scale and shift exchanged, is
   for the specs to judge: the implementation may have the formula. If a slip in the wiring gives the same value, a note
   in the reason of a statement that is not kept names the slip.
4. Any other difference is nobody's slip: the specs judge it. An implementation that raises, crashes or hangs is left to
   them too.
5. Where every case ends in an exception nobody can be told at fault: it may be the call in the adapter, a version or a
   compiler that the machine lacks, or the implementation. The specs report it, and accuse none of them.
An output is right, or that of a slip, if it lies within the derived bound; that of a slip only if its interval and that
of the right value do not meet.
"""

from bnconform.engine.smoke.result import Note as Note
from bnconform.engine.smoke.result import Smoke as Smoke
from bnconform.engine.smoke.run import smoke as smoke
