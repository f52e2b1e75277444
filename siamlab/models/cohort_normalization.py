"""Score normalization by a cohort of strangers, as one more coordinate of the embedding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from siamlab.models.embedding import embed_images
from siamlab.system.backend import keras, ops


@keras.saving.register_keras_serializable(package="siamlab")
class CohortNormalization(keras.layers.Layer):
    """Tell who looks like many strangers: one more number in a unit embedding.

    Some faces are like everybody's, and some images are so blurred that they are. Their cosines
    with strangers are high, and so a high cosine says less about them. Score normalization takes
    off a score what each side has with a cohort of strangers (S-norm, Kenny 2010, "Bayesian
    Speaker Verification with Heavy-Tailed Priors"; Matějka et al. 2017, "Analysis of Score
    Normalization in Multilingual Speaker Recognition"). Here that is a coordinate ``p`` of the
    embedding itself, ``[sqrt(1 - p²) e, p]``: it falls as the likeness to the cohort rises, and
    ``p_a p_b`` with it. Embeddings stay unit, and whatever compares them needs to know nothing
    of the cohort.

    Args:
        count: members of the cohort.
        temperature: how much the nearest of them count more than the others.
        center: ``p`` of a face as like the cohort as usual, in (0, 1).
        slope: how much ``p`` falls when the likeness rises by one.

    Call arguments:
        embeddings: unit embeddings ``(batch, dimensions)``.

    Output shape: ``(batch, dimensions + 1)``, unit embeddings.
    """

    def __init__(
        self,
        count: int,
        temperature: float = 0.1,
        center: float = 0.5,
        slope: float = 3.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.count, self.temperature = count, temperature
        self.center, self.slope = center, slope

    def build(self, input_shape: Any) -> None:
        """Make the cohort's embeddings, and the likeness to it that is usual."""
        shape = (self.count, input_shape[-1])
        self.cohort = self.add_weight(
            shape=shape, initializer="glorot_uniform", trainable=False, name="cohort"
        )
        self.usual = self.add_weight(shape=(), initializer="zeros", trainable=False, name="usual")

    def likeness(self, embeddings: Any) -> Any:
        """Cosine with the cohort, ``(batch, 1)``: a mean in which the nearest count most."""
        cosines = ops.matmul(embeddings, ops.transpose(self.cohort))
        total = ops.logsumexp(cosines / self.temperature, axis=1, keepdims=True)
        return self.temperature * (total - math.log(self.count))

    def call(self, embeddings: Any) -> Any:
        """Append the coordinate."""
        more = self.likeness(embeddings) - self.usual
        # Below zero the product of two would rise again; above one an embedding is not unit.
        place = ops.clip(self.center - self.slope * more, 0.0, 0.9)
        rest = ops.sqrt(1.0 - ops.square(place)) * embeddings
        return ops.concatenate([rest, place], axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """``(batch, dimensions + 1)``."""
        return (input_shape[0], input_shape[-1] + 1)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = {"count": self.count, "temperature": self.temperature}
        return {**super().get_config(), **own, "center": self.center, "slope": self.slope}


def normalize_by_cohort(embedding: keras.Model, images: np.ndarray, count: int) -> keras.Model:
    """Let a cohort of strangers normalize unit embeddings, :class:`CohortNormalization`.

    The cohort are the centroids of groups of strangers (k-means), so that a model file holds no
    template of a single person.

    Args:
        embedding: unit embeddings come out.
        images: float32 ``(N, height, width, 3)``, one of each stranger: people whom the network
            was not trained on, and who are not verified.
        count: groups, at most N.

    Returns:
        A model to unit embeddings of one more number.
    """
    from sklearn.cluster import KMeans

    codes = embed_images(embedding, images)
    groups = KMeans(count, n_init=1, random_state=0).fit(codes)
    normalize = CohortNormalization(count, name="cohort")
    code = normalize(embedding.output)
    normalize.set_weights([groups.cluster_centers_, np.float32(0)])
    usual = float(ops.convert_to_numpy(normalize.likeness(codes)).mean())
    normalize.set_weights([groups.cluster_centers_, np.float32(usual)])
    return keras.Model(embedding.input, code, name="embedding")
