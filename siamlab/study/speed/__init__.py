"""Speed of this machine, each measurement as a ratio within one run.

Output: :class:`~siamlab.study.speed.all_speeds.BenchResults`, printed by ``siamlab bench`` and by
``benchmarks/run.py``.
"""
