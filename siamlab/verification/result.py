"""The answer to "is this the person?"."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.faces.detectors import FaceBox
from siamlab.verification.fusion import (
    TEMPLATE_RULES,
)

if TYPE_CHECKING:
    pass

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
        fusion: the rule that made one answer out of several templates.
        fused: what the rule gave, in [0, 1]: a share for ``vote``, else a score; ``None`` when
            the answer is unknown.
        frames: how many frames with a face stand behind the answer; the scores are their means.
    """

    person: str
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
        """One number for a bar or a table: the fused score, for ``vote`` the median.

        ``None`` when unknown.
        """
        if self.fusion != "vote":
            return self.fused
        return float(np.median(self.scores)) if len(self.scores) else None

    @property
    def latency(self) -> float:
        """Seconds of all parts together."""
        return sum(self.seconds.values())

    def __str__(self) -> str:
        # Neither times nor scores, so that notebooks show the same on every machine.
        if self.verified is None:
            return f"unknown whether this is {self.person}: {self.reason}"
        seen = f", {self.frames} frames" if self.frames > 1 else ""
        if self.fusion != "vote":
            words = TEMPLATE_RULES[self.fusion]
            count = f"{len(self.scores)} template{'s' * (len(self.scores) != 1)}"
            return f"{self.person} {self.verdict} by the {words} of {count}{seen}"
        return (
            f"{self.person} {self.verdict}: {self.positive} of {len(self.scores)} templates match "
            f"({self.share:.0%}, {self.verification_threshold:.0%} needed){seen}"
        )

    def __repr__(self) -> str:
        return f"Verification({self})"

    def _repr_html_(self) -> str:
        color = {True: "#1a7f37", False: "#b42318", None: "#6b6b6b"}[self.verified]
        return f"<span style='color:{color};font-weight:600'>{html.escape(str(self))}</span>"

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
