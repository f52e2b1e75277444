"""One way to import OpenCV, so that a missing system library is explained once."""

from __future__ import annotations

from types import ModuleType

from siamlab.errors import MissingPackageError


def import_cv2() -> ModuleType:
    """Import OpenCV with its log turned off.

    Returns:
        The ``cv2`` module.

    Raises:
        MissingPackageError: OpenCV is absent, or a system library it links is (slim
            containers lack ``libGL.so.1``, which ``opencv-python`` needs for its windows).
    """
    try:
        import cv2
    except ImportError as error:
        if ".so" in str(error):
            raise MissingPackageError(
                f"OpenCV cannot load a system library ({error}). Install it (Debian: apt-get "
                "install libgl1 libglib2.0-0), or use OpenCV without windows: pip install "
                "--force-reinstall opencv-python-headless"
            ) from None
        raise MissingPackageError(
            f"OpenCV is not installed ({error}). Run: pip install opencv-python"
        ) from None
    # For a camera that does not exist OpenCV prints several lines; siamlab raises one.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2
