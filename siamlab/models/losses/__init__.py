"""What training minimizes beyond Keras' own binary cross-entropy on pairs.

Input: integer person labels ``(batch,)`` of a batch of P people with K images each, and what
the network says about it: embeddings ``(batch, dimensions)``, the logits of all pairs
``(batch, batch)`` that ``PairLogits`` makes of them, or the cosines ``(batch, people)`` that
``PersonCosines`` makes of them. Output: one loss for each image of the batch, in ``keras.ops``
alone.

| loss | looks at | compares |
| --- | --- | --- |
| ``PairCrossEntropy`` | logits | all pairs of the batch, or two pairs an image |
| ``Contrastive`` | embeddings | the same, with a margin |
| ``SemiHardTriplet`` | embeddings | each genuine pair with one impostor |
| ``SupervisedContrastive`` | unit embeddings | each genuine pair with the whole batch |
| ``LargeMarginCosine`` | cosines | each image with all training people |
| ``AdditiveAngularMargin`` | cosines | the same, the margin is an angle |

``WeightedSum`` adds losses that look at the same thing.
"""

from siamlab.models.losses.classification import (
    AdditiveAngularMargin,
    LargeMarginCosine,
    MarginSoftmax,
)
from siamlab.models.losses.pairwise import (
    Contrastive,
    PairCrossEntropy,
    PairLoss,
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
    "MarginSoftmax",
    "PairCrossEntropy",
    "PairLoss",
    "SemiHardTriplet",
    "SupervisedContrastive",
    "WeightedSum",
    "next_in_batch",
    "pair_masks",
]
