"""One way to read frames: a webcam, the browser's, a video file, a folder, a drawn person.

Every camera is a context manager and is released when the block ends, however it ends. A read
that fails or is interrupted releases it too, so that a notebook cell can be run again.
"""

from __future__ import annotations

from pathlib import Path

from siamlab.capture.cameras.base import Camera
from siamlab.capture.cameras.browser import BrowserCamera, open_browser_camera
from siamlab.capture.cameras.device import (
    CameraInfo,
    OpenCVCamera,
    format_cameras,
    may_exist,
    probe_cameras,
)
from siamlab.capture.cameras.drawn import DrawnCamera
from siamlab.capture.cameras.folder import FolderCamera
from siamlab.config import user_path
from siamlab.errors import CameraError, InputError
from siamlab.images.decode import is_image_name

__all__ = [
    "BrowserCamera",
    "Camera",
    "CameraInfo",
    "DrawnCamera",
    "FolderCamera",
    "OpenCVCamera",
    "format_cameras",
    "open_camera",
    "probe_cameras",
]


def open_camera(
    source: int | str | Path = 0,
    size: tuple[int, int] | None = None,
    loop: bool = False,
    frames: int | None = None,
) -> OpenCVCamera | FolderCamera | DrawnCamera | BrowserCamera:
    """Open a webcam, a video, a folder of images, a drawn person, or the browser's camera.

    Args:
        source: a webcam's index (``0`` or ``"0"``) or device file (``/dev/video0``,
            ``/dev/v4l/by-id/...``), a video file, a folder of images or one image, a stream's
            address, or ``"drawn"``, ``"drawn:7"`` (person 7), ``"drawn:7:2"``
            (the same person another day). ``"browser"`` is the camera of the computer that shows
            the notebook (:class:`BrowserCamera`), ``"auto"`` a webcam of this machine, else the
            browser's; which, it prints. A folder called ``0`` or ``drawn`` is given as a ``Path``.
        size: width and height to ask for, pixels (webcams, the browser's too, and drawn people).
        loop: start a folder again at its end.
        frames: number of frames of a drawn person; ``None`` has no end.

    Raises:
        CameraError: it cannot be opened.
        InputError: ``drawn:`` is not followed by numbers.

    Example:
        >>> import siamlab
        >>> with siamlab.open_camera("drawn:7") as camera:
        ...     camera.read().shape
        (480, 640, 3)
    """
    if isinstance(source, Path):
        return _open_path(source, size, loop)
    text = str(source)
    if text.isdecimal():
        return OpenCVCamera(int(text), size)
    if text == "drawn" or text.startswith("drawn:"):
        seed, session = _drawn_numbers(text)
        return DrawnCamera(seed, size or (640, 480), frames, session)
    if text == "browser":
        return open_browser_camera(size)
    if text == "auto":
        return _open_auto(size)
    if "://" in text:
        return OpenCVCamera(text, size)
    return _open_path(Path(text), size, loop)


def _open_auto(size: tuple[int, int] | None) -> OpenCVCamera | BrowserCamera:
    camera: OpenCVCamera | BrowserCamera
    try:
        if not may_exist(0):
            raise CameraError("There is none.")
        camera = OpenCVCamera(0, size)
        print(f"{camera.name}, of the machine on which this runs, is used.")
    except CameraError:
        camera = open_browser_camera(size)
        print(f"{camera.name}: used because the machine on which this runs has none that opens.")
    return camera


def _open_path(path: Path, size: tuple[int, int] | None, loop: bool) -> OpenCVCamera | FolderCamera:
    path = user_path(path)
    if not path.exists():
        raise CameraError(
            f"There is no camera, file or folder {str(path)!r}. Use an index such as 0, a video, "
            "a folder of images, 'drawn', or 'browser'."
        )
    if path.is_dir() or is_image_name(path.name):
        return FolderCamera(path, loop)
    return OpenCVCamera(path, size)


def _drawn_numbers(text: str) -> tuple[int, int]:
    """Seed and session of ``drawn[:seed[:session]]``."""
    parts = text.split(":")[1:]
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise InputError(
            f"A drawn person is named 'drawn', 'drawn:7' or 'drawn:7:2'; received {text!r}."
        )
    numbers = [int(part) for part in parts]
    return (numbers[0] if numbers else 7), (numbers[1] if len(numbers) == 2 else 1)
