"""Names of the documents that specs cite, as results and reports state them.

Rules: a spec's source is a name from here, or an implementation's own documentation, and a quotation or a section;
`tests/specs/test_sources.py` checks the quotations.
"""

PAPER = "Ioffe & Szegedy 2015"
"""Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift."""
RENORMALIZATION = "Ioffe 2017 (Batch Renormalization)"
MIXED_PRECISION = "Micikevicius et al. 2018 (Mixed Precision Training)"
"""Data of 16 bits, a master copy of the weights in FP32, and reductions, those of batch normalization among them, in
FP32."""
LECTURE = "000_71a86d20c5337979.txt"
"""Notes of a course on deep learning."""
TUTORIAL = "001_f7f910d86693ea68.txt"
"""An introduction with a listing in Python."""
QUESTIONS = "002_5b274a8f490b787a.txt"
"""Questions and answers, in English and Chinese."""
OVERVIEW = "003_86331cfb1c25e987.txt"
"""An overview of the transform and its backward pass."""
