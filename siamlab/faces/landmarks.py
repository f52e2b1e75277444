"""Five points of a face, and where an aligned face has them.

Input: an image and the box of a face. Output: the box with landmarks. YuNet finds eyes, nose and
the corners of the mouth together with the box; for other boxes dlib's trees find the corners of
the eyes and the base of the nose.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from siamlab.errors import ModelError
from siamlab.faces.detectors import FaceBox, Landmarks
from siamlab.faces.five_points import open_five_points
from siamlab.images.decode import check_rgb
from siamlab.system.dlib_files import FIVE_POINTS, find_dlib_file

# Where an aligned face has the points: 0 to 1 from edge to edge of the square that dlib's face
# ResNet sees. dlib's are its own; YuNet's are where its points lie in faces aligned by dlib's.
TEMPLATES = {
    "yunet": np.array(
        [(0.3093, 0.3127), (0.6747, 0.3040), (0.4827, 0.5220), (0.3387, 0.6840), (0.6547, 0.6747)]
    ),
    "dlib": np.array(
        [(0.7397, 0.3090), (0.5974, 0.3193), (0.2470, 0.3092), (0.3894, 0.3194), (0.4934, 0.5852)]
    ),
}
# From Viola and Jones' box, which all detectors here give, to one as dlib's own detector draws it,
# in sides of the former; measured on LFW.
_RIGHT, _DOWN, _SIDE = 0.02, 0.09, 0.905
# Where dlib's trees begin: the points of an average face in dlib's box.
_AVERAGE = np.array(
    [(0.776, 0.346), (0.619, 0.354), (0.227, 0.346), (0.384, 0.354), (0.501, 0.658)]
)


def find_landmarks(image: np.ndarray, box: FaceBox) -> FaceBox:
    """Find the five points in a face's box.

    Args:
        image: uint8 RGB ``(H, W, 3)``.
        box: of any detector.

    Returns:
        The box with landmarks; as it is when it has them. Where dlib's file is absent they are
        those of an average upright face in the box: size and place will be aligned, and a tilted
        head stays tilted.

    Raises:
        InputError: the image is no such array.
        ModelError: dlib's file is damaged.
    """
    check_rgb(image)
    if box.landmarks is not None:
        return box
    side = _SIDE * box.size
    x, y = box.center
    left, upper = x + _RIGHT * box.size - side / 2, y + _DOWN * box.size - side / 2
    try:
        points = open_five_points().predict(image, (left, upper, side))
    except ModelError:
        if find_dlib_file(FIVE_POINTS) is not None:  # damaged, and not absent
            raise
        points = _AVERAGE * side + (left, upper)
    return replace(box, landmarks=Landmarks(tuple(map(tuple, points.tolist())), "dlib"))
