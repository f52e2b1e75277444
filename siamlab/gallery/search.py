"""One-to-many search: the people whose templates score best with a probe.

Where a model's score depends only on the cosine of two unit templates (``compact``: squared
distance, equal weights in the head), all templates are ranked by one matrix-vector product. Any
other model (Koch: L1 distance, a weight for each of 4096 numbers) scores every template, in
chunks. Very large galleries are ranked by a vector index: one bit for each dimension (RaBitQ, Gao
and Long 2024, as in faiss), and the best few hundred again in float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from siamlab.errors import InputError, MissingPackageError
from siamlab.gallery.store import Templates

VECTOR_FROM = 250_000  # "auto" takes the vector index from this many templates on
RESCORED = 500  # templates of the vector index that are ranked again exactly
_CHUNK_FLOATS = 1_000_000  # 4 MB of templates scored at once: they fit into the processor's cache

# From a probe and a number of people to the rows of their best templates.
Search = Callable[[np.ndarray, int], np.ndarray]


class PairScorer(Protocol):
    """A model that scores pairs of templates: a Siamese model, or an exported one."""

    @property
    def ranks_by_cosine(self) -> bool:
        """Whether the score of two unit templates depends only on their cosine."""

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Score a probe ``(dimensions,)`` with templates ``(N, dimensions)``: ``(N,)``."""


@dataclass(frozen=True)
class Candidate:
    """A person who might be the one in the image.

    Attributes:
        person: name as enrolled.
        score: probability of "same person" with their best template.
        template: index of that template.
    """

    person: str
    score: float
    template: int


def open_search(templates: Templates, model: PairScorer, kind: str = "auto") -> Search:
    """Choose a search: exact by matrix product, exact by the head, or by a vector index.

    Args:
        templates: all people.
        model: scores a probe with templates.
        kind: as for :class:`Identifier`.

    Returns:
        A function from a probe and a number of people to the row of each one's best template,
        best first.

    Raises:
        InputError: ``vector`` for a model that does not rank by cosine.
        MissingPackageError: ``vector`` without faiss.
    """
    cosine = model.ranks_by_cosine and are_unit(templates.matrix)
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


def are_unit(matrix: np.ndarray) -> bool:
    """Whether all templates ``(N, dimensions)`` are unit vectors, to rounding."""
    squares = np.einsum("ij,ij->i", matrix, matrix)
    return bool(np.abs(squares - 1).max() < 1e-3)


def _score_all(model: PairScorer, probe: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    step = max(1, _CHUNK_FLOATS // matrix.shape[1])
    chunks = range(0, len(matrix), step)
    return np.concatenate([model.score_pairs(probe, matrix[i : i + step]) for i in chunks])


def _ranked(templates: Templates, values: Callable[[np.ndarray], np.ndarray]) -> Search:
    """Exact search by one value for each template."""

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

    Builds in seconds for a million templates, without training. The best few hundred templates
    are ranked again in float32, so the order among them is exact.

    Args:
        templates: unit vectors.
        rescored: templates ranked again; more improve recall and take longer.

    Raises:
        MissingPackageError: faiss is not installed.
    """

    def __init__(self, templates: Templates, rescored: int = RESCORED) -> None:
        faiss = _import_faiss()
        matrix = templates.matrix
        dimensions = matrix.shape[1]
        self.templates = templates
        self.rescored = rescored
        # A random rotation first: it spreads the information evenly over the bits.
        kind = f"RR{dimensions},RaBitQfs"
        self.index = faiss.index_factory(dimensions, kind, faiss.METRIC_INNER_PRODUCT)
        step = max(1, _CHUNK_FLOATS // dimensions)
        # Training takes the mean; a sample of the templates is enough.
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
            # One person's templates can fill the list; then search again for more.
            if len(rows) == wanted or count == total:
                return rows
            count = min(4 * count, total)


def _best_of_each(templates: Templates, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The best row of each person among some rows, best first."""
    order = np.lexsort((rows, -values))
    people = np.searchsorted(templates.starts, rows[order], side="right")
    return rows[order][np.sort(np.unique(people, return_index=True)[1])]


def _import_faiss() -> Any:
    try:
        with warnings.catch_warnings():
            # Its generated wrapper gives deprecation warnings on newer Pythons.
            warnings.simplefilter("ignore", DeprecationWarning)
            import faiss
    except ImportError:
        raise MissingPackageError(
            'A vector index needs faiss, which is not installed. Run: pip install "siamlab[search]"'
        ) from None
    return faiss
