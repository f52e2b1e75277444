"""Networks, losses and P x K batches on JAX, with TensorFlow left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")

# Most of the time is XLA's, and tiny networks gain nothing by its optimizations.
FLAGS = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"

# Two networks learn from drawn people; one line of JSON says what came of it.
TRAINING = """
import json, sys
from pathlib import Path

import numpy as np

from siamlab.system.backend import keras
from siamlab.faces.crop import Preprocessing
from siamlab.models.training_heads import PairLogits
from siamlab.models.losses import (
    Contrastive, PairCrossEntropy, SemiHardTriplet, SupervisedContrastive, WeightedSum,
)
from siamlab.models.siamese import build_siamese
from siamlab.models.saving import load_model, save_model
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.resnet import build_resnet
from siamlab.data.collections import open_collection
from siamlab.data.batches import PeopleBatches
from siamlab.data.synthetic import write_people
from siamlab.training.fit import train_people
from siamlab.training.settings import TrainingSettings

folder = Path(sys.argv[1])
people = open_collection(write_people(folder / "people", people=8, images=2, size=96))

def two_epochs(embedding, size, loss=None, **more):
    how = Preprocessing(size=size, fraction=0.56)
    settings = TrainingSettings(steps=4, steps_per_epoch=2, people=4, loss=loss, verbose=0, **more)
    return train_people(embedding, people, how, settings).metrics["loss"]

compact = build_embedding("compact", (32, 32, 3), 0.125)
history = {"compact": two_epochs(compact, 32, folder=folder / "checkpoints")}
koch = build_embedding("koch", (60, 60, 3), 0.02)
together = WeightedSum([Contrastive(), SemiHardTriplet(), SupervisedContrastive()], [1, 1, 1])
history["koch"] = two_epochs(koch, 60, together)

batches = PeopleBatches(people, Preprocessing(size=60, fraction=0.56), people=4, steps=1)
images, labels = batches[0]
pairs = keras.Model(koch.input, PairLogits()(koch.output))
history["pairs"] = [float(PairCrossEntropy()(labels, pairs(images)))]

models = {
    "compact": build_siamese(mirrored(compact), "squared"),
    "koch": build_siamese(koch),
    "resnet": build_siamese(mirrored(build_resnet()), "squared"),
}
aligned = np.kron(images, np.ones((1, 3, 3, 1), np.float32))[:, :150, :150]
seen = {"compact": images[:, :32, :32], "koch": images, "resnet": aligned}

def scores(name, model):
    templates = model.embed(seen[name])
    return model.score_pairs(templates[0], templates)

before = {name: scores(name, model) for name, model in models.items()}
imported = "tensorflow" in sys.modules

# Keras itself asks for TensorFlow when it saves, and is content without: as if it were absent.
class WithoutTensorFlow:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, WithoutTensorFlow())
for name, model in models.items():
    save_model(model, folder / f"{name}.keras")
again = {name: scores(name, load_model(folder / f"{name}.keras")) for name in models}
print(json.dumps({
    "backend": keras.backend.backend(), "tensorflow": imported, "history": history,
    "scores": {name: values.tolist() for name, values in before.items()},
    "apart": max(float(np.abs(again[name] - before[name]).max()) for name in models),
}))
"""


def test_train_save_and_reload_with_jax_and_no_tensorflow(tmp_path):
    out = subprocess.run(
        [sys.executable, "-c", TRAINING, str(tmp_path)],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": FLAGS,
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert out.returncode == 0, out.stderr[-2000:]
    result = json.loads(out.stdout.splitlines()[-1])
    assert result["backend"] == "jax" and not result["tensorflow"]
    losses = [loss for values in result["history"].values() for loss in values]
    assert len(losses) == 5 and all(0 < loss < 100 for loss in losses)
    for values in result["scores"].values():
        assert len(values) == 8 and all(0 <= value <= 1 for value in values)
    assert result["apart"] < 1e-6
    assert (tmp_path / "checkpoints" / "epoch-0002.npz").is_file()
