"""Two images in, one answer out; and the embeddings of any images.

Input: photographs of any size, as files or arrays. Output: :class:`Verification`, embeddings.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from siamlab.errors import FaceError
from siamlab.faces.detectors import FaceDetector, open_detector
from siamlab.faces.quality import find_usable_chip
from siamlab.models.embedder import FaceEmbedder
from siamlab.models.metadata import VERIFICATION
from siamlab.models.opening import open_embedder
from siamlab.verification.probe import Image, model_inputs, read_pixels
from siamlab.verification.result import Verification

Model = FaceEmbedder | Path | str


def verify(
    a: Image,
    b: Image,
    model: Model = "pretrained",
    threshold: float | None = None,
    detector: FaceDetector | None = None,
) -> Verification:
    """Do two images show the same person?

    Args:
        a: a photograph: an image file, or uint8 RGB ``(H, W, 3)``.
        b: another one.
        model: a loaded model, a model file, ``pretrained`` or ``compact``. Load it once
            (:func:`siamlab.load_model`) to compare many images. Of a name an exported copy is
            used, which :func:`siamlab.models.opening.open_embedder` keeps in the workspace.
        threshold: in [0, 1]; ``None`` takes the model's threshold for verification: that of the
            false match rate it was calibrated for, else of the point ``fmr_0.001``.
        detector: finds the faces; ``None`` opens the kind that the model asks for.

    Returns:
        The answer, with probability, threshold and both faces: ``verified`` is ``True``,
        ``False``, or ``None`` for unknown, with the reason, where an image does not show one
        face. A notebook shows the faces.

    Raises:
        ImageError: a file cannot be read.
        InputError: an array is no image, or the threshold is out of its range.
        ModelError: there is no such model.

    Example:
        >>> import siamlab
        >>> with siamlab.open_camera("drawn:7") as camera:
        ...     one, two = camera.read(), camera.read()
        >>> answer = siamlab.verify(one, two)
        >>> answer.verified, len(answer.faces)
        (True, 2)
        >>> siamlab.verify(one, one * 0)
        Verification(unknown: second image: No face was found; face the camera, in good light, ...)
    """
    embedder = _open(model)
    limit, point = embedder.metadata.choose_threshold(threshold, VERIFICATION)
    detector = _detector_of(embedder, detector)
    alignment = embedder.metadata.preprocessing.alignment
    begin = time.perf_counter()
    chips, reason = [], ""
    for name, image in (("first", a), ("second", b)):
        pixels = read_pixels(image)
        try:
            chips.append(find_usable_chip(pixels, detector, alignment=alignment)[0])
        except FaceError as error:
            reason = reason or f"{name} image: {error}"
    found = time.perf_counter()
    scores = np.zeros(0, np.float32)
    embedded = found
    if not reason:
        first, second = embedder.embed(model_inputs(chips, embedder.metadata.preprocessing))
        embedded = time.perf_counter()
        scores = np.asarray(embedder.score_pairs(first, second[None]), np.float32)
    scored = time.perf_counter()
    return Verification(
        person=None,
        verified=None if reason else bool(scores[0] >= limit),
        scores=scores,
        detection_threshold=limit,
        verification_threshold=1.0,
        box=None,
        seconds={"detect": found - begin, "embed": embedded - found, "score": scored - embedded},
        reason=reason,
        fusion="mean",
        fused=None if reason else float(scores[0]),
        faces=() if reason else tuple(chips),
        operating_point=point,
        model=embedder.model_id,
    )


def embed(
    images: Sequence[Image], model: Model = "pretrained", detector: FaceDetector | None = None
) -> np.ndarray:
    """Embed the face of each image.

    Args:
        images: photographs: image files, or uint8 RGB ``(H, W, 3)``.
        model, detector: see :func:`verify`.

    Returns:
        float32 ``(n, dimensions)``. Where an image does not show one face, its row is NaN and a
        warning gives the reason.

    Raises:
        ImageError: a file cannot be read.
        InputError: an array is no image.
        ModelError: there is no such model.

    Example:
        >>> import siamlab
        >>> with siamlab.open_camera("drawn:7") as camera:
        ...     siamlab.embed([camera.read(), camera.read()]).shape
        (2, 128)
    """
    embeddings, reasons = embed_faces(images, _open(model), detector)
    for reason in reasons.values():
        warnings.warn(reason, stacklevel=2)
    return embeddings


def embed_faces(
    images: Sequence[Image], model: FaceEmbedder, detector: FaceDetector | None = None
) -> tuple[np.ndarray, dict[int, str]]:
    """As :func:`embed`, with the reasons instead of warnings.

    Returns:
        The embeddings, and the number of each image without one to the reason, which names it.
    """
    detector = _detector_of(model, detector)
    preprocessing = model.metadata.preprocessing
    reasons: dict[int, str] = {}
    chips: list[np.ndarray] = []
    for number, image in enumerate(images):
        pixels = read_pixels(image)
        try:
            chips.append(find_usable_chip(pixels, detector, alignment=preprocessing.alignment)[0])
        except FaceError as error:
            name = f"image {number + 1}" if isinstance(image, np.ndarray) else image
            reasons[number] = f"{name}: {error}"
    size = preprocessing.size
    inputs = np.zeros((0, size, size, 3), np.float32)
    if chips:
        inputs = model_inputs(chips, preprocessing)
    found = model.embed(inputs)
    embeddings = np.full((len(images), found.shape[1]), np.nan, np.float32)
    embeddings[[number for number in range(len(images)) if number not in reasons]] = found
    return embeddings, reasons


def _open(model: Model) -> FaceEmbedder:
    if not isinstance(model, Path | str):
        return model
    return open_embedder(model)


def _detector_of(model: FaceEmbedder, detector: FaceDetector | None) -> FaceDetector:
    return open_detector(model.metadata.preprocessing.detector) if detector is None else detector
