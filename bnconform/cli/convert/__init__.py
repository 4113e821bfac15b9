"""Conversion of a layer: from its settings in one implementation to those of the same function in another.

Rules: imports go one way, layer → written → matches → command; all knowledge is declared, with a link; a setting
without a match is named with the reason and a way out, never left out.
"""

from bnconform.cli.convert.conversion import Conversion as Conversion
from bnconform.cli.convert.conversion import convert as convert
from bnconform.cli.convert.layer import Layer as Layer
from bnconform.cli.convert.layer import Wish as Wish
from bnconform.cli.convert.layer import meant as meant
