"""Several processes learn from a batch what one does: two of them, on this machine's processor."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from jax_processes import ROOT, jax_environment

from siamlab.cli.train_together import local_environments
from siamlab.data.collections import open_collection
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError, MissingPackageError
from siamlab.faces.crop import Preprocessing
from siamlab.training.distributed import COUNT, joined_processes
from siamlab.training.fit import train_people
from siamlab.training.recipes import train_model
from siamlab.training.settings import TrainingSettings

needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
UNCHECKED = object()  # a distribution that nothing is asked of

# A network with all that depends on the batch: normalization, dropout, augmentation, all pairs.
TRAINING = """
import sys
from pathlib import Path

import numpy as np

from siamlab.data.collections import open_collection
from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing
from siamlab.system.backend import keras, layers, set_seed
from siamlab.training.distributed import check_same_start, joined_processes, share_of
from siamlab.training.fit import train_people
from siamlab.training.settings import TrainingSettings

people = Path(sys.argv[1])
how = Preprocessing(size=32, fraction=0.6)

def network():
    set_seed(0)
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, 2, use_bias=False, name="conv")(image)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, name="norm")(x))
    x = layers.Dropout(0.2)(layers.Flatten()(layers.AveragePooling2D(3)(x)))
    x = layers.Dense(16, use_bias=False, name="code")(x)
    return keras.Model(image, layers.UnitNormalization()(x))

def refusal(number):
    try:
        check_same_start("the same settings", number)
    except InputError as error:
        return str(error)

def learn(folder, distribution):
    settings = TrainingSettings(
        steps=50, people=6, steps_per_epoch=1, every=30, seed=3, verbose=0, folder=folder,
        distribution=distribution,
    )
    model = network()
    history = train_people(model, open_collection(people), how, settings)
    norm = model.get_layer("norm")
    number, count = share_of(distribution)
    np.savez(
        f"{folder}-{number}.npz", loss=history.metrics["loss"], mean=norm.moving_mean,
        variance=norm.moving_variance, code=model.get_layer("code").kernel,
        refused=refusal(number) if count > 1 else "",
    )

with joined_processes() as distribution:
    for folder in map(Path, sys.argv[2:]):
        learn(folder, distribution)
"""


def run(count, environment, people, *folders):
    """Train in processes that share each batch, once for each folder of checkpoints."""
    processes = []
    for variables in local_environments(count):
        words = [sys.executable, "-c", TRAINING, str(people), *map(str, folders)]
        process = subprocess.Popen(
            words, cwd=ROOT, env={**environment, **variables}, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
    for process in processes:
        _, error = process.communicate(timeout=500)
        assert process.returncode == 0, error[-2000:]
    return [np.load(f"{folder}-{number}.npz") for folder in folders for number in range(count)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What one process learned, what two did, and one that went on after 30 steps of the two."""
    root = tmp_path_factory.mktemp("distributed")
    people = write_people(root / "people", people=8, images=3, size=96, seed=5)
    environment = jax_environment(root)
    two = run(2, environment, people, root / "two")
    assert [path.name for path in (root / "two").iterdir()] == ["epoch-0030.npz"]
    shutil.copytree(root / "two", root / "resumed")
    one, resumed = run(1, environment, people, root / "one", root / "resumed")
    return one, two, resumed


@needs_jax
def test_two_processes_have_the_losses_of_one(trained):
    """Each compares all pairs of the batch: its own half has fewer, and a lower loss."""
    one, (first, second), _ = trained
    assert len(one["loss"]) == 50 and one["loss"][-1] < one["loss"][0]
    np.testing.assert_allclose(first["loss"], one["loss"], atol=1e-4)
    np.testing.assert_array_equal(second["loss"], first["loss"])


@needs_jax
def test_statistics_are_of_the_whole_batch_and_weights_are_the_same_everywhere(trained):
    """The mean of two halves' variances is less than the variance of the whole."""
    one, both, _ = trained
    for two in both:
        for name in ("mean", "variance", "code"):
            np.testing.assert_allclose(two[name], one[name], atol=1e-5)


@needs_jax
def test_one_process_goes_on_where_two_were_stopped(trained):
    one, two, resumed = trained
    np.testing.assert_array_equal(resumed["loss"][:30], two[0]["loss"][:30])
    np.testing.assert_allclose(resumed["loss"], one["loss"], atol=1e-4)
    np.testing.assert_allclose(resumed["code"], one["code"], atol=1e-5)


@needs_jax
def test_processes_that_begin_differently_are_refused_together(trained):
    for two in trained[1]:
        assert "the same images, settings and checkpoints. Received: different" in str(
            two["refused"]
        )


def test_several_processes_need_jax(monkeypatch):
    monkeypatch.setenv(COUNT, "2")
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    with pytest.raises(MissingPackageError, match=r'pip install "siamlab\[jax\]"'):
        joined_processes().__enter__()


def test_a_process_alone_has_no_distribution(monkeypatch):
    monkeypatch.delenv(COUNT, raising=False)
    with joined_processes() as distribution:
        assert distribution is None


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"arch": "resnet"}, "resnet, recipe people, no teacher"),
        ({"arch": "koch", "recipe": "report"}, "koch, recipe report"),
        ({"teacher": "pretrained"}, "a teacher"),
        ({"settings": TrainingSettings(distribution=UNCHECKED)}, "epochs None"),
    ],
)
def test_what_several_processes_cannot_do_is_said_before_any_work(crowd, options, received):
    settings = TrainingSettings(epochs=1, distribution=UNCHECKED)
    with pytest.raises(InputError, match=f"Several processes train .*Received: .*{received}"):
        train_model(crowd, **{"settings": settings, **options})


def test_minutes_are_for_one_process(crowd):
    settings = TrainingSettings(minutes=1.0, distribution=UNCHECKED)
    with pytest.raises(InputError, match="their clocks differ"):
        train_people(None, crowd, Preprocessing(size=24), settings)


def test_a_batch_needs_a_person_for_each_device(tmp_path, monkeypatch):
    """Ten people: two of them are kept for calibration."""
    for number in range(20):
        image = tmp_path / f"person {number // 2}" / f"{number}.png"
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(f"never read {number}".encode())
    monkeypatch.setattr("siamlab.training.recipes.devices_of", lambda distribution: 16)
    settings = TrainingSettings(epochs=1, distribution=UNCHECKED, verbose=0)
    with pytest.raises(InputError, match=r"8 people .*16 devices"):
        train_model(open_collection(tmp_path), settings=settings, size=32, width=0.125)
