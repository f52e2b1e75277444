"""Several processes learn from a batch what one does: two of them, on this machine's processor."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from siamlab.data.synthetic import write_people

needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")

# A network with all that depends on the batch: normalization, dropout, augmentation, all pairs.
TRAINING = """
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from siamlab.data.collections import open_collection
from siamlab.faces.crop import Preprocessing
from siamlab.system.backend import keras, layers, set_seed
from siamlab.training.distributed import joined_processes, share_of
from siamlab.training.fit import train_people
from siamlab.training.settings import TrainingSettings

people, folder, out = map(Path, sys.argv[1:])
how = Preprocessing(size=32, fraction=0.6)

def network():
    set_seed(0)
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, 2, use_bias=False, name="conv")(image)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, name="norm")(x))
    x = layers.Dropout(0.2)(layers.Flatten()(layers.AveragePooling2D(3)(x)))
    x = layers.Dense(16, use_bias=False, name="code")(x)
    return keras.Model(image, layers.UnitNormalization()(x))

with joined_processes() as distribution:
    number, count = share_of(distribution)
    settings = TrainingSettings(
        steps=50, people=6, steps_per_epoch=1, every=30, seed=3, verbose=0, folder=folder,
        distribution=distribution,
    )
    model = network()
    history = train_people(model, open_collection(people), how, settings)
    np.savez(
        out / f"{count}-{number}.npz", loss=history.metrics["loss"], weights=np.concatenate(
            [np.ravel(weight) for weight in model.get_weights()]
        ), mean=model.get_layer("norm").moving_mean, variance=model.get_layer("norm").moving_variance,
    )
"""
FLAGS = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


def start(script, number, count, port, *arguments):
    address = f"127.0.0.1:{port}"
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": FLAGS,
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(count),
        "KERAS_DISTRIBUTION_PROCESS_ID": str(number),
        "JAX_COORDINATOR_BIND_ADDRESS": address,
    }
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def run(script, count, *arguments):
    """Run a script in processes that train together; all of them must succeed."""
    port = free_port()
    processes = [start(script, number, count, port, *arguments) for number in range(count)]
    for process in processes:
        _, error = process.communicate(timeout=300)
        assert process.returncode == 0, error[-2000:]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What one process and what two learned from the same people."""
    root = tmp_path_factory.mktemp("distributed")
    people = write_people(root / "people", people=8, images=3, size=96, seed=5)
    for count in (1, 2):
        run(TRAINING, count, people, root / f"checkpoints-{count}", root)
    return {name: np.load(root / f"{name}.npz") for name in ("1-0", "2-0", "2-1")}


@needs_jax
def test_two_processes_have_the_losses_of_one(trained):
    one, two = trained["1-0"]["loss"], trained["2-0"]["loss"]
    assert len(one) == 50 and one[-1] < one[0]
    np.testing.assert_allclose(two, one, atol=1e-4)
    np.testing.assert_array_equal(trained["2-1"]["loss"], two)
