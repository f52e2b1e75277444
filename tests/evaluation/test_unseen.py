"""A split whose validation and test people a model was not trained on."""

from __future__ import annotations

from types import SimpleNamespace

from siamlab.data.negatives import split_negatives
from siamlab.evaluation import split_unseen
from siamlab.models.metadata import ModelMetadata, digests


def trained_on(people):
    """A model with the metadata that the split reads."""
    return SimpleNamespace(metadata=ModelMetadata(people=digests(people)))


def test_a_model_trained_on_none_of_them_gets_the_series_split(crowd):
    ours, theirs = split_negatives(crowd), split_unseen(trained_on(["somebody else"]), crowd)
    assert [part.names for part in theirs] == [part.names for part in ours]


def test_people_of_the_packaged_weights_are_in_neither_validation_nor_test(crowd):
    # 0.8 of the digests were trained on: the series' training and validation people.
    ours = split_negatives(crowd)
    known = {*ours.train.names, *ours.validation.names}
    theirs = split_unseen(trained_on(known), crowd)
    assert set(theirs.train.names) == known
    assert {*theirs.validation.names, *theirs.test.names} == set(ours.test.names)
