"""Enrolled people and their templates: one file each, kept safe, and found quickly.

Input: a person's name and the embeddings of their images. Output: the same, read back and
checked; or everyone's templates as one matrix, for a search. Templates are biometric data:
files are readable by their owner only, and erasing a person leaves nothing of them in the folder.

``person`` is one person's file, ``pack`` everyone's templates in one file, made from the
persons' files and thrown away freely, ``store`` the gallery around both.
"""

from siamlab.gallery.enrollment import Enrollment, person_key
from siamlab.gallery.search import Candidate, VectorSearch, open_search
from siamlab.gallery.store import Gallery, Templates

__all__ = [
    "Candidate",
    "Enrollment",
    "Gallery",
    "Templates",
    "VectorSearch",
    "open_search",
    "person_key",
]
