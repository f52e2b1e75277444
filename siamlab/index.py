"""One-to-many search: whose face is it, among everyone in the gallery?

Comes in: a probe's embedding and a gallery's templates. Goes out: :class:`Candidate`, best first,
with the score that the model gives to the probe and the person's best template.

Where a model's score depends on the cosine of two unit templates alone (``compact``: squared
distance, equal weights in the head), all templates are ranked by one matrix-vector product. Any
other model (Koch: L1 distance, a weight for each of 4096 numbers) scores every template, in
chunks. Very large galleries are ranked through a vector index: one bit for each dimension
(RaBitQ, Gao and Long 2024, as in faiss), and the best few hundred again with all their bits.
"""

from __future__ import annotations

import html
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.errors import InputError, MissingPackageError
from siamlab.gallery import Gallery, Templates
from siamlab.runtime import ExportedModel

if TYPE_CHECKING:
    from siamlab.faces import FaceBox
    from siamlab.models import Siamese

KINDS = ("auto", "exact", "vector")
VECTOR_FROM = 250_000  # templates from which "auto" takes the vector index
RESCORED = 500  # templates that the vector index hands over for exact ranking
_CHUNK_FLOATS = 1_000_000  # 4 MB of templates at once through a head: what a cache holds

# A search: a probe and a number of people in, row numbers of their best templates out.
Search = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Candidate:
    """A person who might be the one in the image.

    Attributes:
        person: name as enrolled.
        score: probability of "same person" with their best template.
        template: which of their templates that is, from 0.
    """

    person: str
    score: float
    template: int


@dataclass(frozen=True, eq=False)
class Identification:
    """The answer to "who is it?".

    The threshold is that of a comparison with one person. Among N people, impostors come through
    about N times as often: ``1 - (1 - FMR) ** N`` of all strangers find somebody (the binomial
    model of Grother and Phillips 2004). A large gallery needs a threshold calibrated at a smaller
    FMR.

    Attributes:
        candidates: the best people, best first; empty when the answer is unknown.
        threshold: a candidate is accepted from this score on.
        enrolled: how many people were searched.
        box: where the face is in the frame; ``None`` when unknown.
        seconds: time of each part: ``detect``, ``embed``, ``search``.
        reason: why the answer is unknown (no face, several faces); empty otherwise.
    """

    candidates: tuple[Candidate, ...]
    threshold: float
    enrolled: int
    box: FaceBox | None
    seconds: dict[str, float]
    reason: str = ""

    @property
    def person(self) -> str | None:
        """The best candidate's name; ``None`` when nobody reaches the threshold."""
        best = self.candidates[0] if self.candidates else None
        return best.person if best is not None and best.score >= self.threshold else None

    def __str__(self) -> str:
        # No times, so that notebooks show the same on every machine.
        if self.reason:
            return f"unknown who this is: {self.reason}"
        head = self.person or f"nobody of {self.enrolled} people"
        lines = [f"{c.score:.3f}  {c.person}" for c in self.candidates]
        return "\n".join([f"{head} (threshold {self.threshold:.3f})", *lines])

    def __repr__(self) -> str:
        return f"Identification({self.person!r}, {len(self.candidates)} candidates)"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "person": self.person,
            "threshold": self.threshold,
            "enrolled": self.enrolled,
            "reason": self.reason,
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


class Identifier:
    """Finds people of a gallery by one embedding.

    The gallery is opened at the first search, and again when somebody was enrolled or erased.

    Args:
        model: the model that made the templates.
        gallery: where they are kept.
        model_id: ``model.model_id``, if at hand: it is a digest over all weights.
        kind: ``exact``, ``vector`` (needs faiss and a model that ranks by cosine), or ``auto``:
            ``vector`` for 250,000 templates and more where that can be, else ``exact``.

    Raises:
        InputError: an unknown kind.

    Example:
        ```python
        identifier = Identifier(model, Gallery("data/workspace/gallery"))
        identifier.search(model.embed(images)[0], top=3)
        ```
    """

    def __init__(
        self,
        model: Siamese | ExportedModel,
        gallery: Gallery,
        model_id: str | None = None,
        kind: str = "auto",
    ) -> None:
        if kind not in KINDS:
            raise InputError(f"kind is one of {', '.join(KINDS)}. Received: kind={kind!r}.")
        self.model = model
        self.gallery = gallery
        self.model_id = model.model_id if model_id is None else model_id
        self.kind = kind
        self._opened: tuple[Templates, Search] | None = None

    def open(self) -> Templates:
        """Open the gallery, or look whether it changed.

        Returns:
            The templates that will be searched.

        Raises:
            NotEnrolledError: nobody is enrolled with this model.
            InputError, MissingPackageError: a vector index is asked for and cannot be.
        """
        return self._open()[0]

    def search(self, probe: np.ndarray, top: int = 5) -> tuple[Candidate, ...]:
        """The people most like the probe.

        Args:
            probe: float32 ``(dimensions,)``.
            top: how many people at most.

        Returns:
            Candidates, best first, each person once.

        Raises:
            InputError: the probe has another size, or ``top`` is below 1.
            Others as in :meth:`open`.
        """
        templates, search = self._open()
        _check(probe, templates, top)
        rows = search(probe, top)
        return _candidates(templates, rows, self.model.score(probe, templates.matrix[rows]))

    def _open(self) -> tuple[Templates, Search]:
        templates = self.gallery.templates(self.model_id)
        if self._opened is None or self._opened[0] is not templates:
            self._opened = None  # the former index goes before the next takes its memory
            self._opened = (templates, open_search(templates, self.model, self.kind))
        return self._opened


def open_search(templates: Templates, model: Any, kind: str = "auto") -> Search:
    """The way to search: exact by product, exact through the head, or by a vector index.

    Args:
        templates: all people.
        model: a Siamese or an exported model; needs ``score`` alone for exact search.
        kind: as for :class:`Identifier`.

    Returns:
        A function from a probe and a number of people to the row of each one's best template,
        best first.

    Raises:
        InputError: ``vector`` for a model that does not rank by cosine.
        MissingPackageError: ``vector`` without faiss.
    """
    cosine = ranks_by_cosine(model) and _are_unit(templates.matrix)
    if kind == "vector" and not cosine:
        raise InputError(
            "A vector index needs unit templates and a head with equal weights on their squared "
            'distance, as compact has. Received: another model; take kind="exact".'
        )
    if kind == "vector" or (kind == "auto" and cosine and len(templates) >= VECTOR_FROM):
        try:
            return VectorSearch(templates)
        except MissingPackageError:
            if kind == "vector":
                raise
    if cosine:
        return _ranked(templates, lambda probe: templates.matrix @ probe)
    return _ranked(templates, lambda probe: _score_all(model, probe, templates.matrix))


def ranks_by_cosine(model: Any) -> bool:
    """Whether the score of two unit templates grows with their cosine and nothing else.

    For unit templates the squared differences sum to ``2 - 2 cos``: so it is when the head gives
    all of them one negative weight.
    """
    weights = _squared_weights(model)
    if weights is None:
        return False
    return bool(weights.max() < 0 and np.ptp(weights) <= 1e-6 * np.abs(weights).max())


def _squared_weights(model: Any) -> np.ndarray | None:
    """The head's weights on squared differences; ``None`` for another distance."""
    if isinstance(model, ExportedModel):
        squared = model.about.distance == "squared"
        return np.asarray(model.about.weights) if squared else None
    if not hasattr(model, "distance"):
        return None
    from siamlab.backend import ops  # not above: an exported model needs no Keras
    from siamlab.layers import SquaredDistance

    if not isinstance(model.distance, SquaredDistance):
        return None
    return np.asarray(ops.convert_to_numpy(model.head.kernel))[:, 0]


def _are_unit(matrix: np.ndarray) -> bool:
    squares = np.einsum("ij,ij->i", matrix, matrix)
    return bool(np.abs(squares - 1).max() < 1e-3)


def _score_all(model: Any, probe: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    step = max(1, _CHUNK_FLOATS // matrix.shape[1])
    chunks = range(0, len(matrix), step)
    return np.concatenate([model.score(probe, matrix[i : i + step]) for i in chunks])


def _ranked(templates: Templates, values: Callable[[np.ndarray], np.ndarray]) -> Search:
    """Exact search by a value for every template."""

    def search(probe: np.ndarray, top: int) -> np.ndarray:
        of_rows = values(probe)
        of_people = np.maximum.reduceat(of_rows, templates.starts)
        top = min(top, len(of_people))
        best = np.argpartition(-of_people, top - 1)[:top]
        best = best[np.lexsort((best, -of_people[best]))]
        ends = np.append(templates.starts[1:], len(of_rows))
        spans = zip(templates.starts[best], ends[best], strict=True)
        return np.array([start + np.argmax(of_rows[start:end]) for start, end in spans], np.int64)

    return search


class VectorSearch:
    """Search through a faiss index that keeps one bit for each dimension.

    Builds in seconds for a million templates, without training. The few hundred templates that
    look best are ranked again by their float32 numbers, which stay where they are (mapped from
    disk), so the order among them is exact.

    Args:
        templates: unit vectors.
        rescored: templates ranked again; more find more, and take longer.

    Raises:
        MissingPackageError: faiss is not installed.
    """

    def __init__(self, templates: Templates, rescored: int = RESCORED) -> None:
        faiss = _import_faiss()
        matrix = templates.matrix
        dimensions = matrix.shape[1]
        self.templates = templates
        self.rescored = rescored
        # A random rotation first: it spreads what the templates say evenly over the bits.
        kind = f"RR{dimensions},RaBitQfs"
        self.index = faiss.index_factory(dimensions, kind, faiss.METRIC_INNER_PRODUCT)
        step = max(1, _CHUNK_FLOATS // dimensions)
        # Training is taking the mean; every tenth template or so gives it.
        self.index.train(np.array(matrix[:: -(-len(matrix) // step)]))
        for start in range(0, len(matrix), step):
            self.index.add(np.array(matrix[start : start + step]))

    def __call__(self, probe: np.ndarray, top: int) -> np.ndarray:
        """Rows of the best templates of ``top`` people, best first."""
        total = len(self.templates)
        wanted = min(top, len(self.templates.people))
        count = min(max(self.rescored, top), total)
        while True:
            found = self.index.search(probe[None], count)[1][0]
            found = np.sort(found[found >= 0])
            values = self.templates.matrix[found] @ probe
            rows = _best_of_each(self.templates, found, values)[:top]
            # One person's templates can fill the list; then ask for more.
            if len(rows) == wanted or count == total:
                return rows
            count = min(4 * count, total)


def _best_of_each(templates: Templates, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The best row of each person among some rows, best first."""
    order = np.lexsort((rows, -values))
    people = np.searchsorted(templates.starts, rows[order], side="right")
    return rows[order][np.sort(np.unique(people, return_index=True)[1])]


def _candidates(
    templates: Templates, rows: np.ndarray, scores: np.ndarray
) -> tuple[Candidate, ...]:
    people = np.searchsorted(templates.starts, rows, side="right") - 1
    return tuple(
        Candidate(templates.people[person], float(score), int(row - templates.starts[person]))
        for person, row, score in zip(people, rows, scores, strict=True)
    )


def _check(probe: np.ndarray, templates: Templates, top: int) -> None:
    dimensions = templates.matrix.shape[1]
    if probe.shape != (dimensions,):
        raise InputError(
            f"The gallery's templates have {dimensions} numbers; a probe has the shape "
            f"({dimensions},). Received: {probe.shape}."
        )
    if top < 1:
        raise InputError(f"top is at least 1. Received: top={top}.")


def _import_faiss() -> Any:
    try:
        with warnings.catch_warnings():
            # Its generated wrapper meets newer Pythons with deprecation warnings.
            warnings.simplefilter("ignore", DeprecationWarning)
            import faiss
    except ImportError:
        raise MissingPackageError(
            'A vector index needs faiss, which is not installed. Run: pip install "siamlab[search]"'
        ) from None
    return faiss
