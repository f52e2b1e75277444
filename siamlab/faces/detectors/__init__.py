"""Detectors: where is a face in an image?

Input: uint8 RGB images of any size. Output: :class:`FaceBox`, squares around faces.

LFW's images are the square that the Viola-Jones (Haar) detector found, enlarged 2.2 times: in a
250-pixel chip the face's box is the central 113.6 pixels. Every detector here gives such a box,
so that chips of all detectors, of cameras and of LFW look alike. Numbers measured on LFW
(deep-funneled, 300 to 900 images drawn at random; the box should lie at (125, 125), side 113.6):

- Haar needs no conversion: center (125.5, 124.7), standard deviations (1.8, 1.8), side 113.1
  with 7.6. Of the frontal cascades ``alt2`` was best: a face in 99.7 % of the images, the
  largest off the middle in 1 of 300, 15 ms (``default`` 99.7 %, 3 of 300, 17 ms; ``alt`` 99.0 %).
- YuNet's own box follows the nose when a head turns: its middle varies by 8.3 pixels across. The
  middle of the eyes varies by 3.5 and 2.4 and becomes the box's middle when lowered by 0.118 of
  the root of the box's area. 1.055 times that root is the side, with a deviation of 8 %.
  A face in every image, 3 ms.

On 300 other images both sides agree: YuNet's and Haar's middles are 2.7 pixels apart (median) and
YuNet's side is 1.01 times Haar's, deviation 0.07. Of 240 drawn faces Haar found 99 % and YuNet
all, with boxes like those of LFW.
"""

from __future__ import annotations

from pathlib import Path

from siamlab.errors import InputError, ModelError
from siamlab.faces.detectors.base import CHIP_TO_BOX, FaceBox, FaceDetector
from siamlab.faces.detectors.guide import GuideDetector, guide_box
from siamlab.faces.detectors.haar import HaarDetector, haar_file
from siamlab.faces.detectors.yunet import YuNetDetector, yunet_file

KINDS = ("auto", "yunet", "haar", "guide")


def open_detector(kind: str = "auto", yunet_path: Path | str | None = None) -> FaceDetector:
    """Choose how faces are found.

    Args:
        kind: ``yunet``, ``haar``, ``guide``, or ``auto``: YuNet where its file is, else Haar
            where OpenCV has it, else the guide box.
        yunet_path: YuNet's file; ``None`` looks at the variable ``SIAMLAB_YUNET`` and in the
            data folder's ``models``.

    Returns:
        A detector; its ``name`` says which kind it is.

    Raises:
        InputError: no detector is of this kind.
        ModelError: the kind asked for is not available here.

    Example:
        >>> box = find_face(frame, open_detector())          # doctest: +SKIP
    """
    check_kind(kind)
    path = Path(yunet_path) if yunet_path is not None else None
    if path is None and kind in {"auto", "yunet"}:
        path = yunet_file()
    if kind == "yunet" and path is None:
        raise ModelError(
            "The YuNet file is not at hand: set SIAMLAB_YUNET to face_detection_yunet_*.onnx, or "
            "put it into the data folder's models."
        )
    if path is not None and kind in {"auto", "yunet"}:
        return YuNetDetector(path)
    if kind == "haar" or (kind == "auto" and haar_file() is not None):
        return HaarDetector()
    return GuideDetector()


def check_kind(kind: str) -> None:
    """Make sure that a detector of this kind exists (InputError otherwise)."""
    if kind not in KINDS:
        raise InputError(f"A detector is one of {', '.join(KINDS)}; received {kind!r}.")


__all__ = [
    "CHIP_TO_BOX",
    "FaceBox",
    "FaceDetector",
    "GuideDetector",
    "HaarDetector",
    "YuNetDetector",
    "check_kind",
    "guide_box",
    "open_detector",
]
