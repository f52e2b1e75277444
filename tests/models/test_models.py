"""Networks: Koch's numbers, the Siamese model against NumPy, and its file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from siamlab.errors import InputError, ModelError, StorageError
from siamlab.faces.crop import Preprocessing
from siamlab.models.cohort_normalization import normalize_by_cohort
from siamlab.models.embedding import build_embedding, fold_normalization, mirrored, project_to_pca
from siamlab.models.ensemble import build_ensemble
from siamlab.models.locations import PRETRAINED
from siamlab.models.metadata import ModelMetadata, digests
from siamlab.models.saving import load_model, save_model, save_quantized
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


@pytest.mark.parametrize("arch", ["koch", "compact"])
def test_folding_refuses_plain_networks(arch):
    with pytest.raises(InputError, match="normalized=True"):
        fold_normalization(build_embedding(arch, (64, 64, 3), 0.05, normalized=False))


def test_folded_compact_is_the_same_function_in_fewer_layers():
    trained = with_uneven_normalization(build_embedding("compact", (32, 32, 3), 0.25))
    plain = fold_normalization(trained)
    names = [f"{kind}{number}" for number in (1, 2, 3) for kind in ("conv", "pool")]
    expected = ["image", *names, "conv4", "flatten", "code", "code_centered", "unit"]
    assert [layer.name for layer in plain.layers] == expected
    images = faces(5)
    codes = np.asarray(trained(images, training=False))
    assert codes.std() > 0.01
    np.testing.assert_allclose(np.asarray(plain(images)), codes, atol=2e-5)


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
        ({"arch": "compact", "input_shape": (8, 8, 3)}, "at least 16x16"),
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
    small.with_metadata(preprocessing=Preprocessing(size=64, fraction=0.123))
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


@pytest.fixture(scope="module")
def compact():
    keras.utils.set_random_seed(4)
    return build_embedding("compact", (32, 32, 3), 0.25)


def faces(count, size=32):
    return np.random.default_rng(5).random((count, size, size, 3), dtype=np.float32)


def test_compact_gives_unit_embeddings(compact):
    embeddings = np.asarray(compact(faces(6)))
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)
    assert embeddings.std(axis=0).mean() > 0


def test_all_principal_axes_keep_every_cosine(compact):
    """Ten images span ten axes at the most: with all of them nothing is lost."""
    images = faces(10)
    full, short = (
        np.asarray(compact(images)),
        np.asarray(project_to_pca(compact, images, 10)(images)),
    )
    assert short.shape == (10, 10)
    np.testing.assert_allclose(short @ short.T, full @ full.T, atol=1e-4)


def test_fewer_axes_are_those_of_the_largest_spread(compact):
    images = faces(10)
    full = np.asarray(compact(images))
    _, _, axes = np.linalg.svd(full, full_matrices=False)
    expected = full @ axes[:3].T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    short = np.asarray(project_to_pca(compact, images, 3)(images))
    np.testing.assert_allclose(short @ short.T, expected @ expected.T, atol=1e-4)


@pytest.fixture(scope="module")
def joined(compact):
    """Two models of 32 pixels: the near one sees 0.56 of 0.70, so the image has 40."""
    keras.utils.set_random_seed(8)
    other = build_embedding("compact", (32, 32, 3), width=0.125)
    return [compact, other], build_ensemble([compact, other], (0.56, 0.70))


def test_the_cosine_of_an_ensemble_is_the_mean_of_its_models(joined):
    (near, wide), both = joined
    images = np.random.default_rng(2).random((6, 40, 40, 3), dtype=np.float32)
    small = np.asarray(keras.ops.image.resize(images, (32, 32), interpolation="bilinear"))
    codes = [np.asarray(near(images[:, 4:36, 4:36])), np.asarray(wide(small))]
    codes.append(np.asarray(both(images)))
    assert codes[2].shape[1] == codes[0].shape[1] + codes[1].shape[1]
    first, second, mean = (code @ code.T for code in codes)
    assert np.abs(first - second).max() > 0.01, "the models differ"
    np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-5)


def test_a_models_weight_is_its_share_of_the_cosine(joined):
    """Three to one: 0.75 and 0.25 of the models' cosines; unit codes stay unit."""
    models, both = joined
    images = np.random.default_rng(2).random((6, 40, 40, 3), dtype=np.float32)
    codes = np.asarray(both(images)) * np.sqrt(2)
    parts = np.split(codes, [models[0].output_shape[1]], axis=1)
    weighted = np.asarray(build_ensemble(models, (0.56, 0.70), (3, 1))(images))
    expected = 0.75 * parts[0] @ parts[0].T + 0.25 * parts[1] @ parts[1].T
    np.testing.assert_allclose(weighted @ weighted.T, expected, atol=1e-5)


def test_an_ensemble_survives_the_file(joined, tmp_path):
    images = np.random.default_rng(3).random((6, 40, 40, 3), dtype=np.float32)
    model = build_siamese(mirrored(project_to_pca(joined[1], images, 6)), "squared")
    again = load_model(save_model(model, tmp_path / "joined.keras"))
    np.testing.assert_array_equal(again.embed(images), model.embed(images))


def test_a_cohort_adds_a_coordinate_that_falls_as_similarity_rises(compact):
    """The cohort are centroids of the strangers' own embeddings."""
    keras.utils.set_random_seed(0)
    strangers = faces(12)
    model = normalize_by_cohort(compact, strangers, 3)
    codes = np.asarray(model(strangers))
    assert codes.shape == (12, compact.output_shape[1] + 1)
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-5)
    layer = model.get_layer("cohort")
    groups, usual = layer.get_weights()
    plain = np.asarray(compact(strangers))
    assert groups.shape == (3, plain.shape[1])
    likeness = np.asarray(layer.likeness(plain))[:, 0]
    assert float(usual) == pytest.approx(likeness.mean(), abs=1e-5)
    expected = np.clip(0.5 - 3 * (likeness - likeness.mean()), 0, 0.9)
    np.testing.assert_allclose(codes[:, -1], expected, atol=1e-4)
    assert not layer.trainable_weights, "fine-tuning leaves strangers where they are"


def test_an_ensemble_of_one_is_its_model(compact):
    assert build_ensemble([compact], (0.56,)) is compact


def test_a_quantized_model_scores_as_before(compact, tmp_path):
    metadata = ModelMetadata(arch="compact", people=digests(["Ada"]))
    model = build_siamese(mirrored(compact), "squared", metadata)
    model.head.set_weights([np.full(model.head.kernel.shape, -3.0), np.array([2.0])])
    again = load_model(save_quantized(model, tmp_path / "model.npz"))
    assert again.metadata == model.metadata
    first, second = faces(8)[:4], faces(8)[4:]
    expected = np.asarray(model([first, second]))
    np.testing.assert_allclose(np.asarray(again([first, second])), expected, atol=0.02)
    keras_file = save_model(model, tmp_path / "model.keras", optimizer=False)
    assert (tmp_path / "model.npz").stat().st_size < 0.5 * keras_file.stat().st_size


def test_a_damaged_quantized_model_is_refused(compact, tmp_path):
    path = save_quantized(build_siamese(compact, "squared"), tmp_path / "model.npz")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="Install siamlab again"):
        load_model(path)


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


def test_the_packaged_weights_match_their_card():
    """At most 6 MB; an ensemble of two networks and HOG-LDA, and a cohort."""
    card = json.loads(PRETRAINED.with_name("card.json").read_text())
    assert PRETRAINED.stat().st_size < 6e6
    assert card["megabytes"] == pytest.approx(PRETRAINED.stat().st_size / 1e6, abs=0.01)
    model = load_model("pretrained")
    assert model.metadata.threshold == card["calibration"]["threshold"]
    assert model.metadata.preprocessing == Preprocessing(size=90, fraction=0.70)
    base = model.embedding
    assert {"model1", "model2", "hog_lda", "cohort"} <= {layer.name for layer in base.layers}
    shares = [base.get_layer(f"weight{number}").scale ** 2 for number in (1, 2, 3)]
    assert sum(shares) == pytest.approx(1) and min(shares) > 0
