"""Drawn people: offline data in place of photographs, with known identity, light and pose.

Input: seeds. Output: uint8 RGB images in LFW's geometry, whole collections of them, and webcam
frames.

A person (:class:`Identity`) is some seventy numbers determined by a seed: the shape of the head, a
relief of brows, nose, lips and chin, colors, hair, beard, glasses. An image adds
:class:`Conditions`: the head is rotated in space and lit by a lamp with shading and cast shadows,
eyes and mouth move, and a simple camera blurs, adds noise and compresses, all with NumPy and
OpenCV. The same seeds give the same bytes on one machine; another processor or version of a
library may round the last bit differently.

Measured on 100 people with 6 images each (``write_people(..., seed=3)``):

- 3,500 images of 250 x 250 a minute on one core, files written; a 640 x 480 frame takes 45 ms.
- Raw pixels (cosine of 32 x 32 gray images, same against different person): AUC 0.56 on whole
  chips, 0.63 on their central 140 pixels, 0.63 on the face box (0.60, 0.65 and 0.65 with each
  image's mean subtracted).
- PCA and LDA, trained on 150 people (48 x 48 pixels), reach AUC 0.88 on 50 other people.
- Haar (OpenCV 4.14, default frontal face) finds 99 % in the chips, with a box of 117 pixels
  around (125, 123) where LFW's geometry says 113.6 around (125, 125), and 97 % in webcam frames;
  YuNet finds all.

The parts: ``identity``, ``conditions``, ``maps`` (skin and relief), ``features`` (what moves),
``geometry`` (the head in space), ``light``, ``hair``, ``scene``, ``drawing`` (all of it together),
``people_files``.
"""

from siamlab.data.synthetic.conditions import Conditions
from siamlab.data.synthetic.drawing import draw_face, draw_frame
from siamlab.data.synthetic.geometry import FACE_MIDDLE, make_view, rotation
from siamlab.data.synthetic.identity import Identity
from siamlab.data.synthetic.people_files import person_identity, person_name, write_people

__all__ = [
    "FACE_MIDDLE",
    "Conditions",
    "Identity",
    "draw_face",
    "draw_frame",
    "make_view",
    "person_identity",
    "person_name",
    "rotation",
    "write_people",
]
