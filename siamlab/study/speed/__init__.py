"""Speed of this machine, each measurement as a ratio within one run.

``siamlab bench`` and ``benchmarks/run.py`` print the results.
"""
