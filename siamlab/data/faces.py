"""Image files of people in, faces as a model sees them out.

Output: uint8 arrays, and which images showed a face. Whatever is trained, evaluated or calibrated
reads its images here, so that all of them look at the same faces as verification does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np

from siamlab.data.landmark_cache import LandmarkCache, is_public
from siamlab.errors import EmptyFolderError, NoFaceError
from siamlab.faces.align import cut_chip
from siamlab.faces.crop import (
    Preprocessing,
    choose_face,
    count_similar,
    preprocess,
)
from siamlab.faces.detectors import FaceBox, FaceDetector, open_detector
from siamlab.faces.landmarks import find_landmarks
from siamlab.faces.orientation import detect_faces
from siamlab.faces.quality import find_flaws
from siamlab.images.decode import ImageFile, decode_image, read_file, read_image

WORKERS = 4  # decoding, detection and warps release Python's lock


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces of some images.

    Attributes:
        images: uint8 RGB ``(N, size, size, 3)``; black where no face was found.
        found: bool ``(N,)``.
        usable: bool ``(N,)``, false where none was found, or one that a verification refuses.
        several: how many images show further faces of similar size; of them the face nearest to
            the middle of the image counts.
    """

    images: np.ndarray
    found: np.ndarray
    usable: np.ndarray
    several: int = 0

    def __len__(self) -> int:
        return len(self.found)

    @property
    def missing(self) -> int:
        """How many images show no face."""
        return int(np.count_nonzero(~self.found))

    @property
    def unusable(self) -> int:
        """How many show a face that a verification refuses."""
        return int(np.count_nonzero(self.found & ~self.usable))


def load_faces(paths: Sequence[ImageFile], preprocessing: Preprocessing) -> Faces:
    """Read image files, find and align the face in each, and cut it to a model's input.

    Where the faces of public images are (downloaded and drawn people, see
    :func:`siamlab.data.landmark_cache.is_public`) is looked for once and then remembered.

    Args:
        paths: image files of any size.
        preprocessing: alignment, detector, crop and size. With the alignment ``none`` the files
            are chips already, and all of them count as found.

    Returns:
        As many faces as paths.

    Raises:
        EmptyFolderError: there are no paths.
        ImageError: a file cannot be read; the message names it.
    """
    if not paths:
        raise EmptyFolderError("There are no images to load: an empty folder or selection.")
    (faces,) = face_batches(paths, preprocessing, len(paths))
    return faces


def face_batches(
    paths: Sequence[ImageFile], preprocessing: Preprocessing, batch: int, judged: bool = False
) -> Iterator[Faces]:
    """As :func:`load_faces`, ``batch`` images at a time; detectors are opened once for all.

    Args:
        paths, preprocessing: as there.
        batch: images at a time.
        judged: find out which faces a verification refuses (:mod:`siamlab.faces.quality`), as a
            measurement of answers must know; else all that were found are usable.
    """
    reader = _Reader(preprocessing, judged)
    side = preprocessing.size
    black = np.zeros((side, side, 3), np.uint8)
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            for start in range(0, len(paths), batch):
                read = list(pool.map(reader.read, paths[start : start + batch]))
                yield Faces(
                    np.stack([black if face is None else face for face, _, _ in read]),
                    np.array([face is not None for face, _, _ in read]),
                    np.array([usable for _, _, usable in read]),
                    sum(several for _, several, _ in read),
                )
    finally:
        reader.save()


def found_images(paths: Sequence[ImageFile], preprocessing: Preprocessing) -> np.ndarray:
    """The faces of those images that show one; see :func:`load_faces`.

    Returns:
        uint8 RGB ``(M, size, size, 3)``, M at most the number of paths.

    Raises:
        NoFaceError: none of them does.
    """
    faces = load_faces(paths, preprocessing)
    if not faces.found.any():
        raise NoFaceError(
            f"No face was found in any of {len(paths)} images, such as {paths[0]}. Images that are "
            "cut to the face already are read with --aligned."
        )
    return faces.images[faces.found]


class _Reader:
    """Reads faces in several threads: each uses a detector that no other uses just then."""

    def __init__(self, preprocessing: Preprocessing, judged: bool) -> None:
        self.preprocessing, self.judged = preprocessing, judged
        self._free: SimpleQueue[FaceDetector] = SimpleQueue()
        self._cache: LandmarkCache | None = None  # chips need none, and no detector
        if preprocessing.alignment != "none":
            detector = open_detector(preprocessing.detector)
            self._cache = LandmarkCache(detector.name)
            self._free.put(detector)

    def save(self) -> None:
        """Remember where the faces of public images are."""
        if self._cache is not None:
            self._cache.save()

    def read(self, path: ImageFile) -> tuple[np.ndarray | None, bool, bool]:
        """The face, or ``None``; whether there are others of similar size; whether it is usable.

        Of an image that is a chip already its owner says that it can be judged.
        """
        if self._cache is None:
            return preprocess(read_image(path), self.preprocessing), False, True
        if isinstance(path, Path) and is_public(path):
            content = read_file(path)
            digest = hashlib.sha256(content).digest()
            image = decode_image(content, path)
            known = self._cache.get(digest)
            box, several = self._locate(image) if known is None else known
            if known is None:
                self._cache.put(digest, box, several)
        else:
            image = read_image(path)
            box, several = self._locate(image)
        if box is None:
            return None, several, False
        chip = cut_chip(image, box, self.preprocessing.alignment)
        usable = not (self.judged and find_flaws(chip, self.preprocessing.alignment))
        return preprocess(chip, self.preprocessing), several, usable

    def _locate(self, image: np.ndarray) -> tuple[FaceBox | None, bool]:
        try:
            detector = self._free.get_nowait()
        except Empty:
            detector = open_detector(self.preprocessing.detector)
        try:
            boxes = detect_faces(image, detector, self.preprocessing.alignment)
        finally:
            self._free.put(detector)
        if not boxes:
            return None, False
        box = choose_face(image, boxes, "center")
        return find_landmarks(image, box), count_similar(boxes) > 1
