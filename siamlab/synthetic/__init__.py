"""Drawn people.

Comes in: seeds. Goes out: uint8 RGB images.
"""

from siamlab.synthetic.collection import person_identity, person_name, write_people
from siamlab.synthetic.conditions import Conditions
from siamlab.synthetic.drawing import draw_face, draw_frame
from siamlab.synthetic.identity import Identity

__all__ = [
    "Conditions",
    "Identity",
    "draw_face",
    "draw_frame",
    "person_identity",
    "person_name",
    "write_people",
]
