"""Collects face images of the person in front of the camera.

Those of a real person go into the gallery's vault, and need that person's consent; drawn and
published people's into plain folders, see :mod:`siamlab.gallery.captures`.

There is no user interface here: a notebook's panel draws :class:`CaptureState`; the panel, the
notebook's code and the tests use the same controller.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

import numpy as np

from siamlab.capture.cameras import Camera, DrawnCamera
from siamlab.capture.cameras.base import read_frame
from siamlab.capture.cameras.subject import subject_of
from siamlab.capture.guided import Guidance, GuidedSession, Look
from siamlab.capture.hints import find_hint
from siamlab.capture.stream import FrameReader
from siamlab.config import Workspace
from siamlab.errors import ConsentError, EndOfFrames, InputError, NoFaceError
from siamlab.faces.crop import CHIP_SIZE, count_similar, cut_face
from siamlab.faces.detectors import FaceBox, FaceDetector, open_detector
from siamlab.faces.landmarks import find_landmarks
from siamlab.faces.pose import head_pose
from siamlab.faces.quality import Quality, face_quality
from siamlab.gallery.captures import Captures, VaultCaptures, check_kind, new_captures
from siamlab.gallery.consent import EXEMPT
from siamlab.gallery.store import Agreement
from siamlab.images.decode import ImageFile
from siamlab.system.closing import Closing

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
        hint: the most pressing thing to do about it, for the person; empty when all is well.
        counts: number of images in each folder.
        message: what happened last.
    """

    frame: np.ndarray | None = None
    box: FaceBox | None = None
    chip: np.ndarray | None = None
    quality: Quality | None = None
    warnings: tuple[str, ...] = ()
    hint: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    message: str = ""


class CaptureController(Closing):
    """Looks at frames and saves faces as anchors, positives or probes.

    Args:
        workspace: where images go.
        camera: an open camera or a frame reader; closed by :meth:`close`.
        detector: finds faces; ``None`` opens the best one available.
        consent: what the person agreed to (:func:`siamlab.gallery.consent.give_consent`), or
            ``drawn`` or ``public``. May be left out if the camera says so of its pictures, or
            while an earlier consent holds; it can also be given later (:meth:`agree`).

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
        consent: Agreement = None,
    ) -> None:
        self.workspace = workspace
        self.camera = camera
        subject = subject_of(camera)
        self.consent: Agreement = subject if consent is None and subject in EXEMPT else consent
        self.detector = open_detector() if detector is None else detector
        self._captures: Captures = new_captures(workspace, self.consent)
        self._seen = CaptureState()
        self._problem = ""  # why the frame would be of no use
        self._message = ""
        self._actions: list[tuple[ImageFile, ...]] = []
        # The preview's thread calls step while buttons call capture.
        self._lock = threading.RLock()

    def needs_consent(self) -> bool:
        """Whether the person has to agree before an image can be kept."""
        if not isinstance(self._captures, VaultCaptures):
            return False
        try:
            self._captures.check()
        except ConsentError:
            return True
        return False

    def agree(self, consent: Agreement) -> None:
        """Take the person's consent; images are kept from now on.

        Raises:
            ConsentError: it is over already.
            InputError: this person's folder holds drawn or published images.
        """
        self._captures = new_captures(self.workspace, consent)
        self.consent = consent

    @property
    def captures(self) -> Captures:
        """Where images are kept."""
        return self._captures

    @property
    def counts(self) -> dict[str, int]:
        """Number of images of each kind."""
        return self.captures.counts()

    def latest(self) -> tuple[ImageFile, ...]:
        """All images, this session's last, in the order in which they were taken."""
        taken = [image for action in self._actions for image in action]
        return (*(image for image in self.captures.images() if image not in taken), *taken)

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
            frame = read_frame(self.camera)
            boxes = self.detector.detect(frame)
            hint = self._problem = find_hint(frame.shape, boxes)
            self._seen = CaptureState(frame, warnings=(NO_FACE,), hint=hint)
            if boxes:
                chip = cut_face(frame, boxes[0], CHIP_SIZE)
                quality = face_quality(chip)
                several = count_similar(boxes) > 1
                warnings = (*quality.warnings, *([SEVERAL_FACES] if several else []))
                hint = find_hint(frame.shape, boxes, (*quality.flaws, *quality.warnings))
                self._problem = find_hint(frame.shape, boxes, quality.flaws)
                self._seen = CaptureState(frame, boxes[0], chip, quality, warnings, hint)
            return self.state

    def capture(self, kind: str) -> ImageFile:
        """Save the face of a new frame.

        Args:
            kind: ``anchor``, ``positive`` or ``probes``.

        Returns:
            The new image.

        Raises:
            ConsentError: the person has not agreed.
            NoFaceError: there is no face in the frame.
            CameraError, StorageError: the camera or the disk fails.
        """
        return self.burst(kind, 1, patience=1)[0]

    def burst(
        self, kind: str, count: int, every: int = 1, patience: int = PATIENCE
    ) -> tuple[ImageFile, ...]:
        """Save the faces of several frames; frames without a clear face are skipped.

        What is saved is a cut in LFW's geometry, in which training and enrollment find and align
        the face again: it is saved only if the detector finds it there, too.

        Args:
            kind: ``anchor``, ``positive`` or ``probes``.
            count: how many.
            every: use one frame in so many, for more variety.
            patience: give up after ``count * every * patience`` frames.

        Returns:
            The new images.

        Raises:
            ConsentError: the person has not agreed.
            NoFaceError: too few frames show a face; those saved before stay.
            CameraError, StorageError: the camera or the disk fails.
        """
        check_kind(kind)
        if count < 1 or every < 1:
            raise InputError(f"count and every are at least 1. Received: {count}, {every}.")
        saved: list[ImageFile] = []
        with self._lock:
            try:
                for number in range(count * every * patience):
                    chip = self._step_to_chip(number % every == 0)
                    if chip is not None:
                        saved.append(self.captures.add(kind, chip))
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
                chip = self._step_to_chip(number % every == 0)
            except EndOfFrames:
                return counts
            if chip is not None:
                kind = min(missing, key=lambda kind: counts[kind] - wanted[kind])
                self._remember(kind, (self.captures.add(kind, chip),))
        raise NoFaceError(
            f"No face was found in enough of {most} frames. "
            "Move into the middle and turn on a light."
        )

    def guided(self, wanted: int = 20) -> GuidedSession:
        """A session of so many shots, for :meth:`follow`.

        Raises:
            ConsentError: the person has not agreed: it is asked before the first image.
        """
        if isinstance(self._captures, VaultCaptures):
            self._captures.check()
        return GuidedSession(wanted, lambda chip: bool(self.detector.detect(chip)))

    def follow(self, session: GuidedSession, now: float) -> Guidance:
        """Read one frame for a guided session, and keep it if the session says so.

        Args:
            session: of :meth:`guided`.
            now: in seconds, never going back.

        Returns:
            What to tell the person; :attr:`state` is that of the frame.

        Raises:
            CameraError, ConsentError, StorageError: see :meth:`capture`.
        """
        with self._lock:
            self.step()
            guidance = session.see(now, self._look())
            if guidance.keep and self._seen.chip is not None:
                image = self.captures.add(guidance.keep, self._seen.chip)
                self._remember(guidance.keep, (image,))
            return guidance

    def remove(self, image: ImageFile) -> None:
        """Delete one image; undo does not bring it back."""
        with self._lock:
            self.captures.remove((image,))
            kept = [tuple(one for one in action if one != image) for action in self._actions]
            self._actions = [action for action in kept if action]
            self._message = "Removed 1 image."

    def undo(self) -> tuple[ImageFile, ...]:
        """Delete the images of the last capture or burst that was not undone yet.

        Returns:
            The deleted images; none when there is nothing to undo.
        """
        with self._lock:
            removed = self._actions.pop() if self._actions else ()
            if removed:
                self.captures.remove(removed)
            count = len(removed)
            self._message = f"Removed {_images(count)}." if count else "There is nothing to undo."
            return removed

    def close(self) -> None:
        """Release the camera; harmless when done before."""
        self.camera.close()

    def _step_to_chip(self, used: bool) -> np.ndarray | None:
        """The cut of the next frame; ``None`` where it, or its frame, shows no face or is not used.

        A frame that is not used goes by: no face is looked for, and a drawn one is not drawn.
        """
        if not used:
            if isinstance(self.camera, DrawnCamera):
                self.camera.skip()
            else:
                read_frame(self.camera)
            return None
        chip = self.step().chip
        return chip if chip is not None and self.detector.detect(chip) else None

    def _look(self) -> Look:
        """What the frame read last shows, for a guided session."""
        seen = self._seen
        if seen.frame is None or seen.box is None or seen.quality is None:
            return Look(None, problem=self._problem)
        turn = head_pose(find_landmarks(seen.frame, seen.box)).turn
        return Look(seen.chip, turn, seen.quality.brightness, self._problem)

    def _remember(self, kind: str, saved: tuple[ImageFile, ...]) -> None:
        if saved:
            self._actions.append(saved)
            self._message = f"Saved {_images(len(saved))} to {kind}."


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
