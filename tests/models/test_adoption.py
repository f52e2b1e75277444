"""The tutorial's Siamese model, brought over: equal predictions, and nothing of the file is run."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from tutorial_model import save, tutorial_model

from siamlab.errors import ModelError
from siamlab.models.adoption import adopt_model
from siamlab.models.saving import load_model, save_model


@pytest.fixture(scope="module")
def tutorial() -> keras.Model:
    return tutorial_model()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Random, and of different brightness, which the pools do not blur away."""
    light = np.linspace(0.05, 1, 4, dtype=np.float32)[:, None, None, None]
    return light * np.random.default_rng(1).random((4, 100, 100, 3), dtype=np.float32)


@pytest.fixture
def saved(tutorial, tmp_path) -> Path:
    return save(tutorial, tmp_path / "siamesemodel.h5")


def check_equal(path: Path, model: keras.Model, images: np.ndarray) -> None:
    """Equal predictions, and different ones for different pairs."""
    adopted = adopt_model(path)
    pairs = [images, np.roll(images, 1, axis=0)]
    expected = model.predict_on_batch(pairs)
    np.testing.assert_allclose(adopted.predict_on_batch(pairs), expected, atol=1e-5)
    assert np.ptp(expected) > 0.01
    first, second = (adopted.embed(one) for one in pairs)
    np.testing.assert_allclose(adopted.score_pairs(first, second), expected[:, 0], atol=1e-5)


@pytest.mark.parametrize("name", ["siamesemodel.h5", "siamese.keras", "siamese.weights.h5"])
def test_the_tutorials_model_predicts_the_same(tutorial, images, tmp_path, name):
    check_equal(save(tutorial, tmp_path / name), tutorial, images)


@pytest.mark.parametrize("name", ["siamesemodel.h5", "siamese.keras"])
@pytest.mark.parametrize("sequential", [False, True])
def test_other_pools_and_a_sequential_embedding(images, tmp_path, name, sequential):
    model = tutorial_model(2, sequential)
    check_equal(save(model, tmp_path / name), model, images)


def test_a_file_of_keras_2_predicts_the_same(tutorial, saved, images):
    """Keras 2 writes lists for a layer's inputs, and the second argument by its name."""
    change_config(saved, as_keras_2)
    check_equal(saved, tutorial, images)


def test_the_name_of_the_file_does_not_matter(tutorial, saved, images):
    check_equal(saved.rename(saved.with_name("siamesemodelv2.weights.h5")), tutorial, images)


def as_keras_2(config: dict[str, Any]) -> None:
    layers_of = config["config"]["layers"]
    for layer in layers_of[:2]:
        layer["config"]["batch_input_shape"] = layer["config"].pop("batch_shape")
    embedding, distance, head = layers_of[2:]
    above = "input_image"
    for layer in embedding["config"]["layers"][1:]:
        layer["inbound_nodes"] = [[[above, 0, 0, {}]]]
        layer["config"]["dtype"] = "float32"
        above = layer["name"]
    embedding["inbound_nodes"] = [[["input_img", 0, 0, {}]], [["validation_img", 0, 0, {}]]]
    second = {"validation_embedding": ["embedding", 2, 0]}
    distance["inbound_nodes"] = [[["embedding", 1, 0, second]]]
    head["inbound_nodes"] = [[[distance["name"], 0, 0, {}]]]


def change_config(path: Path, change) -> None:
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)


def test_an_adopted_model_says_how_faces_are_cut_and_is_saved_as_ours(saved, images, tmp_path):
    model = adopt_model(saved)
    seen = model.metadata.preprocessing
    assert (seen.size, seen.fraction, seen.alignment) == (100, 1.0, "box")
    assert model.metadata.calibration is None
    assert model.metadata.choose_threshold() == (0.5, "default")
    assert "2.2 times" in model.metadata.notes
    assert adopt_model(saved, "landmarks").metadata.preprocessing.alignment == "landmarks"
    again = load_model(save_model(model, tmp_path / "mine.keras"))
    np.testing.assert_allclose(again.embed(images), model.embed(images), atol=1e-6)
    assert again.metadata == model.metadata


def test_weights_alone_say_what_was_assumed(tutorial, saved, tmp_path):
    alone = save(tutorial, tmp_path / "s.weights.h5")
    assert "64x64" in adopt_model(alone).metadata.notes
    assert "64x64" not in adopt_model(saved).metadata.notes


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("siamesemodel.h5", r"holds a Keras model in HDF5\. siamlab adopt .*siamesemodel\.h5"),
        ("siamese.weights.h5", r"holds weights alone in HDF5\. siamlab adopt "),
        ("siamese.keras", r"its layer L1Dist is of the program that made it\. siamlab adopt "),
    ],
)
def test_load_model_names_the_command(tutorial, tmp_path, name, match):
    refused(load_model, save(tutorial, tmp_path / name), match)


def refused(read, path: Path, match: str) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        read(path)
    assert str(caught.value).isprintable() and str(path) in str(caught.value)


@pytest.mark.parametrize("read", [load_model, adopt_model])
def test_files_of_other_kinds_are_told_apart(read, tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\x08\x01")
    (tmp_path / "empty").mkdir()
    (tmp_path / "weights.index").write_bytes(b"")
    (tmp_path / "facenet.pt").write_bytes(b"\x80\x02")
    (tmp_path / "cut.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    cases = {
        "saved": r"is a TensorFlow SavedModel.*save\('siamese\.h5'\)",
        "saved/saved_model.pb": "part of a TensorFlow SavedModel",
        "empty": "is a folder",
        "weights": r"TensorFlow checkpoint.*save\('siamese\.h5'\)",
        "weights.index": "TensorFlow checkpoint",
        "facenet.pt": "a pickle",
        "cut.h5": "damaged HDF5|cannot be read as HDF5",
        "absent.h5": "No model file at",
    }
    for name, match in cases.items():
        refused(read, tmp_path / name, match)


def first_layer(config: dict[str, Any]) -> dict[str, Any]:
    return config["config"]["layers"][2]["config"]["layers"][1]


def test_other_networks_are_refused_by_what_they_hold(tmp_path):
    inputs = keras.Input((100, 100, 3))
    x = layers.Dense(1, activation="sigmoid")(layers.Flatten()(inputs))
    path = save(keras.Model(inputs, x), tmp_path / "classifier.h5")
    refused(adopt_model, path, "its layer Flatten is none that siamlab knows in this place")
    alone = save(keras.Model(inputs, x), tmp_path / "classifier.weights.h5")
    refused(adopt_model, alone, "weights alone, and not those of the tutorial's network")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"class_name": "Lambda"}, "its layer Lambda is none of Conv2D"),
        ({"class_name": "TFSMLayer"}, "its layer TFSMLayer is none of"),
        ({"class_name": "Evil", "module": "evil_module"}, "its layer Evil is none of"),
        ({"class_name": 7}, "its layer 7 is none of"),
        ({"inbound_nodes": [[["elsewhere", 0, 0, {}]]]}, "follows elsewhere, not input_image"),
    ],
)
def test_foreign_layers_are_refused_and_not_looked_up(saved, changes, match):
    change_config(saved, lambda config: first_layer(config).update(changes))
    refused(adopt_model, saved, match)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"activation": {"class_name": "function", "config": "os.system"}}, "activation os.system"),
        ({"activation": "evil_module.run"}, "its activation evil_module.run is none of linear"),
        ({"filters": 10**9}, "holds fewer weights than its layers need"),
        ({"filters": "many"}, "description is damaged"),
        ({"filters": 3}, "its weights do not fit its layers"),
        ({"kernel_size": [500, 500]}, "cannot be adopted"),
        ({"data_format": "channels_first"}, "channels first"),
    ],
)
def test_settings_that_no_tutorial_has(saved, settings, match):
    change_config(saved, lambda config: first_layer(config)["config"].update(settings))
    refused(adopt_model, saved, match)


@pytest.mark.parametrize("config", [[], {}, {"config": {"layers": [{}]}}, {"config": 3}, "x"])
def test_damaged_descriptions(saved, config):
    with h5py.File(saved, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
    refused(adopt_model, saved, "cannot be adopted")


def test_a_function_in_the_middle_of_a_keras_file(tutorial, tmp_path):
    path = save(tutorial, tmp_path / "m.keras")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    first_layer(config).update({"class_name": "Lambda", "module": "keras.layers"})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**parts, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)
    refused(adopt_model, path, "its layer Lambda is none of")


def test_weights_in_other_files_and_bombs_are_refused(saved, tmp_path):
    with h5py.File(saved, "r+") as file:
        file["model_weights"]["link"] = h5py.ExternalLink("/etc/passwd", "/")
    refused(adopt_model, saved, "lie in another file")
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (2,))
    with h5py.File(saved, "r+") as file:
        del file["model_weights"]["link"]
        file.create_virtual_dataset("elsewhere", layout)
    refused(adopt_model, saved, "lie in another file")
    with h5py.File(saved, "r+") as file:
        del file["elsewhere"]
        file.create_dataset("bomb", (10**10,), "f4", chunks=(10**6,), compression="gzip")
    refused(adopt_model, saved, "would grow to 40,0")
    with h5py.File(saved, "r+") as file:
        del file["bomb"]
        file["model_weights"]["itself"] = file["/"]  # a circle
    adopt_model(saved)
