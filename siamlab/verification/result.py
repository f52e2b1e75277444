"""The answer to "is this the person?", and to "do two images show the same person?"."""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from siamlab.faces.detectors import FaceBox
from siamlab.models.metadata import NOT_CALIBRATED
from siamlab.system.opencv import import_cv2
from siamlab.verification.fusion import TEMPLATE_RULES

WORDS = {True: "verified", False: "not verified", None: "unknown"}
# RGB of each verdict, in pictures and on pages: white words on it have a contrast of 4.5 and more.
VERDICT_COLORS: dict[bool | None, tuple[int, int, int]] = {
    True: (26, 127, 55),
    False: (180, 35, 24),
    None: (90, 90, 90),
}
FACE_PIXELS = 120  # side of a face in a notebook


@dataclass(frozen=True, eq=False)
class Verification:
    """The answer to "is this the person?", or to "do two images show the same person?".

    Attributes:
        person: who was asked for; ``None`` where two images were compared.
        verified: yes, no, or ``None`` for unknown (no face, several faces).
        scores: float32 ``(N,)``, the probability of "same person" for each template.
        detection_threshold: a template matches from this score on.
        verification_threshold: verified from this share of matches on.
        box: where the face is in the frame; ``None`` for an aligned face, or when unknown.
        seconds: time of each part: ``detect``, ``embed``, ``score``.
        reason: why the answer is unknown; empty otherwise.
        fusion: the rule that made one answer out of several templates.
        fused: the rule's result, in [0, 1]: a share for ``vote``, else a score; ``None`` when
            the answer is unknown.
        frames: how many frames with a face stand behind the answer; the scores are their means.
        faces: uint8 RGB chips of the two images that were compared, else empty.
        operating_point: which of the model's thresholds was used: ``fmr_0.001``, another rate
            that it was calibrated for, ``given`` or ``default``
            (:meth:`siamlab.models.metadata.ModelMetadata.choose_threshold`).
        model: the model's id.
        note: what a reader must know before the verdict, such as a threshold that was chosen on
            another kind of images; empty otherwise.

    Example:
        >>> from siamlab.verification.result import Verification
        >>> Verification("Ada", True, np.float32([0.9, 0.8]), 0.5, 0.5, None, {}, fused=1.0)
        Verification(Ada verified: 2 of 2 templates match (100%, 50% needed))
    """

    person: str | None
    verified: bool | None
    scores: np.ndarray
    detection_threshold: float
    verification_threshold: float
    box: FaceBox | None
    seconds: dict[str, float]
    reason: str = ""
    fusion: str = "vote"
    fused: float | None = None
    frames: int = 1
    faces: tuple[np.ndarray, ...] = ()
    operating_point: str = ""
    model: str = ""
    note: str = ""

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
    def probability(self) -> float | None:
        """One score in [0, 1]: the fused one, for ``vote`` the median; ``None`` when unknown."""
        if self.fusion != "vote":
            return self.fused
        return float(np.median(self.scores)) if len(self.scores) else None

    @property
    def threshold(self) -> float:
        """What :attr:`probability` is compared with."""
        return self.detection_threshold

    @property
    def numbers(self) -> str:
        """Probability and threshold in words; empty when there is no probability."""
        if self.probability is None:
            return ""
        return f"probability {self.probability:.3f}, threshold {self.threshold:.3f}"

    @property
    def strangers(self) -> str:
        """How many strangers the operating point lets in, in words; empty without a verdict."""
        if self.verified is None:
            return ""
        if self.operating_point == "default":
            return NOT_CALIBRATED
        if not self.operating_point.startswith("fmr_"):
            return ""
        rate = float(self.operating_point.removeprefix("fmr_"))
        return f"at this threshold about 1 in {1 / rate:,.0f} strangers matches"

    @property
    def latency(self) -> float:
        """Seconds of all parts together."""
        return sum(self.seconds.values())

    def __str__(self) -> str:
        about = self._about_two_images() if self.person is None else self._about_person()
        return f"{self.note} {about}" if self.note else about

    def _about_person(self) -> str:
        # Neither times nor scores, so that notebooks show the same on every machine.
        if self.verified is None:
            return f"unknown whether this is {self.person}: {self.reason}"
        seen = f", {self.frames} frames" if self.frames > 1 else ""
        if not len(self.scores):  # without_scores
            return f"{self.person} {self.verdict}{seen}"
        if self.fusion != "vote":
            words = TEMPLATE_RULES[self.fusion]
            count = f"{len(self.scores)} template{'s' * (len(self.scores) != 1)}"
            return f"{self.person} {self.verdict} by the {words} of {count}{seen}"
        return (
            f"{self.person} {self.verdict}: {self.positive} of {len(self.scores)} templates match "
            f"({self.share:.0%}, {self.verification_threshold:.0%} needed){seen}"
        )

    def _about_two_images(self) -> str:
        if self.verified is None:
            return f"unknown: {self.reason}"
        people = "the same person" if self.verified else "different people"
        return f"{people}: {self.numbers}"

    def __repr__(self) -> str:
        return f"Verification({self})"

    def _repr_html_(self) -> str:
        verdict = badge(str(self), VERDICT_COLORS[self.verified])
        if not self.faces:
            return verdict
        pictures = "".join(map(_picture, self.faces))
        return f"<div style='display:flex;gap:6px'>{pictures}</div><div>{verdict}</div>"

    def without_scores(self) -> Verification:
        """The verdict alone, for who tries: scores tell how to come closer."""
        return replace(self, scores=np.zeros(0, np.float32), fused=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "person": self.person,
            "verified": self.verified,
            "verdict": self.verdict,
            "reason": self.reason,
            "note": self.note,
            "score": self.probability,
            "threshold": self.threshold,
            "operating_point": self.operating_point,
            "model": self.model,
            "share": self.share,
            "positive": self.positive,
            "templates": len(self.scores),
            "frames": self.frames,
            "fusion": self.fusion,
            "fused": self.fused,
            "detection_threshold": self.detection_threshold,
            "verification_threshold": self.verification_threshold,
            "scores": [round(float(score), 7) for score in self.scores],
            "box": None if self.box is None else list(self.box.as_ints()),
            "seconds": dict(self.seconds),
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2)


def badge(text: str, color: tuple[int, int, int]) -> str:
    """HTML of white words on a color: as readable on a dark page as on a light one.

    Args:
        text: plain text.
        color: RGB, dark enough for white words.
    """
    return (
        f"<span style='background:rgb{color};color:#fff;font-weight:600;padding:2px 8px;"
        f"border-radius:4px'>{html.escape(text)}</span>"
    )


def _picture(face: np.ndarray) -> str:
    """HTML of a face, self-contained."""
    cv2 = import_cv2()
    small = cv2.resize(face, (FACE_PIXELS, FACE_PIXELS), interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".png", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
    text = base64.b64encode(data.tobytes()).decode("ascii")
    return f"<img alt='face' width='{FACE_PIXELS}' src='data:image/png;base64,{text}'>"
