"""Photographs made worse in a controlled way: light, blur, size, pose, compression, occlusion.

Input: a whole photograph, uint8 RGB, and where its face is. Output: the photograph as a worse
camera or a worse moment would have given it. The face is looked for again in the result, so that
what detection and alignment lose counts too.

Each kind has one strength, in a unit that does not depend on the photograph's size, because two
assessments must mean the same by "blurred".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from siamlab.assessment.covers import cover_eyes, cover_mouth
from siamlab.data.synthetic import Conditions, Identity, draw_face
from siamlab.errors import InputError
from siamlab.faces.detectors import FaceBox, guide_box
from siamlab.faces.landmarks import find_landmarks
from siamlab.system.opencv import import_cv2

GAMMA = 2.2  # of sRGB: half the light is 2 ** (-1 / 2.2) of a pixel's value
READ_NOISE = 3.0  # of a dark frame, standard deviation in gray levels
NEAR = 4.0  # how far from the turned photograph the eye is, in sides of the face

Apply = Callable[[np.ndarray, FaceBox, float, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Perturbation:
    """One way in which a photograph gets worse.

    Attributes:
        name: a word without spaces, for files and bars.
        title: in words.
        unit: of the strength, in words.
        levels: strengths, the mildest first.
        apply: ``(image, box, level, rng)`` to another image; ``image`` is uint8 RGB
            ``(H, W, 3)``, ``box`` its face with landmarks. The same generator gives the same
            side and the same noise at each level.
    """

    name: str
    title: str
    unit: str
    levels: tuple[float, ...]
    apply: Apply

    def __post_init__(self) -> None:
        if not self.levels or len(set(self.levels)) != len(self.levels):
            raise InputError(f"{self.name} needs different levels. Received: {self.levels}.")

    def label(self, level: float) -> str:
        """A strength in words, such as ``4 stops darker``."""
        return f"{level:g} {self.unit}"


def darken(image: np.ndarray, box: FaceBox, stops: float, rng: np.random.Generator) -> np.ndarray:
    """Less light: each stop halves it, and the camera's noise stays as it is."""
    noise = rng.normal(0, READ_NOISE, image.shape)
    return _to_bytes(image * _gain(stops) + noise)


def light_from_one_side(
    image: np.ndarray, box: FaceBox, stops: float, rng: np.random.Generator
) -> np.ndarray:
    """A lamp at one side: across the face its light falls by so many stops."""
    across = np.clip((np.arange(image.shape[1]) + 0.5 - box.x) / box.size, 0, 1)
    if rng.random() < 0.5:
        across = 1 - across
    return _to_bytes(image * _gain(stops * across)[None, :, None])


def blur(image: np.ndarray, box: FaceBox, percent: float, rng: np.random.Generator) -> np.ndarray:
    """A Gaussian blur; its standard deviation is a share of the face's side."""
    cv2 = import_cv2()
    return np.asarray(cv2.GaussianBlur(image, (0, 0), percent / 100 * box.size))


def make_small(
    image: np.ndarray, box: FaceBox, side: float, rng: np.random.Generator
) -> np.ndarray:
    """The photograph shrunk until its face has this side; a smaller face stays as it is."""
    factor = side / box.size
    if factor >= 1:
        return image
    cv2 = import_cv2()
    height, width = (max(8, round(length * factor)) for length in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def roll(image: np.ndarray, box: FaceBox, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Tilt the photograph in its plane about the face's middle, to either side."""
    cv2 = import_cv2()
    signed = degrees if rng.random() < 0.5 else -degrees
    matrix = cv2.getRotationMatrix2D(box.center, signed, 1.0)
    size = image.shape[1], image.shape[0]
    return np.asarray(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE))


def turn(image: np.ndarray, box: FaceBox, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Turn the photograph, as a flat thing, about a vertical line through the face.

    This is what a picture looks like from the side. A head that turns also hides a cheek and
    shows its profile: that is harder, and cannot be made of one photograph.
    """
    cv2 = import_cv2()
    angle = np.radians(degrees if rng.random() < 0.5 else -degrees)
    (x, y), far = box.center, NEAR * box.size
    # A point (u, v) from the face's middle is seen at far * (u cos a, v) / (far + u sin a).
    to_face = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
    seen = np.array([[far * np.cos(angle), 0, 0], [0, far, 0], [np.sin(angle), 0, far]])
    matrix = np.linalg.inv(to_face) @ seen @ to_face
    size = image.shape[1], image.shape[0]
    # Points behind the eye, far beside the face, have no place in the result.
    return np.asarray(cv2.warpPerspective(image, matrix, size, borderMode=cv2.BORDER_REPLICATE))


def compress(
    image: np.ndarray, box: FaceBox, quality: float, rng: np.random.Generator
) -> np.ndarray:
    """JPEG with this quality, 1 to 100."""
    cv2 = import_cv2()
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])


def _gain(stops: float | np.ndarray) -> np.ndarray:
    """What pixels are multiplied by when light is halved so many times."""
    return np.exp2(-np.asarray(stops, np.float64) / GAMMA)


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


PERTURBATIONS = (
    Perturbation("dark", "Less light", "stops darker", (2, 4, 6), darken),
    Perturbation(
        "side_light", "Light from one side", "stops across the face", (2, 4, 6), light_from_one_side
    ),
    Perturbation("blur", "Blurred", "% of the face's side", (1, 2, 4), blur),
    Perturbation("small", "Small face", "pixels wide", (48, 32, 20), make_small),
    Perturbation("roll", "Head tilted", "degrees in the plane", (10, 20, 40), roll),
    Perturbation("turn", "Photograph turned", "degrees to the side", (15, 30, 45), turn),
    Perturbation("jpeg", "JPEG compression", "of 100 in quality", (30, 15, 5), compress),
    Perturbation("eyes", "Eyes covered", "% of the face's height", (10, 20, 30), cover_eyes),
    Perturbation("mouth", "Mouth covered", "% of the face's height", (35, 45, 60), cover_mouth),
)


def find_perturbation(name: str) -> Perturbation:
    """One of ``PERTURBATIONS`` by its name.

    Raises:
        InputError: there is none of this name.

    Example:
        >>> from siamlab.assessment.perturbations import find_perturbation
        >>> find_perturbation("dark").label(4)
        '4 stops darker'
    """
    known = {one.name: one for one in PERTURBATIONS}
    if name not in known:
        raise InputError(f"A perturbation is one of {', '.join(known)}. Received: {name!r}.")
    return known[name]


def show_levels(perturbation: Perturbation, seed: int = 4) -> list[np.ndarray]:
    """A drawn person as the photograph is and at each level, to be looked at.

    Drawn, so that a report shows nobody's face.

    Args:
        perturbation: what happens to the image.
        seed: of the person.

    Returns:
        uint8 RGB images, one more than there are levels.
    """
    image = draw_face(Identity(seed), Conditions())
    box = find_landmarks(image, guide_box(image.shape))
    changed = [
        perturbation.apply(image, box, level, np.random.default_rng(0))
        for level in perturbation.levels
    ]
    return [image, *changed]
