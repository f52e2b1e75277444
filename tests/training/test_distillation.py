"""A teacher's embeddings are learned from faces without names."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.data.collections import open_collection
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding
from siamlab.models.siamese import build_siamese
from siamlab.system.backend import keras, set_seed
from siamlab.training.distillation import DistillationLoss, distill, mix_faces, prepare_lessons
from siamlab.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("shallow_compact", "eager_training")

SEEN = Preprocessing(32, 0.6)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = write_people(tmp_path_factory.mktemp("drawn"), people=8, images=2, seed=5)
    return open_collection(folder).images


@pytest.fixture(scope="module")
def lessons(images):
    set_seed(1)
    teacher = build_siamese(build_embedding("compact", (32, 32, 3), 0.25), "squared")
    return prepare_lessons(images, teacher.with_metadata(preprocessing=SEEN), SEEN, mixed=8)


def student():
    set_seed(2)
    return build_embedding("compact", (32, 32, 3), 0.25)


def test_the_loss_by_hand():
    teacher = np.float32([[1.0, 0.0], [0.6, 0.8]])
    given = np.float32([[0.8, 0.6], [0.6, 0.8]])
    # Directions: 0.2 and 0. Cosines: 0.96 instead of 0.6, twice of four.
    by_hand = 0.1 / 0.5 + 10 * (2 * 0.36**2 / 4) / 0.25
    assert float(DistillationLoss(0.5)(teacher, given)) == pytest.approx(by_hand, rel=1e-5)


def test_mixed_faces_lie_between_the_two():
    dark, light = (np.full((50, 50, 3), level, np.uint8) for level in (40, 200))
    for seed in range(6):
        mixed = mix_faces(dark, light, np.random.default_rng(seed))
        assert mixed.shape == dark.shape and mixed.dtype == np.uint8
        assert mixed.min() >= 40 and mixed.max() <= 200 and mixed.mean() not in (40, 200)


def test_lessons_hold_real_and_mixed_faces(lessons, images):
    assert lessons.real == len(images) - lessons.missing == len(lessons.targets) - 8
    assert len(lessons.sources) == len(lessons.targets) and lessons.sources.dtype == np.uint8
    assert np.allclose((lessons.targets**2).sum(axis=1), 1, atol=1e-4)


def test_a_student_comes_nearer_to_its_teacher_and_reloads(lessons, tmp_path):
    network = student()
    history = distill(network, lessons, SEEN, TrainingSettings(
        steps=20, steps_per_epoch=5, verbose=0))  # fmt: skip
    losses = history.metrics["loss"]
    assert len(losses) == 4 and losses[-1] < losses[0]
    network.save(tmp_path / "student.keras")
    again = keras.saving.load_model(tmp_path / "student.keras")
    assert np.array_equal(again.get_weights()[0], network.get_weights()[0])


def test_an_interrupted_lesson_goes_on_where_it_stopped(lessons, tmp_path):
    # Every batch depends on its number alone, so the parts make the whole; the learning rate
    # depends on all steps, so it is fixed by the same number of them.
    settings = TrainingSettings(steps=4, steps_per_epoch=2, verbose=0, folder=tmp_path / "whole")
    whole = student()
    distill(whole, lessons, SEEN, settings)

    class Killed(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    parts = TrainingSettings(steps=4, steps_per_epoch=2, verbose=0, folder=tmp_path / "parts")
    with pytest.raises(KeyboardInterrupt):
        distill(student(), lessons, SEEN, TrainingSettings(**{**vars(parts),
                "callbacks": (Killed(),)}))  # fmt: skip
    resumed = student()
    history = distill(resumed, lessons, SEEN, parts)
    assert history.epochs == 2
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        assert np.allclose(one, other, atol=1e-4)


def test_bad_input_is_one_line(lessons, images):
    other = build_embedding("koch", (64, 64, 3), 0.03)
    with pytest.raises(InputError, match="they must be as many"):
        distill(other, lessons, SEEN, TrainingSettings(steps=1))
    with pytest.raises(InputError, match="either steps or minutes"):
        distill(student(), lessons, SEEN, TrainingSettings())
    with pytest.raises(InputError, match="A teacher needs faces to show"):
        prepare_lessons([], build_siamese(student(), "squared"), SEEN)
