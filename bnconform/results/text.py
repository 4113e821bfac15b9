"""The texts of `contract.text`, for the report, which knows the results alone."""

from bnconform.contract.text import LONGEST_TEXT as LONGEST_TEXT
from bnconform.contract.text import clipped as clipped
from bnconform.contract.text import on_one_line as on_one_line
from bnconform.contract.text import visible as visible
