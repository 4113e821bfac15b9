"""The self-test: is every fault of the catalogue caught, by which spec, how soon; and is what is right left alone?

Rules: faults and variants are judged by the specs and cases of a run with default settings, no easier and no harder; a
fault that is not caught is named, with what the cases could have shown of it.
"""
