"""Networks: Koch's numbers, the Siamese model against NumPy, and its file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from siamlab.errors import InputError, ModelError, StorageError
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.koch import fold_normalization
from siamlab.models.metadata import ModelMetadata, digests
from siamlab.models.saving import load_model, save_model
from siamlab.models.siamese import build_siamese

KOCH_SHAPES = {
    "conv1": (96, 96, 64),
    "pool1": (48, 48, 64),
    "conv2": (42, 42, 128),
    "pool2": (21, 21, 128),
    "conv3": (18, 18, 128),
    "pool3": (9, 9, 128),
    "conv4": (6, 6, 256),
    "flatten": (9216,),
    "code": (4096,),
}


@pytest.fixture(scope="module")
def small():
    """A narrow Siamese Koch network."""
    keras.utils.set_random_seed(3)
    return build_siamese(build_embedding("koch", (64, 64, 3), width=0.05))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((4, 64, 64, 3), dtype=np.float32)


def test_koch_is_the_papers_network():
    embedding = build_embedding()
    assert embedding.count_params() == 38_960_448
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in embedding.layers[1:]}
    assert shapes == KOCH_SHAPES
    siamese = build_siamese(embedding)
    assert siamese.count_params() == 38_964_545
    assert [tensor.name for tensor in siamese.inputs] == ["anchor", "other"]
    assert siamese.output_shape == (None, 1)


def test_koch_weights_by_hand():
    """Convolutions k*k*in*out + out, code 9216*4096 + 4096, head 4096 + 1."""
    convolutions = [(10, 3, 64), (7, 64, 128), (4, 128, 128), (4, 128, 256)]
    weights = sum(k * k * i * o + o for k, i, o in convolutions) + 9216 * 4096 + 4096
    assert weights == 38_960_448
    assert weights + 4096 + 1 == 38_964_545


def with_uneven_normalization(model):
    """The same network with its normalization far from neutral."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if layer.name.endswith("_norm"):
            size = layer.weights[0].shape
            positive, signed = rng.uniform(0.5, 2, (2, *size)), rng.normal(0, 0.3, (2, *size))
            layer.set_weights([positive[0], signed[0], signed[1], positive[1]])
    return model


@pytest.fixture(scope="module")
def normalized():
    """A narrow Koch network built for training."""
    return with_uneven_normalization(build_embedding("koch", (64, 64, 3), 0.05, normalized=True))


def test_folding_the_normalization_leaves_kochs_layers_and_the_function(normalized, images):
    plain = fold_normalization(normalized)
    assert [layer.name for layer in plain.layers[1:]] == list(KOCH_SHAPES)
    assert plain.count_params() == build_embedding("koch", (64, 64, 3), 0.05).count_params()
    expected = np.asarray(normalized(images, training=False))
    assert expected.std() > 0.1
    np.testing.assert_allclose(np.asarray(plain(images)), expected, atol=2e-5)


def test_folded_koch_has_the_papers_weights():
    plain = fold_normalization(build_embedding("koch", normalized=True))
    assert plain.count_params() == 38_960_448
    assert {layer.name: tuple(layer.output.shape[1:]) for layer in plain.layers[1:]} == KOCH_SHAPES


@pytest.mark.parametrize(("arch", "width"), [("koch", 0.05), ("compact", 0.125)])
def test_folding_refuses_other_networks(arch, width):
    with pytest.raises(InputError, match="normalized=True"):
        fold_normalization(build_embedding(arch, (64, 64, 3), width))


def test_probability_is_the_sigmoid_of_the_weighted_distance(small, images):
    first, second = small.embed(images), small.embed(images[::-1])
    kernel, bias = small.head.get_weights()
    expected = 1 / (1 + np.exp(-(np.abs(first - second) @ kernel + bias)))
    got = np.asarray(small([images, images[::-1]]))
    np.testing.assert_allclose(got, expected, atol=1e-6)
    np.testing.assert_allclose(small.score_pairs(first, second), got[:, 0], atol=1e-6)


def test_inputs_by_name_or_in_order(small, images):
    by_name = small({"other": images[::-1], "anchor": images})
    np.testing.assert_array_equal(np.asarray(by_name), np.asarray(small([images, images[::-1]])))


def test_towers_share_weights_so_the_order_does_not_matter(small, images):
    there, back = small([images, images[::-1]]), small([images[::-1], images])
    np.testing.assert_allclose(np.asarray(there), np.asarray(back), atol=1e-6)


def test_one_probe_against_templates(small, images):
    templates = small.embed(images)
    scores = small.score_pairs(templates[0], templates)
    assert scores.shape == (4,) and scores.dtype == np.float32
    assert small.score_pairs(templates[0], templates[:0]).shape == (0,)


def test_compact_embeddings_have_unit_length_and_the_mirror_changes_nothing():
    keras.utils.set_random_seed(0)
    base = build_embedding("compact", (32, 32, 3), width=0.25)
    model = build_siamese(mirrored(base), "squared")
    images = np.random.default_rng(1).random((3, 32, 32, 3), dtype=np.float32)
    codes = model.embed(images)
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(codes, model.embed(images[:, :, ::-1]), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"arch": "vgg"}, "arch is one of koch, compact"),
        ({"input_shape": (48, 48, 3)}, "at least 60x60"),
        ({"arch": "compact", "input_shape": (15, 64, 3)}, "at least 16x16"),
        ({"input_shape": (105, 105)}, "input_shape is"),
        ({"width": 0}, "positive"),
    ],
)
def test_impossible_networks_are_refused_in_one_line(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        build_embedding(**arguments)
    assert "\n" not in str(caught.value)


def test_unknown_distance_is_refused(small):
    with pytest.raises(InputError, match="distance is one of"):
        build_siamese(small.embedding, "cosine")


def test_images_of_another_shape_are_refused(small):
    with pytest.raises(InputError, match=r"\(N, 64, 64, 3\).*\(2, 32, 32, 3\)"):
        small.embed(np.zeros((2, 32, 32, 3), np.float32))


def test_metadata_survives_the_file(tmp_path, small):
    metadata = ModelMetadata(
        arch="koch",
        preprocessing=Preprocessing(size=64, fraction=0.5),
        calibration={"threshold": 0.25},
        people=digests(["Ada", "Grace"]),
        notes="a test",
    )
    model = build_siamese(small.embedding, metadata=metadata)
    again = load_model(save_model(model, tmp_path / "m.keras"))
    assert again.metadata == metadata
    assert again.metadata.threshold == 0.25
    assert again.metadata.trained_on("Ada") and not again.metadata.trained_on("Alan")


def test_model_id_depends_on_embedding_and_crop_not_on_the_threshold(small):
    before = small.model_id
    small.with_metadata(calibration={"threshold": 0.9})
    assert small.model_id == before
    kept = small.metadata
    for other in (Preprocessing(64, 0.123), Preprocessing(64, 1.0, alignment="box")):
        small.with_metadata(preprocessing=other)
        assert small.model_id != before
    small.metadata = kept


RELOAD = """
import sys, numpy as np, siamlab
model = siamlab.load_model(sys.argv[1])
images = np.load(sys.argv[2])
np.save(sys.argv[3], np.asarray(model([images, images[::-1]])))
"""


def test_reloads_in_a_fresh_process_equal_to_the_last_bit(tmp_path, small, images):
    path = save_model(small, tmp_path / "m.keras")
    np.save(tmp_path / "images.npy", images)
    files = [str(path), str(tmp_path / "images.npy"), str(tmp_path / "scores.npy")]
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", RELOAD, *files], check=True, cwd=root)
    np.testing.assert_array_equal(
        np.load(tmp_path / "scores.npy"), np.asarray(small([images, images[::-1]]))
    )


def test_a_saved_model_continues_training_with_its_optimizer(tmp_path, images):
    model = build_siamese(build_embedding("koch", (64, 64, 3), width=0.02))
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    labels = np.array([[0.0], [1.0], [0.0], [1.0]], np.float32)
    model.train_on_batch([images, images[::-1]], labels)
    again = load_model(save_model(model, tmp_path / "m.keras"))
    assert int(again.optimizer.iterations) == 1
    same = [m.train_on_batch([images, images[::-1]], labels) for m in (model, again)]
    assert same[0] == pytest.approx(same[1], rel=1e-6)


def test_missing_truncated_and_foreign_files_are_one_line(tmp_path, small):
    path = save_model(small, tmp_path / "m.keras")
    (tmp_path / "cut.keras").write_bytes(path.read_bytes()[:-2000])
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    cases = {
        "absent.keras": "No model file",
        "cut.keras": "not a whole .keras file",
        "other.keras": "not a Siamese model",
    }
    for name, message in cases.items():
        with pytest.raises(ModelError, match=message) as caught:
            load_model(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_damage_inside_the_file_is_one_line(tmp_path, small):
    path = save_model(small, tmp_path / "m.keras")
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 3, len(data) // 3 + 4000):
        data[place] ^= 0x5A
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_the_previous_file(tmp_path, small, monkeypatch):
    path = save_model(small, tmp_path / "m.keras")
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.saving, "save_model", full)
    with pytest.raises(StorageError, match="No space left"):
        save_model(small, path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["m.keras"]


def test_the_name_must_end_in_keras(tmp_path, small):
    with pytest.raises(InputError, match=r"ends in \.keras"):
        save_model(small, tmp_path / "m.h5")


def test_without_the_optimizer_the_file_is_smaller_and_training_continues(tmp_path, images):
    model = build_siamese(build_embedding("koch", (64, 64, 3), width=0.1))
    model.compile("adam", "binary_crossentropy")
    batch, labels = [images, images[::-1]], np.ones((4, 1), np.float32)
    model.train_on_batch(batch, labels)
    with_state = save_model(model, tmp_path / "with.keras").stat().st_size
    path = save_model(model, tmp_path / "without.keras", optimizer=False)
    assert path.stat().st_size < 0.5 * with_state
    assert model.compiled and model.optimizer.iterations == 1
    model.train_on_batch(batch, labels)  # saving left it compiled
    again = load_model(path)
    assert not again.compiled
    again.compile("adam", "binary_crossentropy")
    again.train_on_batch(batch, labels)
