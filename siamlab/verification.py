"""A frame in, a verdict out: enrolment, and the comparison of a probe with stored templates.

Comes in: camera frames or face chips, and a person's name. Goes out: :class:`Verification`.

The report's two thresholds: a template matches when the probability of "same person" reaches
the detection threshold; the person is verified when the share of matching templates reaches
the verification threshold. The probe is embedded once, whatever the number of templates.
"""

from __future__ import annotations

import html
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.errors import EmptyFolderError, FaceError, InputError, NoFaceError, SeveralFacesError
from siamlab.faces import FaceBox, cut_face, find_face, open_finder, preprocess
from siamlab.finders import check_rgb
from siamlab.gallery import Enrolment, Gallery
from siamlab.images import read_image

if TYPE_CHECKING:
    from siamlab.faces import Finder
    from siamlab.models import Siamese

DEFAULT_DETECTION_THRESHOLD = 0.5
WORDS = {True: "verified", False: "not verified", None: "unknown"}


@dataclass(frozen=True, eq=False)
class Verification:
    """The answer to "is this the person?".

    Attributes:
        person: who was asked for.
        verified: yes, no, or ``None`` for unknown (no face, several faces).
        scores: float32 ``(N,)``, the probability of "same person" for each template.
        detection_threshold: a template matches from this score on.
        verification_threshold: verified from this share of matches on.
        box: where the face is in the frame; ``None`` for a chip, or when unknown.
        seconds: time of each part: ``detect``, ``embed``, ``score``.
        reason: why the answer is unknown; empty otherwise.
    """

    person: str
    verified: bool | None
    scores: np.ndarray
    detection_threshold: float
    verification_threshold: float
    box: FaceBox | None
    seconds: dict[str, float]
    reason: str = ""

    @property
    def verdict(self) -> str:
        """``verified``, ``not verified`` or ``unknown``."""
        return WORDS[self.verified]

    @property
    def positive(self) -> int:
        """How many templates match."""
        return int(np.count_nonzero(self.scores >= self.detection_threshold))

    @property
    def share(self) -> float:
        """Share of templates that match, in [0, 1]; 0 when the answer is unknown."""
        return self.positive / len(self.scores) if len(self.scores) else 0.0

    @property
    def score(self) -> float | None:
        """The median of the scores: one number for a bar or a table; ``None`` when unknown."""
        return float(np.median(self.scores)) if len(self.scores) else None

    @property
    def latency(self) -> float:
        """Seconds of all parts together."""
        return sum(self.seconds.values())

    def __str__(self) -> str:
        # Neither times nor scores, so that notebooks show the same on every machine.
        if self.verified is None:
            return f"unknown whether this is {self.person}: {self.reason}"
        return (
            f"{self.person} {self.verdict}: {self.positive} of {len(self.scores)} templates match "
            f"({self.share:.0%}, {self.verification_threshold:.0%} needed)"
        )

    def __repr__(self) -> str:
        return f"Verification({self})"

    def _repr_html_(self) -> str:
        colour = {True: "#1a7f37", False: "#b42318", None: "#6b6b6b"}[self.verified]
        return f"<span style='color:{colour};font-weight:600'>{html.escape(str(self))}</span>"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "person": self.person,
            "verified": self.verified,
            "verdict": self.verdict,
            "reason": self.reason,
            "score": self.score,
            "share": self.share,
            "positive": self.positive,
            "templates": len(self.scores),
            "detection_threshold": self.detection_threshold,
            "verification_threshold": self.verification_threshold,
            "scores": [round(float(score), 7) for score in self.scores],
            "box": None if self.box is None else list(self.box.as_ints()),
            "seconds": dict(self.seconds),
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2)


class Verifier:
    """Verifies people of a gallery with one model.

    Args:
        model: a trained Siamese model. Its weights must not change afterwards.
        gallery: where templates are kept.
        finder: finds faces; ``None`` opens the kind the model's record asks for.
        detection_threshold: in [0, 1]; ``None`` takes the model's calibrated threshold, and
            0.5 when it has none.
        verification_threshold: share of matches in (0, 1].
        rule: what to do about several faces: ``one`` (the answer is unknown), ``largest`` or
            ``centre``.

    Raises:
        InputError: a threshold is out of its range.

    Example:
        ```python
        verifier = Verifier(load_model("siamese.keras"), Gallery(workspace.gallery))
        verifier.enrol("Ada", chips, chips=True)
        verifier.verify(frame, "Ada")
        ```
    """

    def __init__(
        self,
        model: Siamese,
        gallery: Gallery,
        finder: Finder | None = None,
        detection_threshold: float | None = None,
        verification_threshold: float = 0.5,
        rule: str = "one",
    ) -> None:
        if detection_threshold is None:
            detection_threshold = model.record.threshold
        if detection_threshold is None:
            detection_threshold = DEFAULT_DETECTION_THRESHOLD
        if not 0 <= detection_threshold <= 1:
            raise InputError(f"detection_threshold is in [0, 1]. Received: {detection_threshold}.")
        if not 0 < verification_threshold <= 1:
            raise InputError(
                f"verification_threshold is above 0 and at most 1. Received: "
                f"{verification_threshold}."
            )
        self.model = model
        self.gallery = gallery
        self.preprocessing = model.record.preprocessing
        self.finder = open_finder(self.preprocessing.finder) if finder is None else finder
        self.detection_threshold = float(detection_threshold)
        self.verification_threshold = float(verification_threshold)
        self.rule = rule
        self.model_id = model.model_id  # a digest over all weights: too slow for every frame

    def enrol(
        self,
        person: str,
        images: Sequence[np.ndarray | Path | str],
        chips: bool = False,
        sources: Sequence[str] = (),
        rule: str | None = None,
    ) -> Enrolment:
        """Store templates of a person's images in the gallery, in place of any former ones.

        Args:
            person: name, any characters.
            images: uint8 RGB ``(H, W, 3)`` frames or chips, or image files.
            chips: the images are chips already; no face is searched.
            sources: a word on each image's origin; file names are used where there are files.
            rule: what to do about several faces; ``None`` takes the verifier's.

        Returns:
            What was stored.

        Raises:
            EmptyFolderError: there are no images.
            NoFaceError, SeveralFacesError: in one of the frames; the message names it.
            ImageError: a file cannot be read.
            InputError: more or fewer sources than images.
        """
        if not len(images):
            raise EmptyFolderError(f"There are no images to enrol {person!r} from.")
        names = tuple(sources) or tuple(_source(image, i) for i, image in enumerate(images, 1))
        if len(names) != len(images):
            raise InputError(f"{len(images)} images have {len(names)} sources; give one each.")
        rule = self.rule if rule is None else rule
        cut = [
            self._enrolled_chip(image, name, chips, rule)
            for image, name in zip(images, names, strict=True)
        ]
        templates = self.model.embed(self._inputs(cut))
        return self.gallery.enrol(person, templates, self.model_id, names)

    def verify(self, frame: np.ndarray, person: str) -> Verification:
        """Find the one face in a frame and compare it with a person's templates.

        Args:
            frame: uint8 RGB ``(H, W, 3)``.
            person: an enrolled person.

        Returns:
            The verdict; unknown when there is no face, or more than one.

        Raises:
            NotEnrolledError: the person is not enrolled.
            ModelError: the person was enrolled with another model.
            InputError: the frame has another form.
        """
        enrolment = self.gallery.get(person, self.model_id)
        check_rgb(frame)
        begin = time.perf_counter()
        try:
            box = find_face(frame, self.finder, self.rule)
        except (NoFaceError, SeveralFacesError) as error:
            seconds = {"detect": time.perf_counter() - begin, "embed": 0.0, "score": 0.0}
            return self._verdict(person, np.zeros(0, np.float32), None, seconds, str(error))
        return self._compare(cut_face(frame, box), enrolment, box, begin)

    def verify_chip(self, chip: np.ndarray | Path | str, person: str) -> Verification:
        """Compare a face that was cut out already; otherwise as :meth:`verify`.

        Args:
            chip: uint8 RGB ``(S, S, 3)`` in LFW's geometry, or an image file of one.
            person: an enrolled person.
        """
        enrolment = self.gallery.get(person, self.model_id)
        image = chip if isinstance(chip, np.ndarray) else read_image(chip)
        check_rgb(image)
        return self._compare(image, enrolment, None, time.perf_counter())

    def _compare(
        self, chip: np.ndarray, enrolment: Enrolment, box: FaceBox | None, begin: float
    ) -> Verification:
        image = self._inputs([chip])
        found = time.perf_counter()
        probe = self.model.embed(image)[0]
        embedded = time.perf_counter()
        scores = np.asarray(self.model.score(probe, enrolment.templates), np.float32)
        scored = time.perf_counter()
        seconds = {"detect": found - begin, "embed": embedded - found, "score": scored - embedded}
        return self._verdict(enrolment.person, scores, box, seconds)

    def _verdict(
        self,
        person: str,
        scores: np.ndarray,
        box: FaceBox | None,
        seconds: dict[str, float],
        reason: str = "",
    ) -> Verification:
        share = float(np.mean(scores >= self.detection_threshold)) if len(scores) else None
        return Verification(
            person=person,
            verified=None if share is None else share >= self.verification_threshold,
            scores=scores,
            detection_threshold=self.detection_threshold,
            verification_threshold=self.verification_threshold,
            box=box,
            seconds=seconds,
            reason=reason,
        )

    def _inputs(self, chips: Sequence[np.ndarray]) -> np.ndarray:
        """float32 ``(N, size, size, 3)`` in [0, 1], cut and scaled as in training."""
        images = np.stack([preprocess(chip, self.preprocessing) for chip in chips])
        return images.astype(np.float32) / np.float32(255)

    def _enrolled_chip(
        self, image: np.ndarray | Path | str, source: str, is_chip: bool, rule: str
    ) -> np.ndarray:
        pixels = image if isinstance(image, np.ndarray) else read_image(image)
        check_rgb(pixels)
        if is_chip:
            return pixels
        try:
            return cut_face(pixels, find_face(pixels, self.finder, rule))
        except FaceError as error:
            raise type(error)(f"{source}: {error}") from error


def _source(image: np.ndarray | Path | str, number: int) -> str:
    return f"frame {number}" if isinstance(image, np.ndarray) else Path(image).name
