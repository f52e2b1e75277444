"""The chapters: their list, their exercises, their headless run, and the table of their results."""

from siamlab.course.exercises import check

__all__ = ["check"]
