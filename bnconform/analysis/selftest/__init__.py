"""The self-test: every fault of the catalogue must be caught, and every right variant must conform.

Rules: faults and variants are judged by the specs and cases of a run with default settings, no easier and no harder; a
fault that is not caught is named, with what the cases could have shown of it.
"""
