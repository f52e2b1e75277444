"""Training: the loss goes down, a killed run resumes, errors are one line."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from siamlab.data.batches import PeopleBatches
from siamlab.data.collections import open_collection
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.data.splits import split_people
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError, NotEnrolledError
from siamlab.faces.crop import Preprocessing
from siamlab.gallery import Gallery
from siamlab.gallery.captures import VaultCaptures
from siamlab.gallery.consent import give_consent
from siamlab.gallery.rights import erase_person, show_person
from siamlab.images.decode import read_image
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.losses import SupervisedContrastive
from siamlab.models.metadata import people_marks
from siamlab.models.saving import load_model, save_model
from siamlab.models.siamese import build_siamese
from siamlab.training.fit import fine_tune, train_pairs, train_people
from siamlab.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("shallow_compact", "eager_training")


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_people(root, people=16, images=4, seed=3)
    return split_people(open_collection(root), (0.5, 0.5, 0.0), 0)


def koch(seed=0):
    keras.utils.set_random_seed(seed)
    return build_siamese(build_embedding("koch", (64, 64, 3), width=0.05))


def pairs_of(split, count=16):
    return draw_pairs(split.train, count, 0), draw_pairs(split.validation, count, 1)


def test_binary_cross_entropy_goes_down_and_is_recorded(split):
    settings = TrainingSettings(epochs=4, learning_rate=3e-3, verbose=0)
    history = train_pairs(koch(), *pairs_of(split), settings)
    assert history.epochs == 4 and len(history.seconds) == 4
    assert {"loss", "precision", "recall", "val_loss"} <= set(history.metrics)
    assert history.metrics["loss"][-1] < history.metrics["loss"][0]


def test_compact_training_resumes_too(split, tmp_path):
    preprocessing = Preprocessing(size=32, fraction=0.6)
    settings = TrainingSettings(
        steps=6, people=4, steps_per_epoch=2, seed=1, verbose=0, folder=tmp_path / "a"
    )

    def embedding():
        keras.utils.set_random_seed(0)
        return build_embedding("compact", (32, 32, 3), width=0.125)

    whole, broken = embedding(), embedding()
    train_people(whole, split.train, preprocessing, settings)
    settings = replace(settings, folder=tmp_path / "b")

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_people(broken, split.train, preprocessing, replace(settings, callbacks=(Stop(),)))
    again = build_embedding("compact", (32, 32, 3), width=0.125)
    history = train_people(again, split.train, preprocessing, settings)
    assert history.epochs == 3
    for left, right in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-4)


def test_the_time_limit_stops_within_an_epoch(split):
    settings = TrainingSettings(epochs=1000, minutes=0.05, verbose=0)
    assert train_pairs(koch(), *pairs_of(split), settings).epochs < 1000


def test_steps_or_minutes_not_both(split):
    embedding = build_embedding("compact", (32, 32, 3), width=0.125)
    preprocessing = Preprocessing(size=24)
    with pytest.raises(InputError, match="either steps or minutes"):
        train_people(embedding, split.train, preprocessing, TrainingSettings(steps=1, minutes=1.0))


def trained_compact():
    """A mirrored compact model with metadata and a threshold."""
    keras.utils.set_random_seed(0)
    embedding = mirrored(build_embedding("compact", (32, 32, 3), width=0.125))
    return build_siamese(embedding, "squared").with_metadata(
        preprocessing=Preprocessing(size=32, fraction=0.6),
        people=people_marks(["Ada"]),
        calibration={"threshold": 0.7},
        notes="trained before",
    )


@pytest.fixture(scope="module")
def tuned(split, tmp_path_factory):
    """Weights before, the fine-tuned model, its history, and its file."""
    model = trained_compact()
    before = {weight.path: np.array(weight) for weight in model.weights}
    settings = TrainingSettings(epochs=8, learning_rate=3e-3, verbose=0)
    history = fine_tune(model, *pairs_of(split), settings)
    path = save_model(model, tmp_path_factory.mktemp("tuned") / "model.keras")
    return before, model, history, path


def test_fine_tuning_learns_its_pairs(tuned):
    _, _, history, _ = tuned
    assert history.epochs == 8
    assert np.mean(history.metrics["loss"][-2:]) < np.mean(history.metrics["loss"][:2])


def test_fine_tuning_changes_the_head_and_the_last_block_only(tuned):
    before, model, _, _ = tuned
    after = {weight.path: np.array(weight) for weight in model.weights}
    changed = {path for path in after if not np.array_equal(before[path], after[path])}
    parts = {path.rsplit("/", 2)[-2] for path in changed}
    assert {"level2_block1_conv1", "level2_block1_conv2", "code", "same_person"} == parts


def test_fine_tuning_adds_its_people_and_removes_the_threshold(tuned, split):
    _, model, _, _ = tuned
    metadata = model.metadata
    people = pairs_of(split)[0].people
    assert metadata.trained_on("Ada") and all(map(metadata.trained_on, people))
    assert metadata.people == people_marks(["Ada", *people])
    assert metadata.threshold is None
    assert metadata.notes == f"trained before; then 16 pairs of {len(people)} people"


def test_a_fine_tuned_model_is_saved_with_all_its_weights_trainable(tuned):
    _, model, _, path = tuned
    # A warning (an error here) would say that the optimizer's state does not fit.
    again = load_model(path)
    assert len(again.trainable_variables) == len(model.trainable_variables) > 17
    images = np.full((2, 32, 32, 3), 0.5, np.float32)
    np.testing.assert_allclose(again.embed(images), model.embed(images), atol=1e-6)


def with_captures(split, folder):
    """Pairs of Ada's captures, in a vault, and two others' images; the gallery."""
    gallery = Gallery(folder / "gallery", None)
    captures = VaultCaptures(gallery, "Ada", give_consent("2999-12-31", by="Ada"))
    images = [captures.add("anchor", read_image(path)) for path in split.train.images[:4]]
    files = tuple(images), (*images[2:], *split.train.images[-2:])
    names = ("Ada",) * 4, ("Ada", "Ada", "Bob", "Bob")
    return gallery, PairSet(*files, np.array([1, 1, 0, 0]), *names)


@pytest.mark.parametrize("train", [train_pairs, fine_tune])
def test_the_vault_notes_what_was_trained_on_captures(split, tmp_path, train):
    gallery, pairs = with_captures(split, tmp_path)
    settings = TrainingSettings(epochs=1, verbose=0, folder=tmp_path / "checkpoints")
    model = trained_compact()
    train(model, pairs, pairs_of(split)[1], settings)
    first, second = (save_model(model, tmp_path / f"{name}.keras") for name in "ab")
    noted = show_person(gallery, "Ada").models
    assert noted == (str(first), str(second), str(tmp_path / "checkpoints"))
    told = erase_person(gallery, "Ada")
    assert [line.split(" was ")[0] for line in told] == [f"The model {path}" for path in noted]
    with pytest.raises(NotEnrolledError, match="'Ada'"):  # no model of somebody who is gone
        save_model(model, tmp_path / "c.keras")
    assert not (tmp_path / "c.keras").exists()


def test_a_model_of_other_people_needs_no_vault(tuned):
    assert tuned[1].captures == ()


def test_batches_count_the_epochs_of_fit_from_where_they_resume(split):
    """Epochs 0 and 1 of an unbroken run; a resumed one sees the same batches of epoch 1."""
    preprocessing = Preprocessing(size=32, fraction=0.6)

    class Noted(PeopleBatches):
        def __getitem__(self, step):
            seen.append((self.epoch, step))
            return super().__getitem__(step)

    def fitted(first):
        keras.utils.set_random_seed(0)
        embedding = build_embedding("compact", (32, 32, 3), width=0.125)
        embedding.compile("adam", SupervisedContrastive(), jit_compile=False)
        batches = Noted(split.train, preprocessing, people=4, steps=3)
        batches.epoch = first
        embedding.fit(batches, shuffle=False, initial_epoch=first, epochs=2, verbose=0)
        assert batches.epoch == 2

    seen: list[tuple[int, int]] = []
    fitted(0)
    epochs = [[(epoch, step) for step in range(3)] for epoch in (0, 1)]
    # Keras looks at a few batches before it begins, to know their shapes.
    assert sorted(seen[-6:]) == epochs[0] + epochs[1]
    assert {epoch for epoch, _ in seen[:-6]} <= {0}
    seen.clear()
    fitted(1)
    assert sorted(seen[-3:]) == epochs[1] and {epoch for epoch, _ in seen} == {1}
