"""Model files with something in them that no model needs: refused in a sentence, nothing run."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from fakes import unprivileged

from siamlab.errors import ModelError
from siamlab.models.packed import load_packed, save_packed
from siamlab.models.saving import load_model, save_model
from siamlab.models.siamese import Siamese, build_siamese
from siamlab.system.files import sha256


def tiny(*inside: keras.layers.Layer) -> Siamese:
    inputs = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(2, 1, name="channels")(inputs)
    for layer in inside:
        x = layer(x)
    return build_siamese(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))


@pytest.fixture
def whole(tmp_path) -> Path:
    return save_model(tiny(), tmp_path / "whole.keras", optimizer=False)


@pytest.fixture
def canary(tmp_path, monkeypatch) -> Path:
    """A file that appears when the module ``evil_module`` is imported, or its class made."""
    path = tmp_path / "canary"
    (tmp_path / "evil_module.py").write_text(
        "import keras, pathlib\n"
        f"pathlib.Path({str(path)!r}).touch()\n"
        "class Evil(keras.layers.Layer):\n    pass\n"
        "def run(*_):\n    return 0\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield path
    assert not path.exists(), "something of the file was run"
    assert "evil_module" not in sys.modules


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_parts(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def with_layer(whole: Path, path: Path, **changes: object) -> Path:
    """The file with another description of its second layer."""
    parts = parts_of(whole)
    config = json.loads(parts["config.json"])
    config["config"]["embedding"]["config"]["layers"][1].update(changes)
    return with_parts(path, {**parts, "config.json": json.dumps(config).encode()})


def refused(path: Path, match: str) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        load_model(path)
    assert str(caught.value).isprintable() and str(path) in str(caught.value)


def test_a_function_in_a_layer(canary, tmp_path):
    evil = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    layer = keras.layers.Lambda(eval(f"lambda x: ({evil}, x)[1] if x is None else x"))
    path = save_model(tiny(layer), tmp_path / "lambda.keras", optimizer=False)
    refused(path, r"Lambda can run code.*Nothing of it was run")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"module": "evil_module", "class_name": "Evil", "registered_name": "Evil"}, "evil_module"),
        ({"module": "evil_module", "class_name": "Evil", "registered_name": None}, "evil_module"),
        (
            {"module": "evil_module", "class_name": "Evil", "registered_name": "siamlab>Evil"},
            "evil_module",
        ),
        ({"module": "os", "class_name": "system", "registered_name": "system"}, "os.system"),
        ({"module": "kerasx.layers", "class_name": "Evil", "registered_name": "x"}, "kerasx"),
        ({"class_name": "TorchModuleWrapper"}, "TorchModuleWrapper can run code"),
        ({"class_name": "TFSMLayer"}, "TFSMLayer"),
        ({"class_name": "StringLookup"}, "read other files"),
    ],
)
def test_foreign_classes(whole, canary, tmp_path, changes, match):
    refused(with_layer(whole, tmp_path / "evil.keras", **changes), match)


def test_foreign_functions_within_a_layer(whole, canary, tmp_path):
    function = {"class_name": "function", "config": "run", "module": "evil_module",
                "registered_name": "siamlab>Siamese"}  # fmt: skip
    parts = parts_of(whole)
    config = json.loads(parts["config.json"])
    config["config"]["embedding"]["config"]["layers"][1]["config"]["activation"] = function
    path = with_parts(tmp_path / "e.keras", {**parts, "config.json": json.dumps(config).encode()})
    refused(path, "evil_module.run")


def test_a_registered_class_of_the_program_is_fine(tmp_path):
    @keras.saving.register_keras_serializable("test_safety")
    class Same(keras.layers.Layer):
        def call(self, x):
            return x

    path = save_model(tiny(Same()), tmp_path / "own.keras", optimizer=False)
    assert load_model(path).embedding.get_layer(index=2).name == "same"
    del keras.saving.get_custom_objects()["test_safety>Same"]
    refused(path, "Same, which is not Keras' or siamlab's")


class Pickled:
    """What a pickle of this does when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickled_objects_instead_of_weights(whole, canary, tmp_path):
    out = io.BytesIO()
    np.savez(out, allow_pickle=True, a=np.array([Pickled(canary)], object))
    parts = parts_of(whole)
    del parts["model.weights.h5"]
    refused(with_parts(tmp_path / "npz.keras", {**parts, "model.weights.npz": out.getvalue()}),
            "it holds 'model.weights.npz'")  # fmt: skip
    path = save_packed(tiny(), tmp_path / "packed.npz")
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["000"] = np.array([Pickled(canary)], object)
    np.savez(path, allow_pickle=True, **arrays)
    path.with_name("packed.npz.sha256").write_text(f"{sha256(path)}  packed.npz\n")
    refused(path, "cannot be loaded as a model")


def test_a_foreign_class_in_packed_weights(canary, tmp_path):
    path = save_packed(tiny(), tmp_path / "packed.npz")
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    text = arrays["about"].tobytes().decode()
    text = text.replace('"registered_name": "siamlab>L1Distance"', '"registered_name": "x"')
    text = text.replace('"module": "siamlab.models.layers"', '"module": "evil_module"')
    arrays["about"] = np.frombuffer(text.encode(), np.uint8)
    np.savez(path, **arrays)
    path.with_name("packed.npz.sha256").write_text(f"{sha256(path)}  packed.npz\n")
    with pytest.raises(ModelError, match="evil_module"):
        load_packed(path)


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "assets/x", "evil_module.py"])
def test_further_members(whole, tmp_path, name):
    path = with_parts(tmp_path / "more.keras", {**parts_of(whole), name: b"x"})
    refused(path, "it holds")
    assert not (tmp_path.parent / "evil.txt").exists()


def test_doubled_and_missing_members(whole, tmp_path):
    parts = parts_of(whole)
    path = with_parts(tmp_path / "m.keras", parts)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", parts["config.json"])
    refused(path, "missing or doubled")
    for name in ("config.json", "model.weights.h5"):
        rest = {key: value for key, value in parts.items() if key != name}
        refused(with_parts(path, rest), "missing or doubled")


def test_a_bomb(whole, tmp_path):
    parts = parts_of(whole)
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("metadata.json", "config.json"):
            archive.writestr(name, parts[name])
        with archive.open("model.weights.h5", "w", force_zip64=True) as member:
            for _ in range(150):
                member.write(bytes(1_000_000))
    refused(path, "it would grow to 150 MB")


def test_weights_that_lie_in_another_file(whole, tmp_path):
    """HDF5 can name other files as the place of an array: any file would become weights."""
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(24))
    for kind in ("link", "external"):
        out = io.BytesIO(parts_of(whole)["model.weights.h5"])
        with h5py.File(out, "r+") as file:
            names: list[str] = []
            file.visit(names.append)
            name = next(name for name in names if isinstance(file[name], h5py.Dataset))
            shape = file[name].shape
            del file[name]
            if kind == "link":
                file[name] = h5py.ExternalLink(str(secret), "/x")
            else:
                file.create_dataset(name, shape, "f4", external=[(str(secret), 0, 24)])
        parts = {**parts_of(whole), "model.weights.h5": out.getvalue()}
        refused(with_parts(tmp_path / f"{kind}.keras", parts), "lie in another file")


def test_older_files_of_keras_and_other_files(whole, tmp_path):
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["model_config"] = "{}"
    refused(tmp_path / "old.h5", r"Keras model in HDF5.*siamlab adopt.*saved again as \.keras")
    (tmp_path / "old.h5").rename(tmp_path / "renamed.keras")
    refused(tmp_path / "renamed.keras", "Keras model in HDF5")
    for content in (b"", b"\x80\x04\x95", b"#!/bin/sh\n", b"PK\x03\x04" + bytes(30)):
        (tmp_path / "other.keras").write_bytes(content)
        refused(tmp_path / "other.keras", "not a whole .keras file")


def test_a_file_that_must_not_be_read(whole):
    whole.chmod(0)
    with unprivileged(), pytest.raises(ModelError, match=r"Permission denied|No model file"):
        load_model(whole)


def test_changed_bytes_are_found_or_change_nothing(whole, tmp_path):
    """Every part has a CRC; what has none are names, times and places of parts."""
    content, path = whole.read_bytes(), tmp_path / "changed.keras"
    expected = load_model(whole).get_weights()
    rng, outcomes = np.random.default_rng(0), []
    weights = content.index(b"\x89HDF")
    places = [*rng.integers(0, len(content), 25), *rng.integers(weights, weights + 9_000, 15)]
    for place in places:
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :])
        try:
            found = load_model(path).get_weights()
        except ModelError as error:
            assert str(error).isprintable()
            outcomes.append("error")
        else:
            outcomes.append("same")
            assert all(map(np.array_equal, found, expected))
    assert outcomes.count("error") > 25
    for share in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(content[: int(share * len(content))])
        refused(path, "not a whole .keras file")
