"""A frame in, a verdict out: enrollment, and the comparison of a probe with stored templates.

Input: camera frames or aligned faces, and a person's name. Output: :class:`Verification`.

The report's two thresholds: a template matches when the probability of "same person" reaches
the detection threshold; the person is verified when the share of matching templates reaches
the verification threshold. That is the rule ``vote``; other rules make one score out of several
templates and compare it with the detection threshold (:mod:`siamlab.verification.fusion`). The
probe is embedded once, whatever the number of templates. Several frames decide better than one.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace as replace_fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from siamlab.errors import EmptyFolderError, FaceError, InputError
from siamlab.faces.detectors import FaceBox, FaceDetector, open_detector
from siamlab.faces.quality import check_usable, find_usable_chip
from siamlab.gallery import Enrollment, Gallery
from siamlab.gallery.consent import DRAWN
from siamlab.gallery.search import Candidate
from siamlab.gallery.store import Agreement
from siamlab.images.decode import check_rgb
from siamlab.images.digest import pixel_digest
from siamlab.models.embedder import FaceEmbedder
from siamlab.models.metadata import NOT_CALIBRATED, VERIFICATION, check_domain
from siamlab.system.pickling import OneProcess
from siamlab.verification.fusion import (
    TEMPLATE_RULES,
    check_rule,
    fuse_frames,
    fuse_templates,
    mean_template,
)
from siamlab.verification.identification import (
    STRANGERS,
    Identification,
    Identifier,
    find_unsure,
    identification_threshold,
)
from siamlab.verification.probe import Image, model_inputs, read_pixels
from siamlab.verification.result import Verification
from siamlab.verification.template import make_templates

if TYPE_CHECKING:
    from siamlab.gallery.database_search import DatabaseSearch

# An image that matches no other of its person at this false match rate may be somebody else's. Of
# 109 people of LFW with three images each no image was told wrongly, and 97 % of other people's
# images were told (tried by hand; the threshold of ``pretrained`` was chosen on some of them).
UNLIKE_FMR = 0.01


class Verifier(OneProcess):
    """Verifies people of a gallery with one model.

    Args:
        model: a trained Siamese model, or an exported one. Its weights must not change afterwards.
        gallery: where templates are kept.
        detector: finds faces; ``None`` opens the kind the model's metadata asks for.
        detection_threshold: in [0, 1]; ``None`` takes the model's threshold for verification:
            that of the false match rate it was calibrated for, else of the point ``fmr_0.001``;
            0.5 when it was never calibrated.
        verification_threshold: share of matches in (0, 1].
        rule: what to do about several faces: ``one`` (the answer is unknown), ``largest`` or
            ``center``.
        fusion: how several templates give one answer: ``vote``, ``mean_template``, ``max``,
            ``mean`` or ``median``. The detection threshold was calibrated on single comparisons:
            at it ``max`` and ``mean_template`` turn fewer genuine people away and let more
            impostors in, which asks for a higher one (``benchmarks/fusion.py`` tells how much).
        domain: what the images will be, ``photographs`` or ``drawings``, where it is known. If the
            model's threshold was chosen on the other, a warning says so, and every verdict.
        database: where :meth:`identify` searches; ``None`` takes the gallery itself.

    Raises:
        InputError: a threshold is out of its range, or an unknown rule or domain.

    Example:
        >>> import siamlab
        >>> gallery = siamlab.Gallery("gallery")
        >>> verifier = siamlab.Verifier(siamlab.load_model(), gallery)
        >>> with siamlab.open_camera("drawn:7") as camera:
        ...     verifier.enroll("Ada", [camera.read(), camera.read()], consent="drawn")
        ...     verifier.verify(camera.read(), "Ada")
        Enrollment('Ada', 2 templates of 128 numbers)
        Verification(Ada verified: 2 of 2 templates match (100%, 50% needed))
    """

    def __init__(
        self,
        model: FaceEmbedder,
        gallery: Gallery,
        detector: FaceDetector | None = None,
        detection_threshold: float | None = None,
        verification_threshold: float = 0.5,
        rule: str = "one",
        fusion: str = "vote",
        domain: str | None = None,
        database: DatabaseSearch | None = None,
    ) -> None:
        self.detection_threshold, self.operating_point = model.metadata.choose_threshold(
            detection_threshold, VERIFICATION
        )
        if not 0 < verification_threshold <= 1:
            raise InputError(
                f"verification_threshold is above 0 and at most 1. Received: "
                f"{verification_threshold}."
            )
        self.model = model
        self.gallery = gallery
        self.database = database
        self.preprocessing = model.metadata.preprocessing
        self.detector = open_detector(self.preprocessing.detector) if detector is None else detector
        self.verification_threshold = float(verification_threshold)
        self.rule = rule
        self.fusion = check_rule(fusion, tuple(TEMPLATE_RULES), "fusion")
        self.model_id = model.model_id  # a digest over all weights: too slow for every frame
        self.domain = None if domain is None else check_domain(domain)
        if self.domain_note():
            warnings.warn(self.domain_note(), UserWarning, stacklevel=2)

    def copy(self) -> Self:
        """Another verifier with the same model and gallery, whose thresholds can be changed."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def domain_note(self, domain: str | None = None) -> str:
        """A sentence if the threshold was chosen on another kind of images; else nothing.

        Args:
            domain: of the images, ``photographs`` or ``drawings``; ``None`` takes the verifier's.
        """
        images = self.domain if domain is None else domain
        chosen_on = self.model.metadata.domain
        if images in (None, chosen_on) or self.operating_point in ("given", "default"):
            return ""
        people = "drawn people" if images == "drawings" else "photographs of people"
        return (
            f"This threshold was chosen on {chosen_on}; for {people} calibrate first "
            "(notebook 07, siamlab calibrate)."
        )

    def enroll(
        self,
        person: str,
        images: Sequence[Image],
        aligned: bool = False,
        sources: Sequence[str] = (),
        rule: str | None = None,
        consent: Agreement = None,
        replace: bool = False,
    ) -> Enrollment:
        """Add templates of a person's images to those that are in the gallery.

        An image that has a template already, or is given twice, gets no second one.

        Args:
            person: name, any characters.
            images: uint8 RGB ``(H, W, 3)`` frames or aligned faces, or image files.
            aligned: the images are cut to the aligned face already; no face is searched.
            sources: a word on each image's origin; file names are used where there are files.
            rule: what to do about several faces, see :func:`siamlab.faces.crop.find_face`;
                ``None`` takes the verifier's, and ``alone`` for ``one``: beside another face,
                larger or smaller, nobody is enrolled.
            consent: what the person agreed to, see :meth:`Gallery.enroll
                <siamlab.gallery.store.Gallery.enroll>`; a verifier for ``drawings`` needs none.
            replace: in place of the templates that there are of this model.

        Returns:
            All templates that there are now, and what is new of them.

        Raises:
            ConsentError: the person has not agreed, or the consent is over.
            EmptyFolderError: there are no images.
            NoFaceError, SeveralFacesError, UnusableFaceError: in the first of the images that
                cannot be enrolled; the message names all of them.
            ImageError: a file cannot be read.
            InputError: more or fewer sources than images.
        """
        if not len(images):
            raise EmptyFolderError(f"There are no images to enroll {person!r} from.")
        names = tuple(sources) or tuple(
            _source(image, number) for number, image in enumerate(images, 1)
        )
        if len(names) != len(images):
            raise InputError(f"{len(images)} images have {len(names)} sources; give one each.")
        if rule is None:
            rule = "alone" if self.rule == "one" else self.rule
        cut, digests, refused = [], [], []
        for image, name in zip(images, names, strict=True):
            pixels = read_pixels(image)
            digests.append(pixel_digest(pixels))
            try:
                cut.append(self._find_face(pixels, aligned, rule)[0])
            except FaceError as error:
                refused.append((name, error))
        if refused:  # all of them at once, for whoever brings thirty photographs
            reasons = " ".join(f"{name}: {error}" for name, error in refused)
            count = f"{len(refused)} of {len(images)} images cannot be enrolled, so nothing was."
            raise type(refused[0][1])(f"{count} {reasons}")
        templates = make_templates(self.model, cut)
        if consent is None and self.domain == "drawings":
            consent = DRAWN
        stored = self.gallery.enroll(
            person, templates, self.model_id, names, consent, replace, digests
        )
        return replace_fields(stored, unlike=self._find_unlike(stored))

    def _find_unlike(self, stored: Enrollment) -> tuple[str, ...]:
        """Sources of the new images that match no other template: perhaps somebody else's."""
        found = self.model.metadata.threshold_at(UNLIKE_FMR)
        if found is None or len(stored) < 2:
            return ()
        unlike = []
        for place in range(len(stored) - stored.added, len(stored)):
            others = np.delete(stored.templates, place, axis=0)
            if np.max(self.model.score_pairs(stored.templates[place], others)) < found[0]:
                unlike.append(stored.sources[place])
        return tuple(unlike)

    def verify(
        self, frame: Image, person: str, detector: FaceDetector | None = None
    ) -> Verification:
        """Find the one face in a frame and compare it with a person's templates.

        Args:
            frame: uint8 RGB ``(H, W, 3)``, or an image file.
            person: an enrolled person.
            detector: finds the face in this frame; ``None`` takes the verifier's.

        Returns:
            The verdict; unknown when there is no face, or more than one, or one that is too dark,
            blurred or covered (:mod:`siamlab.faces.quality`).

        Raises:
            NotEnrolledError: the person is not enrolled.
            ModelError: the person was enrolled with another model.
            InputError: the frame has another form.
        """
        enrollment = self.gallery.get(person, self.model_id)
        frame = read_pixels(frame)
        begin = time.perf_counter()
        try:
            chip, box = self._find_face(frame, detector=detector)
        except FaceError as error:
            return self._unknown(person, begin, error)
        return self._compare(chip, enrollment, box, begin)

    def _find_face(
        self,
        image: np.ndarray,
        aligned: bool = False,
        rule: str | None = None,
        detector: FaceDetector | None = None,
    ) -> tuple[np.ndarray, FaceBox | None]:
        """The face that is judged, and where it is; raises a FaceError if there is none."""
        alignment = self.preprocessing.alignment
        if aligned:
            return check_usable(image, alignment), None
        return find_usable_chip(image, detector or self.detector, rule or self.rule, alignment)

    def _unknown(self, person: str, begin: float, error: FaceError) -> Verification:
        seconds = {"detect": time.perf_counter() - begin, "embed": 0.0, "score": 0.0}
        return self._verdict(person, np.zeros(0, np.float32), None, seconds, str(error))

    def verify_aligned(self, face: Image, person: str) -> Verification:
        """Compare a face that was cut out and aligned already; otherwise as :meth:`verify`.

        Args:
            face: uint8 RGB ``(S, S, 3)`` as :func:`siamlab.faces.align.find_chip` cuts it, or an
                image file of one.
            person: an enrolled person.
        """
        enrollment = self.gallery.get(person, self.model_id)
        begin = time.perf_counter()
        try:
            chip, _ = self._find_face(read_pixels(face), aligned=True)
        except FaceError as error:
            return self._unknown(person, begin, error)
        return self._compare(chip, enrollment, None, begin)

    @cached_property
    def identifier(self) -> Identifier:
        """The search behind :meth:`identify`; opens the gallery when first used."""
        return Identifier(self.model, self.gallery, self.model_id, database=self.database)

    def identify(self, frame: np.ndarray, top: int = 5, aligned: bool = False) -> Identification:
        """Find the one face in a frame and compare it with everyone in the gallery.

        Args:
            frame: uint8 RGB ``(H, W, 3)``.
            top: how many candidates at most.
            aligned: the frame is a face that was cut out and aligned already.

        Returns:
            The best candidates, each with the score of their best template; none, and a reason,
            when there is no face, or more than one. The threshold is of the gallery's size, unless
            the verifier was given one.

        Raises:
            NotEnrolledError: nobody is enrolled with this model.
            InputError: the frame has another form, or ``top`` is below 1.
        """
        check_rgb(frame)
        enrolled = self.identifier.people()
        begin = time.perf_counter()
        try:
            cut, box = self._find_face(frame, aligned)
        except FaceError as error:
            seconds = {"detect": time.perf_counter() - begin, "embed": 0.0, "search": 0.0}
            return self._identification((), top, enrolled, None, seconds, str(error))
        image = model_inputs([cut], self.preprocessing)
        found = time.perf_counter()
        probe = self.model.embed(image)[0]
        embedded = time.perf_counter()
        candidates = self.identifier.search(probe, max(top, 2))  # a second one may be as near
        searched = time.perf_counter()
        seconds = {
            "detect": found - begin,
            "embed": embedded - found,
            "search": searched - embedded,
        }
        return self._identification(candidates, top, enrolled, box, seconds)

    def _identification(
        self,
        candidates: tuple[Candidate, ...],
        top: int,
        enrolled: int,
        box: FaceBox | None,
        seconds: dict[str, float],
        reason: str = "",
    ) -> Identification:
        threshold, point, note = self.detection_threshold, self.operating_point, ""
        chosen = identification_threshold(self.model.metadata, enrolled)
        if chosen is not None and point != "given":
            (threshold, note), point = chosen, f"fpir_{STRANGERS:g}"
        elif point == "default":
            note = f"{NOT_CALIBRATED[0].upper()}{NOT_CALIBRATED[1:]}."
        return Identification(
            candidates[:top],
            threshold,
            enrolled,
            box,
            seconds,
            reason or find_unsure(candidates, threshold),
            point,
            self.model_id,
            note,
        )

    def verify_frames(self, frames: Sequence[np.ndarray], person: str) -> Verification:
        """Verify each of several frames of one person and decide on all of them together.

        Args:
            frames: uint8 RGB ``(H, W, 3)`` each, one at least; those without a face are left out.
            person: an enrolled person.

        Returns:
            As :meth:`verify`; unknown when no frame shows one face.

        Raises:
            NotEnrolledError, ModelError, InputError: see :meth:`verify`; or there are no frames.
        """
        return self.fuse([self.verify(frame, person) for frame in frames])

    def fuse(self, verifications: Sequence[Verification]) -> Verification:
        """Decide once on several verdicts of this verifier about one person.

        The scores of the frames are averaged, template by template, and then fused as those of a
        frame are. Unknown verdicts are left out.

        Args:
            verifications: what :meth:`verify` gave, one at least, with the same templates.

        Returns:
            One verdict, with the box of the last face and the time of all frames together.

        Raises:
            InputError: there are none, or they are of several people or enrollments.
        """
        known = [one for one in verifications if one.verified is not None]
        kinds = {(one.person, one.scores.shape) for one in known}
        if not verifications or len(kinds) > 1:
            raise InputError(
                "Frames are fused when there are some, all about one person and the same "
                f"templates. Received: {len(verifications)} of {len(kinds)} kinds."
            )
        seconds = {
            part: sum(one.seconds[part] for one in verifications)
            for part in verifications[-1].seconds
        }
        if not known:
            return replace_fields(verifications[-1], seconds=seconds)
        scores = fuse_frames(np.stack([one.scores for one in known])).astype(np.float32)
        fused = None
        if self.fusion == "mean_template":
            fused = float(np.mean([one.fused for one in known]))
        verdict = self._verdict(known[-1].person, scores, known[-1].box, seconds, fused=fused)
        return replace_fields(verdict, frames=len(known))

    def _compare(
        self, chip: np.ndarray, enrollment: Enrollment, box: FaceBox | None, begin: float
    ) -> Verification:
        image = model_inputs([chip], self.preprocessing)
        found = time.perf_counter()
        probe = self.model.embed(image)[0]
        embedded = time.perf_counter()
        templates, fused = enrollment.templates, None
        if self.fusion == "mean_template":
            templates = np.vstack([templates, mean_template(templates)])
        scores = np.asarray(self.model.score_pairs(probe, templates), np.float32)
        if self.fusion == "mean_template":
            scores, fused = scores[:-1], float(scores[-1])
        scored = time.perf_counter()
        seconds = {"detect": found - begin, "embed": embedded - found, "score": scored - embedded}
        return self._verdict(enrollment.person, scores, box, seconds, fused=fused)

    def _verdict(
        self,
        person: str | None,
        scores: np.ndarray,
        box: FaceBox | None,
        seconds: dict[str, float],
        reason: str = "",
        fused: float | None = None,
    ) -> Verification:
        if fused is None and len(scores):
            fused = float(fuse_templates(scores, self.fusion, self.detection_threshold))
        votes = self.fusion == "vote"
        needed = self.verification_threshold if votes else self.detection_threshold
        return Verification(
            person=person,
            verified=None if fused is None else fused >= needed,
            scores=scores,
            detection_threshold=self.detection_threshold,
            verification_threshold=self.verification_threshold,
            box=box,
            seconds=seconds,
            reason=reason,
            fusion=self.fusion,
            fused=fused,
            operating_point=self.operating_point,
            model=self.model_id,
            note=self.domain_note(),
        )


def _source(image: Image, number: int) -> str:
    if isinstance(image, np.ndarray):
        return f"frame {number}"
    return Path(image).name if isinstance(image, str) else image.name
