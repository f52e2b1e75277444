"""Collects face images of the person in front of the camera.

There is no user interface here: a notebook's panel draws :class:`CaptureState`; the panel, the
notebook's code and the tests use the same controller.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from siamlab.capture.cameras import Camera
from siamlab.capture.stream import FrameReader
from siamlab.config import Workspace
from siamlab.errors import EndOfFrames, InputError, NoFaceError, StorageError
from siamlab.faces.crop import CHIP_SIZE, count_similar, cut_face
from siamlab.faces.detectors import FaceBox, FaceDetector, open_detector
from siamlab.faces.quality import Quality, face_quality
from siamlab.images.decode import SUFFIXES
from siamlab.images.write import unique_name, write_image
from siamlab.system.closing import Closing

KINDS = ("anchor", "positive", "probes")
NO_FACE = "no face"
SEVERAL_FACES = "several faces: the largest is taken"
PATIENCE = 5


@dataclass(frozen=True, eq=False)
class CaptureState:
    """The frame read last, and what was saved so far.

    Attributes:
        frame: uint8 RGB ``(H, W, 3)``, or ``None`` before the first.
        box: the face, or ``None``.
        chip: uint8 RGB ``(250, 250, 3)``, what a capture would save, or ``None``.
        quality: measures of the chip, or ``None``.
        warnings: what is wrong with this frame, one or two words each.
        counts: number of images in each folder.
        message: what happened last.
    """

    frame: np.ndarray | None = None
    box: FaceBox | None = None
    chip: np.ndarray | None = None
    quality: Quality | None = None
    warnings: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    message: str = ""


class CaptureController(Closing):
    """Looks at frames and saves faces as anchors, positives or probes.

    Args:
        workspace: where images go.
        camera: an open camera or a frame reader; closed by :meth:`close`.
        detector: finds faces; ``None`` opens the best one available.

    Example:
        ```python
        with CaptureController(open_workspace(), open_camera("drawn")) as controller:
            controller.capture("anchor")
            controller.burst("positive", 10)
        ```
    """

    def __init__(
        self,
        workspace: Workspace,
        camera: Camera | FrameReader,
        detector: FaceDetector | None = None,
    ) -> None:
        self.workspace = workspace
        self.camera = camera
        self.detector = open_detector() if detector is None else detector
        self._seen = CaptureState()
        self._message = ""
        self._actions: list[tuple[Path, ...]] = []
        # The preview's thread calls step while buttons call capture.
        self._lock = threading.RLock()

    def folder(self, kind: str) -> Path:
        """The folder of ``anchor``, ``positive`` or ``probes``.

        Raises:
            InputError: there is no such kind.
        """
        if kind not in KINDS:
            raise InputError(f"kind is one of {', '.join(KINDS)}. Received: {kind!r}.")
        return Path(getattr(self.workspace, kind))

    @property
    def counts(self) -> dict[str, int]:
        """Number of images in each folder."""
        return {kind: _count(self.folder(kind)) for kind in KINDS}

    @property
    def state(self) -> CaptureState:
        """The frame read last, and what was saved so far."""
        return replace(self._seen, counts=self.counts, message=self._message)

    def step(self) -> CaptureState:
        """Read one frame, find the face in it and judge it; saves nothing.

        Raises:
            CameraError: the camera went away or has no more frames.
        """
        with self._lock:
            frame = self.camera.read()
            self._seen = CaptureState(frame, warnings=(NO_FACE,))
            boxes = self.detector.detect(frame)
            if boxes:
                chip = cut_face(frame, boxes[0], CHIP_SIZE)
                quality = face_quality(chip)
                several = count_similar(boxes) > 1
                warnings = (*quality.warnings, *([SEVERAL_FACES] if several else []))
                self._seen = CaptureState(frame, boxes[0], chip, quality, warnings)
            return self.state

    def capture(self, kind: str) -> Path:
        """Save the face of a new frame.

        Args:
            kind: ``anchor``, ``positive`` or ``probes``.

        Returns:
            The new file.

        Raises:
            NoFaceError: there is no face in the frame.
            CameraError, StorageError: the camera or the disk fails.
        """
        return self.burst(kind, 1, patience=1)[0]

    def burst(
        self, kind: str, count: int, every: int = 1, patience: int = PATIENCE
    ) -> tuple[Path, ...]:
        """Save the faces of several frames; frames without a clear face are skipped.

        What is saved is a cut in LFW's geometry, in which training and enrollment find and align
        the face again: it is saved only if the detector finds it there, too.

        Args:
            kind: ``anchor``, ``positive`` or ``probes``.
            count: how many.
            every: use one frame in so many, for more variety.
            patience: give up after ``count * every * patience`` frames.

        Returns:
            The new files.

        Raises:
            NoFaceError: too few frames show a face; those saved before stay.
            CameraError, StorageError: the camera or the disk fails.
        """
        folder = self.folder(kind)
        if count < 1 or every < 1:
            raise InputError(f"count and every are at least 1. Received: {count}, {every}.")
        saved: list[Path] = []
        with self._lock:
            try:
                for number in range(count * every * patience):
                    chip = self._step_to_chip()
                    if chip is not None and number % every == 0:
                        saved.append(write_image(unique_name(folder, kind), chip))
                    if len(saved) == count:
                        break
            finally:
                self._remember(kind, tuple(saved))
            if len(saved) < count:
                self._message = f"No face in sight: {len(saved)} of {count} saved."
                raise NoFaceError(
                    f"No face was found in enough frames: {len(saved)} of {count} images saved. "
                    "Move into the middle and turn on a light."
                )
        return tuple(saved)

    def fill(self, wanted: dict[str, int], every: int = 1) -> dict[str, int]:
        """Save faces to the folders in turn until each holds as many as wanted, or frames end.

        Args:
            wanted: kind to number of images in its folder, counting those already there.
            every: use one frame in so many, for more variety.

        Returns:
            What each folder holds now; fewer than wanted when a video or folder was too short.

        Raises:
            NoFaceError: hardly any frame shows a face; what was saved stays.
            CameraError, StorageError: the camera or the disk fails.
        """
        most = PATIENCE * every * max(1, sum(wanted.values()))
        for number in range(most):
            counts = self.counts
            missing = [kind for kind in wanted if counts[kind] < wanted[kind]]
            if not missing:
                return counts
            try:
                chip = self._step_to_chip()
            except EndOfFrames:
                return counts
            if chip is not None and number % every == 0:
                kind = min(missing, key=lambda kind: counts[kind] - wanted[kind])
                path = write_image(unique_name(self.folder(kind), kind), chip)
                self._remember(kind, (path,))
        raise NoFaceError(
            f"No face was found in enough of {most} frames. "
            "Move into the middle and turn on a light."
        )

    def undo(self) -> tuple[Path, ...]:
        """Delete the images of the last capture or burst that was not undone yet.

        Returns:
            The deleted files; none when there is nothing to undo.
        """
        with self._lock:
            removed = self._actions.pop() if self._actions else ()
            try:
                for path in removed:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise StorageError(f"Cannot remove {error.filename}: {error.strerror}") from error
            count = len(removed)
            self._message = f"Removed {_images(count)}." if count else "There is nothing to undo."
            return removed

    def close(self) -> None:
        """Release the camera; harmless when done before."""
        self.camera.close()

    def _step_to_chip(self) -> np.ndarray | None:
        """The cut of the next frame; ``None`` where it, or its frame, shows no face."""
        chip = self.step().chip
        return chip if chip is not None and self.detector.detect(chip) else None

    def _remember(self, kind: str, saved: tuple[Path, ...]) -> None:
        if saved:
            self._actions.append(saved)
            self._message = f"Saved {_images(len(saved))} to {kind}."


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _count(folder: Path) -> int:
    names = [path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES]
    return sum(not path.name.startswith(".") for path in names)
