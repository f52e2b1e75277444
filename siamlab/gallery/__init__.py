"""The gallery: enrolled people in an encrypted vault, their rights, and the search among them.

``sealing`` encrypts, ``database`` is the file, ``vault`` the people in it, ``consent`` why they may
be kept, ``audit`` what was done, ``store`` the gallery around all of it, ``captures`` people's
images, ``rights`` access, export, erasure and retention, ``search`` finds people.
"""

from siamlab.gallery.enrollment import Enrollment
from siamlab.gallery.search import Candidate, VectorSearch, open_search
from siamlab.gallery.store import Gallery, Templates

__all__ = [
    "Candidate",
    "Enrollment",
    "Gallery",
    "Templates",
    "VectorSearch",
    "open_search",
]
