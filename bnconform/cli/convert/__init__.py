"""Converting: a layer's settings in one implementation, as those that give the same function in another.

Rules: imports go one way, layer → written → matches → command; only what is declared is known, with its link; what
cannot be matched is said, with the reason and with what can be done, and never left out.
"""

from bnconform.cli.convert.conversion import Conversion as Conversion
from bnconform.cli.convert.conversion import convert as convert
from bnconform.cli.convert.layer import Layer as Layer
from bnconform.cli.convert.layer import Wish as Wish
from bnconform.cli.convert.layer import meant as meant
