"""A model's test pairs one by one: chosen by decision, score and person, shown with a heat map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.data.faces import load_faces
from siamlab.data.pairs import PairSet
from siamlab.data.pipeline import to_float
from siamlab.errors import NoFaceError
from siamlab.evaluation.occlusion_map import map_occlusion
from siamlab.evaluation.pair_filter import filter_pairs
from siamlab.models.embedder import FaceEmbedder
from siamlab.plotting.heat_plots import plot_heat


class PairExplorer:
    """Chooses test pairs and draws them.

    Args:
        model: scored the pairs.
        pairs: the comparisons.
        scores: ``(N,)`` in [0, 1], as :func:`siamlab.evaluation.score_pairs` gives them.
        threshold: a pair matches when its score is at least this; ``None`` takes the model's.

    Example:
        ```python
        explorer = PairExplorer(model, pairs, score_pairs(model, pairs))
        worst = explorer.choose("mistakes")[0]
        explorer.picture(worst)
        ```
    """

    def __init__(
        self, model: FaceEmbedder, pairs: PairSet, scores: ArrayLike, threshold: float | None = None
    ) -> None:
        self.model = model
        self.pairs = pairs
        self.scores = np.asarray(scores, float)
        self.threshold = model.metadata.choose_threshold(threshold)[0]
        self._heats: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def choose(
        self,
        decisions: str = "all",
        low: float = 0.0,
        high: float = 1.0,
        person: str | None = None,
    ) -> np.ndarray:
        """Numbers of pairs; see :func:`siamlab.evaluation.filter_pairs`."""
        return filter_pairs(self.pairs, self.scores, self.threshold, decisions, low, high, person)

    def describe(self, number: int) -> str:
        """One line about a pair: decision, truth, score, people."""
        score, same = self.scores[number], self.pairs.labels[number] == 1
        match = score >= self.threshold
        decision = {
            (True, True): "match",
            (False, False): "non-match",
            (True, False): "FALSE MATCH",
            (False, True): "FALSE NON-MATCH",
        }[bool(match), bool(same)]
        people = (self.pairs.first_people[number], self.pairs.second_people[number])
        return (
            f"pair {number}: {decision}, score {score:.3f}, {' and '.join(dict.fromkeys(people))}"
        )

    def picture(self, number: int, heat: bool = True) -> Any:
        """Both faces of a pair, as the model sees them.

        Args:
            number: of the pair.
            heat: with a map of where their distance comes from; the network then sees each face
                some 80 times, once.

        Returns:
            A figure with ``alt`` text.

        Raises:
            ImageError: a file cannot be read.
            NoFaceError: an image shows no face.
        """
        files = [self.pairs.first[number], self.pairs.second[number]]
        faces = load_faces(files, self.model.metadata.preprocessing)
        if not faces.found.all():
            where = files[int(np.argmin(faces.found))]
            raise NoFaceError(f"{self.describe(number)}: there is no face in {where}.")
        first, second = faces.images
        if heat and number not in self._heats:
            one, two = to_float(faces.images)
            self._heats[number] = (
                map_occlusion(self.model, one, two).heat,
                map_occlusion(self.model, two, one).heat,
            )
        heats = self._heats[number] if heat else None
        names = self.pairs.first_people[number], self.pairs.second_people[number]
        return plot_heat((first, second), heats, self.describe(number), names)
