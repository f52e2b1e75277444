"""A split whose validation and test people a model was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siamlab.data.collections import Collection
from siamlab.data.negatives import PRETRAINED_SPLIT, split_negatives
from siamlab.data.splits import Split, split_by_name

if TYPE_CHECKING:
    from siamlab.models.siamese import Siamese


def split_unseen(model: Siamese, negatives: Collection) -> Split:
    """A split whose validation and test people the model was not trained on.

    It is that of :func:`split_negatives`, unless its validation people were trained on, as LFW's
    were for the weights in the package: their own split, by the same digests, then chose head and
    thresholds on its validation people, and nothing on its test people.

    Raises:
        InputError: a part would have fewer than two people.
    """
    split = split_negatives(negatives)
    if any(map(model.metadata.trained_on, split.validation.names)):
        return split_by_name(negatives, PRETRAINED_SPLIT)
    return split
