"""Checkpoints: few, whole, of one training; what changed is said, and nothing is lost silently."""

from __future__ import annotations

import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest

from siamlab.data.augmentation import Augmentation
from siamlab.data.collections import open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.data.splits import split_people
from siamlab.data.synthetic import write_people
from siamlab.errors import ModelError, StorageError
from siamlab.faces.crop import Preprocessing
from siamlab.models.losses import SupervisedContrastive
from siamlab.models.siamese import build_siamese
from siamlab.training.callbacks import ClockCosine
from siamlab.training.checkpoint_files import latest_checkpoint, remove_checkpoints
from siamlab.training.checkpoint_key import CheckpointKey, make_key, pairs_digest, people_digest
from siamlab.training.checkpoints import Checkpoints, load_checkpoint
from siamlab.training.fit import fine_tune, train_pairs, train_people
from siamlab.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("eager_training")


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_people(root, people=8, images=2, seed=3)
    return split_people(open_collection(root), (0.5, 0.5, 0.0), 0)


def network(width=4):
    """Three convolutions and a code: fine-tuning trains all but the first."""
    image = x = keras.Input((16, 16, 3))
    for _ in range(3):
        x = keras.layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(x)
    code = keras.layers.Dense(8)(keras.layers.Dropout(0.2)(keras.layers.Flatten()(x)))
    return keras.Model(image, keras.layers.UnitNormalization()(code))


def small(width=4):
    return build_siamese(network(width)).with_metadata(preprocessing=Preprocessing(16, 0.6))


def trained(split, settings, model=None, seed=0, train=train_pairs):
    """Eight pairs of four people, and as many of four others."""
    pairs = draw_pairs(split.train, 8, seed), draw_pairs(split.validation, 8, 1)
    return train(small() if model is None else model, *pairs, settings)


def in_folder(folder, epochs=1, **more):
    return TrainingSettings(epochs=epochs, batch=8, folder=folder, **{"verbose": 2, **more})


def lines(capsys):
    """What was printed beside Keras' progress."""
    words = ("resumed", "started", "nothing")
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith(words)]


def test_checkpoints_are_kept_few_and_whole(split, tmp_path):
    history = trained(split, in_folder(tmp_path, 3))
    best = 1 + int(np.argmin(history.metrics["val_loss"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.npz", "epoch-0002.npz", "epoch-0003.npz",
    ]  # fmt: skip
    for name, epochs in (("epoch-0003", 3), ("epoch-0002", 2), ("best", best)):
        model = small()
        model.compile("adam", "binary_crossentropy")
        assert load_checkpoint(model, tmp_path / f"{name}.npz").epochs == epochs
        assert int(model.optimizer.iterations) == epochs  # one batch in each
    remove_checkpoints(tmp_path)
    assert not tmp_path.exists()


def test_a_training_says_where_it_resumes_and_when_it_is_done(split, tmp_path, capsys):
    first = trained(split, in_folder(tmp_path, 2))
    assert lines(capsys) == []
    longer = trained(split, in_folder(tmp_path, 3))
    assert lines(capsys) == ["resumed at epoch 3"]
    assert longer.metrics["loss"][:2] == first.metrics["loss"] and longer.epochs == 3
    assert trained(split, in_folder(tmp_path, 3)) == longer
    assert lines(capsys) == ["nothing is left to train after epoch 3"]


CHANGES = {
    "the data changed": {"seed": 5},
    "the settings changed: learning_rate": {"settings": {"learning_rate": 1e-2}},
    "the settings changed: augmentation, seed": {
        "settings": {"augmentation": Augmentation(blur=1.0), "seed": 4}
    },
    "the network changed": {"width": 6},
}


@pytest.mark.parametrize("reason", CHANGES)
def test_another_training_starts_anew_and_says_why(split, tmp_path, capsys, reason):
    trained(split, in_folder(tmp_path, 2))
    change = CHANGES[reason]
    settings = in_folder(tmp_path, 1, **change.get("settings", {}))
    model = small(change.get("width", 4))
    history = trained(split, settings, model, change.get("seed", 0))
    assert lines(capsys) == [f"started anew, because {reason}"]
    assert history.epochs == 1
    # The former checkpoints went when there was one of the new training.
    assert [path.name for path in tmp_path.glob("epoch-*")] == ["epoch-0001.npz"]
    trained(split, replace(settings, epochs=2), model, change.get("seed", 0))
    assert lines(capsys) == ["resumed at epoch 2"]


def test_former_checkpoints_stay_until_there_is_a_new_one(split, tmp_path):
    trained(split, in_folder(tmp_path, 2))

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(split, in_folder(tmp_path, 1, seed=9, callbacks=(Stop(),)))
    assert trained(split, in_folder(tmp_path, 2)).epochs == 2


def test_fine_tuning_does_not_resume_what_trained_everything(split, tmp_path, capsys):
    trained(split, in_folder(tmp_path, 1))
    trained(split, in_folder(tmp_path, 1), train=fine_tune)
    assert lines(capsys) == ["started anew, because the network changed"]


def test_fine_tuning_resumes_from_the_same_weights_only(split, tmp_path, capsys):
    keras.utils.set_random_seed(1)
    model = small()
    weights = model.get_weights()
    trained(split, in_folder(tmp_path, 1), model, train=fine_tune)
    again = small()
    again.set_weights(weights)
    trained(split, in_folder(tmp_path, 2), again, train=fine_tune)
    assert lines(capsys) == ["resumed at epoch 2"]
    weights[-1] = weights[-1] + 1
    again.set_weights(weights)
    assert trained(split, in_folder(tmp_path, 2), again, train=fine_tune).epochs == 2
    assert lines(capsys) == ["started anew, because the weights to start with changed"]


def test_the_data_are_the_content_of_the_images(split, tmp_path):
    shutil.copytree(split.train.root, tmp_path / "moved")
    moved = open_collection(tmp_path / "moved").select(split.train.names)
    digest = people_digest(split.train)
    assert people_digest(moved) == digest
    pairs = draw_pairs(moved, 8, 0)
    assert pairs_digest(pairs) == pairs_digest(draw_pairs(split.train, 8, 0))
    assert pairs_digest(pairs) != pairs_digest(pairs.subset(range(7)))
    before = pairs_digest(pairs)
    shutil.copyfile(moved.images[1], moved.images[0])  # of the same name, another picture
    assert people_digest(moved) != digest and pairs_digest(pairs) != before


def test_how_long_and_where_are_no_part_of_the_key(split, tmp_path):
    def key(**more):
        settings = TrainingSettings(folder=tmp_path, **more)
        return make_key(small(), settings, Preprocessing(32), lambda: "data")

    same = key(epochs=9, minutes=3.0, every=2, verbose=0, callbacks=(keras.callbacks.History(),))
    assert key() == same and not key().changes(same)
    assert key(loss=SupervisedContrastive()) == key(loss=SupervisedContrastive())
    assert key(loss=SupervisedContrastive()).changes(key()) == "the settings changed: loss"
    former = replace(same, siamlab="0.3.0", data="others")
    assert same.changes(former) == (
        f"the data changed; siamlab changed from 0.3.0 to {same.siamlab}"
    )
    unkept = TrainingSettings()
    assert make_key(small(), unkept, Preprocessing(32), lambda: 1 / 0) is None


def test_a_damaged_checkpoint_is_one_line(split, tmp_path):
    trained(split, in_folder(tmp_path, 2))
    latest = latest_checkpoint(tmp_path)
    latest.write_bytes(latest.read_bytes()[:5000])
    with pytest.raises(ModelError, match="is damaged") as caught:
        trained(split, in_folder(tmp_path, 2))
    assert "\n" not in str(caught.value) and latest.name in str(caught.value)
    latest.unlink()
    assert trained(split, in_folder(tmp_path, 2)).epochs == 2


def test_weights_of_another_network_are_refused(tmp_path):
    model = small()
    model.compile("adam", "binary_crossentropy")
    writer = Checkpoints(tmp_path, CheckpointKey("data", {}, "network"))
    writer.set_model(model)
    writer.on_epoch_begin(0)
    writer.on_epoch_end(0, {"loss": 1.0})
    other = small(6)
    other.compile("adam", "binary_crossentropy")
    with pytest.raises(ModelError, match="another architecture"):
        load_checkpoint(other, tmp_path / "epoch-0001.npz")


def test_a_full_disk_keeps_the_previous_checkpoint(split, tmp_path, monkeypatch):
    trained(split, in_folder(tmp_path, 1))

    def full(*_):
        raise StorageError("Cannot write it: the disk is full.")

    monkeypatch.setattr("siamlab.training.checkpoints.write_bytes", full)
    with pytest.raises(StorageError, match="Training resumes from the last whole"):
        trained(split, in_folder(tmp_path, 2))
    reached = latest_checkpoint(tmp_path)
    assert reached is not None and reached.name == "epoch-0001.npz"


def test_the_time_before_a_resume_counts(split, tmp_path, capsys, monkeypatch):
    """By this clock an epoch of one batch takes about 20 s; training may take two minutes."""
    clock = iter(range(0, 100_000, 5))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    rates: list[float] = []
    stop = 2

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == stop:
                raise KeyboardInterrupt

    settings = TrainingSettings(
        minutes=2.0, people=4, steps_per_epoch=1, folder=tmp_path, verbose=2, callbacks=(Watch(),)
    )

    def run():
        return train_people(network(), split.train, Preprocessing(16, 0.6), settings)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(rates) == 2
    stop = -1
    history = run()
    assert lines(capsys) == ["resumed at epoch 3"]
    # Some of the two minutes are over: the rate falls faster than the warm-up of 100 steps rises.
    assert len(rates) == history.epochs > 3 and rates[2] < rates[1]
    assert 80 < sum(history.seconds) < 130
    assert run() == history
    assert lines(capsys) == [f"nothing is left to train after epoch {history.epochs}"]


def test_the_schedule_goes_on_where_it_was():
    """Half of the time was trained before: the cosine is at its middle, 0.5 of the rate."""
    clock = ClockCosine(rate=1.0, minutes=1.0, warmup_steps=10)
    assert not clock.over
    clock.count(30.0)
    model = network()
    model.compile("sgd", "mse")
    clock.set_model(model)
    model.optimizer.iterations.assign(20)
    clock.on_train_begin()
    clock.on_train_batch_begin(0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.5, abs=0.01)
    clock.count(30.0)
    assert clock.over
