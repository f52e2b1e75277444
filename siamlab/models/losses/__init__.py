"""What training minimizes beyond Keras' own binary cross-entropy on pairs.

Input: integer person labels ``(batch,)`` of P people with K images each, and the network's
output: embeddings ``(batch, dimensions)``, their logits for all pairs ``(batch, batch)`` from
``PairLogits``, or their cosines ``(batch, people)`` from ``PersonCosines``. Output: one loss for
each image.

| loss | input | compares |
| --- | --- | --- |
| ``PairCrossEntropy`` | logits | all pairs of the batch, or two pairs an image |
| ``Contrastive`` | embeddings | the same, with a margin |
| ``SemiHardTriplet`` | embeddings | each genuine pair with one impostor |
| ``SupervisedContrastive`` | unit embeddings | each genuine pair with the whole batch |
| ``LargeMarginCosine`` | cosines | each image with all training people |
| ``AdditiveAngularMargin`` | cosines | the same, the margin is an angle |

``WeightedSum`` adds losses of the same input.
"""

from siamlab.models.losses.classification import AdditiveAngularMargin, LargeMarginCosine
from siamlab.models.losses.pairwise import (
    Contrastive,
    PairCrossEntropy,
    next_in_batch,
    pair_masks,
)
from siamlab.models.losses.supervised_contrastive import SupervisedContrastive
from siamlab.models.losses.triplet import SemiHardTriplet
from siamlab.models.losses.weighted_sum import WeightedSum

__all__ = [
    "AdditiveAngularMargin",
    "Contrastive",
    "LargeMarginCosine",
    "PairCrossEntropy",
    "SemiHardTriplet",
    "SupervisedContrastive",
    "WeightedSum",
    "next_in_batch",
    "pair_masks",
]
