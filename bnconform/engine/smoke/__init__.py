"""The smoke test: before an implementation is judged its adapter is, on a few cases that anyone can follow by hand.

Rules, which decide who is to blame:
1. An adapter is broken, and its implementation is not judged, where the contract is: a reply of the wrong type, shape
   or dtype, an error in the adapter's own code, a write to the running statistics of the case.
2. It is broken, too, where every value is right but stands in the wrong place (y or dx in another order of axes), or
   is the right answer to another question (channels on an axis that was not asked for, or an earlier call). No formula
   of an implementation gives that, and layout is what an adapter is for.
3. Whatever a formula could give, such as the complement of the momentum or scale and shift exchanged, is for the specs
   to judge: the implementation may have it. Where it is just what a slip in the wiring gives, a note in the reason of a
   statement that is not kept says which.
4. What is merely different is nobody's slip: the specs judge it. Nor is anything made of an implementation that
   raises, crashes or hangs.
An output is right, or that of a slip, if it lies within the derived bound; of a slip only where the intervals of what
is right and what the slip gives do not meet.
"""

from bnconform.engine.smoke.result import Note as Note
from bnconform.engine.smoke.result import Smoke as Smoke
from bnconform.engine.smoke.run import smoke as smoke
