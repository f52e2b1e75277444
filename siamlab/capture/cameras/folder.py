"""A folder of images read as a camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamlab.capture.cameras.base import Source
from siamlab.capture.cameras.subject import subject_of
from siamlab.errors import CameraError, EndOfFrames
from siamlab.images.decode import SUFFIXES, is_image_name, read_image


class FolderCamera(Source):
    """The images of a folder, in the order of their names.

    Args:
        path: the folder, or one image file.
        loop: start again at the end.

    Raises:
        CameraError: there is no such folder, or no image in it.

    Example:
        >>> with FolderCamera("holiday/") as camera:          # doctest: +SKIP
        ...     frames = list(camera)
    """

    def __init__(self, path: str | Path, loop: bool = False) -> None:
        self.path = Path(path)
        self.subject = subject_of(self.path)
        self.loop = loop
        if not self.path.exists():
            raise CameraError(f"There is no folder {path}.")
        found = sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]
        self.files = tuple(
            file for file in found if is_image_name(file.name) and file.name[0] != "."
        )
        if not self.files:
            raise CameraError(f"Folder {path} holds no images ({', '.join(sorted(SUFFIXES))}).")
        self._place = 0
        height, width = read_image(self.files[0]).shape[:2]
        super().__init__(f"Folder {path}", (width, height), 0.0)

    def _next(self) -> np.ndarray:
        if self._place >= len(self.files):
            if not self.loop:
                raise EndOfFrames(f"{self.name} has no more images (there were {self._place}).")
            self._place = 0
        self._place += 1
        return read_image(self.files[self._place - 1])
