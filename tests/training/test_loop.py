"""The loop that all trainings share."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from siamlab.data.collections import open_collection
from siamlab.data.synthetic import write_people
from siamlab.faces.crop import Preprocessing
from siamlab.models.losses import SupervisedContrastive
from siamlab.training.fit import train_people
from siamlab.training.loop import make_variables
from siamlab.training.schedules import WarmupCosine
from siamlab.training.settings import TrainingSettings


class Counted(SupervisedContrastive):
    """Counts how often a training step asks for it: once a trace."""

    asked = 0

    def call(self, y_true, y_pred):
        Counted.asked += "Symbolic" in type(y_pred).__name__
        return super().call(y_true, y_pred)


def network():
    image = keras.Input((16, 16, 3))
    code = keras.layers.Dense(4)(keras.layers.Flatten()(image))
    return keras.Model(image, keras.layers.UnitNormalization()(code))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others trace once anyway")
def test_tensorflow_traces_a_training_step_once(tmp_path):
    people = open_collection(write_people(tmp_path / "people", people=4, images=2, size=60))
    settings = TrainingSettings(steps=2, people=4, loss=Counted(), verbose=0)
    train_people(network(), people, Preprocessing(16, 0.6, alignment="none"), settings)
    assert Counted.asked == 1


def test_what_a_step_needs_is_made_and_nothing_is_learned():
    model = network()
    model.compile(keras.optimizers.AdamW(1e-3), SupervisedContrastive())
    before = [np.array(weight) for weight in model.get_weights()]
    make_variables(model, np.array([0, 0, 1], np.int32))
    if keras.backend.backend() == "tensorflow":
        assert model.optimizer.built and int(model.optimizer.iterations) == 0
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(("steps", "warmup"), [(100, 10), (7, 1), (1, 1)])
def test_the_rates_are_those_of_keras_cosine_decay(steps, warmup):
    ours = WarmupCosine(1e-3, steps, warmup)
    decay = max(1, steps - warmup)
    theirs = keras.optimizers.schedules.CosineDecay(
        0.0, decay, warmup_target=1e-3, warmup_steps=warmup
    )
    for step in range(steps + 20):
        assert float(ours(step)) == pytest.approx(float(theirs(step)), abs=1e-9), step
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    assert again.get_config() == ours.get_config()
