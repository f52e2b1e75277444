"""The gallery: enrolled people and their templates, one file each, and the search among them.

Templates are biometric data: files are readable by their owner only, and erasing a person leaves
nothing of them in the folder. ``enrollment`` is one person's file, ``pack`` a cache of everyone's
templates in one matrix, ``store`` the gallery around both, ``search`` finds people in it.
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
