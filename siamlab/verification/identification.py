"""Identification: whose face is it, among everyone in the gallery?"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.errors import InputError
from siamlab.faces.detectors import FaceBox
from siamlab.gallery import Enrollment, Gallery, Templates
from siamlab.gallery.search import Candidate, Search, open_search
from siamlab.models.embedder import FaceEmbedder
from siamlab.models.metadata import ModelMetadata, log_odds

if TYPE_CHECKING:
    from siamlab.gallery.database_search import DatabaseSearch

KINDS = ("auto", "exact", "vector")
STRANGERS = 0.01  # of strangers may get a name: the false positive identification rate
# Two people whose log-odds differ by less cannot be told apart. Among LFW's people, 30 to 300
# enrolled, 0.3 to 1.4 % of the searches are so near; 0 to 1.3 % give a wrong name.
UNSURE = 1.0


@dataclass(frozen=True, eq=False)
class Identification:
    """The answer to "who is it?".

    Among N people an impostor is accepted about N times as often as by one: with probability
    ``1 - (1 - FMR) ** N`` (the binomial model of Grother and Phillips 2004). The threshold is that
    of the FMR at which about ``STRANGERS`` of all strangers get a name.

    Attributes:
        candidates: the best people, best first; empty when the answer is unknown.
        threshold: a candidate is accepted from this score on.
        enrolled: how many people were searched.
        box: where the face is in the frame; ``None`` when unknown.
        seconds: time of each step: ``detect``, ``embed``, ``search``.
        reason: why the answer is unknown (no face, several faces, two people too near each
            other); empty otherwise.
        operating_point: ``fpir_0.01``, a false positive identification rate; or ``given``; or of
            a model that was never calibrated ``default``.
        model: the model's id.
        note: what the threshold means for strangers.
    """

    candidates: tuple[Candidate, ...]
    threshold: float
    enrolled: int
    box: FaceBox | None
    seconds: dict[str, float]
    reason: str = ""
    operating_point: str = ""
    model: str = ""
    note: str = ""

    @property
    def verified(self) -> bool | None:
        """Whether somebody was found; ``None`` for unknown."""
        return None if self.reason else self.person is not None

    @property
    def person(self) -> str | None:
        """The best candidate's name; ``None`` when nobody reaches the threshold, or unsure."""
        best = self.candidates[0] if self.candidates and not self.reason else None
        return best.person if best is not None and best.score >= self.threshold else None

    def __str__(self) -> str:
        # No times, so that notebooks show the same on every machine.
        lines = [f"{c.score:.3f}  {c.person}" for c in self.candidates]
        if self.reason:
            return "\n".join([f"unknown who this is: {self.reason}", *lines])
        head = self.person or f"nobody of {self.enrolled} people"
        note = [self.note] if self.note else []
        return "\n".join([f"{head} (threshold {self.threshold:.3f})", *lines, *note])

    def __repr__(self) -> str:
        return f"Identification({self.person!r}, {len(self.candidates)} candidates)"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "person": self.person,
            "verified": self.verified,
            "score": round(self.candidates[0].score, 7) if self.candidates else None,
            "threshold": self.threshold,
            "operating_point": self.operating_point,
            "model": self.model,
            "enrolled": self.enrolled,
            "reason": self.reason,
            "note": self.note,
            "candidates": [
                {"person": c.person, "score": round(c.score, 7), "template": c.template}
                for c in self.candidates
            ],
            "box": None if self.box is None else list(self.box.as_ints()),
            "seconds": dict(self.seconds),
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2)


def identification_threshold(metadata: ModelMetadata, enrolled: int) -> tuple[float, str] | None:
    """The threshold at which about ``STRANGERS`` of all strangers get a name, and a note on it.

    On LFW's test people ``pretrained`` names about 1 % of the strangers with up to 30 people
    enrolled and 0.3 % with 100; the threshold of verification would name 3 % and 9 % with 30 and
    100 (``benchmarks/identification.py``).

    Args:
        metadata: the model's.
        enrolled: people in the gallery.

    Returns:
        ``None`` for a model that was not calibrated.
    """
    fmr = 1 - (1 - STRANGERS) ** (1 / enrolled)
    found = metadata.threshold_at(fmr)
    if found is None:
        return None
    threshold, carried = found
    note = f"At this threshold about 1 in {1 / STRANGERS:.0f} strangers gets a name"
    if not carried:
        note += (
            f", if the model's calibration holds so far: for {enrolled} people it would need "
            "more pairs, and several times as many may"
        )
    return threshold, f"{note}."


def find_unsure(candidates: Sequence[Candidate], threshold: float) -> str:
    """Why the best candidate cannot be named: another one is as near; else empty."""
    if len(candidates) < 2 or candidates[0].score < threshold:
        return ""
    first, second = (log_odds(one.score) for one in candidates[:2])
    if first - second >= UNSURE:
        return ""
    return (
        f"{candidates[0].person} and {candidates[1].person} are too near each other. Take another "
        "picture, or enroll more images of both."
    )


class Identifier:
    """Searches a gallery for the people most similar to one embedding.

    The gallery is opened at the first search, and again after somebody was enrolled or erased.

    Args:
        model: the model that made the templates.
        gallery: where they are stored.
        model_id: ``model.model_id`` if known; computing it reads all weights.
        kind: ``exact``, ``vector`` (needs faiss and a model that ranks by cosine), or ``auto``:
            ``vector`` for 250,000 templates and more where that is possible, else ``exact``.
        database: searches a database in place of all this, for galleries past one machine; for a
            model that ranks by cosine.

    Raises:
        InputError: an unknown kind, or a model that a database cannot search for.

    Example:
        ```python
        identifier = Identifier(model, Gallery("data/workspace/gallery"))
        identifier.search(model.embed(images)[0], top=3)
        ```
    """

    def __init__(
        self,
        model: FaceEmbedder,
        gallery: Gallery,
        model_id: str | None = None,
        kind: str = "auto",
        database: DatabaseSearch | None = None,
    ) -> None:
        if kind not in KINDS:
            raise InputError(f"kind is one of {', '.join(KINDS)}. Received: kind={kind!r}.")
        if database is not None and not model.ranks_by_cosine:
            raise InputError(
                "A database ranks templates by their cosine, as pretrained and compact do. "
                "Received: a model that does not."
            )
        self.model = model
        self.gallery = gallery
        self.model_id = model.model_id if model_id is None else model_id
        self.kind = kind
        self.database = database
        self._opened: tuple[Templates, Search] | None = None

    def open(self) -> Templates:
        """Open the gallery, or check whether it changed, and return the templates to search.

        Raises:
            NotEnrolledError: nobody is enrolled with this model.
            InputError, MissingPackageError: a vector index is asked for and not possible.
        """
        return self._open()[0]

    def people(self) -> int:
        """How many people are searched; raises as :meth:`open`."""
        return len(self.open().people) if self.database is None else self.database.people()

    def search(self, probe: np.ndarray, top: int = 5) -> tuple[Candidate, ...]:
        """Find the people most similar to the probe.

        Args:
            probe: float32 ``(dimensions,)``.
            top: how many people at most.

        Returns:
            Candidates, best first, each person once.

        Raises:
            InputError: the probe has another size, or ``top`` is below 1.
            Others as in :meth:`open`.
        """
        if top < 1:
            raise InputError(f"top is at least 1. Received: top={top}.")
        if self.database is not None:
            return self._score(probe, self.database(probe, top))
        templates, search = self._open()
        dimensions = templates.matrix.shape[1]
        if probe.shape != (dimensions,):
            raise InputError(
                f"The gallery's templates have {dimensions} numbers; a probe has the shape "
                f"({dimensions},). Received: {probe.shape}."
            )
        rows = search(probe, top)
        scores = self.model.score_pairs(probe, templates.matrix[rows])
        people = np.searchsorted(templates.starts, rows, side="right") - 1
        return tuple(
            Candidate(templates.people[person], float(score), int(row - templates.starts[person]))
            for person, row, score in zip(people, rows, scores, strict=True)
        )

    def _score(self, probe: np.ndarray, found: Sequence[Enrollment]) -> tuple[Candidate, ...]:
        """The people whom a database proposed, by the scores of their templates in the vault."""
        candidates = []
        for one in found:
            scores = self.model.score_pairs(probe, one.templates)
            best = int(np.argmax(scores))
            candidates.append(Candidate(one.person, float(scores[best]), best))
        return tuple(sorted(candidates, key=lambda candidate: -candidate.score))

    def _open(self) -> tuple[Templates, Search]:
        templates = self.gallery.templates(self.model_id)
        if self._opened is None or self._opened[0] is not templates:
            self._opened = None  # frees the old index before the next is built
            self._opened = (templates, open_search(templates, self.model, self.kind))
        return self._opened
