"""Model files of siamlab 0.1.0: they open as before, or say in one line how to make them new."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import siamlab
from siamlab.errors import ModelError
from siamlab.evaluation import Calibration
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding
from siamlab.models.export_notes import CHECKSUM, INFO
from siamlab.models.exported import open_exported
from siamlab.models.metadata import ModelMetadata, digests
from siamlab.models.saving import load_model, save_model
from siamlab.models.siamese import build_siamese
from siamlab.system.registration import CLASSES, RETIRED
from siamlab.training.schedules import WarmupCosine

ROOT = Path(__file__).parents[2]
CALIBRATION = Calibration(0.3, 0.01, 0.01, 0.2, 0.1, 0.4, people=40, person_pairs=780)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    metadata = ModelMetadata(
        arch="koch",
        preprocessing=Preprocessing(size=64, fraction=0.56, detector="haar"),
        calibration=CALIBRATION.to_dict(),
        people=digests(["Ada"]),
        notes="a test",
    )
    return build_siamese(build_embedding("koch", (64, 64, 3), width=0.02), metadata=metadata)


def rewritten(path: Path, change) -> Path:
    """The model file with another ``config.json``."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def as_0_1_0(config) -> None:
    """The names of siamlab 0.1.0: where the class lies, the metadata and two of its keys."""
    config["module"] = "siamlab.models"
    values = config["config"]
    values["distance"]["module"] = "siamlab.layers"
    metadata = values["record"] = values.pop("metadata")
    metadata["preprocessing"]["finder"] = metadata["preprocessing"].pop("detector")
    metadata["calibration"]["couples"] = metadata["calibration"].pop("person_pairs")


@pytest.fixture
def old_file(model, tmp_path) -> Path:
    return rewritten(save_model(model, tmp_path / "old.keras", optimizer=False), as_0_1_0)


@pytest.mark.parametrize("load", [load_model, keras.saving.load_model])
def test_a_model_of_0_1_0_is_the_same_model(model, old_file, load):
    again = load(old_file)
    images = np.random.default_rng(0).random((3, 64, 64, 3), dtype=np.float32)
    np.testing.assert_array_equal(
        np.asarray(again([images, images[::-1]])), np.asarray(model([images, images[::-1]]))
    )
    assert again.model_id == model.model_id, "templates enrolled with it stay valid"
    assert again.metadata.preprocessing == model.metadata.preprocessing
    assert again.metadata.people == model.metadata.people
    assert Calibration.from_dict(again.metadata.calibration) == CALIBRATION


@pytest.mark.parametrize("load", [siamlab.load_model, keras.saving.load_model])
@pytest.mark.parametrize("layer", RETIRED)
def test_a_layer_that_is_gone_says_how_to_make_the_file_new(model, tmp_path, load, layer):
    def retire(config) -> None:
        as_0_1_0(config)
        layers = config["config"]["embedding"]["config"]["layers"]
        layers[-1].update(module="siamlab.layers", class_name=layer)
        layers[-1]["registered_name"] = f"siamlab>{layer}"

    path = rewritten(save_model(model, tmp_path / "old.keras", optimizer=False), retire)
    with pytest.raises(ModelError, match=f"{layer} .*siamlab train --arch compact") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_an_export_of_0_1_0_is_made_again(tmp_path):
    path = tmp_path / "old.tflite"
    text = {"version": 1, "model_id": "0123", "record": {"arch": "koch"}, "source": ""}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(INFO, json.dumps(text))
        archive.writestr(CHECKSUM, "")
    with pytest.raises(ModelError, match=r"version 1 .*export the model again") as caught:
        open_exported(path)
    assert "\n" not in str(caught.value)


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "imports",
    [
        "import keras, siamlab",
        "import siamlab, tensorflow, keras",  # TensorFlow looks for Keras before it imports it
        "import siamlab; siamlab.build_embedding('koch', (64, 64, 3), 0.02); import keras",
    ],
)
def test_plain_keras_loads_a_model_file(old_file, imports):
    script = f"{imports}; import sys; print(keras.saving.load_model(sys.argv[1]).metadata.notes)"
    assert run(script, old_file).splitlines()[-1] == "a test"


def test_plain_keras_loads_a_network_with_the_schedule_that_trained_it(tmp_path):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile(keras.optimizers.AdamW(WarmupCosine(1e-3, steps=9, warmup=2)), "mse")
    network.save(tmp_path / "trained.keras")
    script = "import keras, siamlab, sys; model = keras.saving.load_model(sys.argv[1])"
    said = run(f"{script}; print(model.optimizer._learning_rate.steps)", tmp_path / "trained.keras")
    assert said.splitlines()[-1] == "9"


REGISTERED = """
import importlib, pkgutil
import siamlab.models, siamlab.training.distillation
for module in pkgutil.walk_packages(siamlab.models.__path__, "siamlab.models."):
    importlib.import_module(module.name)
import keras
for name, value in keras.saving.get_custom_objects().items():
    if name.startswith("siamlab>") and isinstance(value, type):
        print(name, value.__module__)
"""


def test_every_registered_class_can_be_loaded_on_demand():
    found = dict(line.split() for line in run(REGISTERED).splitlines())
    assert set(found) == {f"siamlab>{name}" for name in CLASSES}
    for name, module in CLASSES.items():
        assert found[f"siamlab>{name}"].startswith(f"siamlab.{module}")
