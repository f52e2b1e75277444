"""The compact network: its layers by hand, what training needs of it, and its packed file."""

from __future__ import annotations

import json
import re

import keras
import numpy as np
import pytest

from siamlab.errors import InputError, ModelError, SiamlabError
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.metadata import ModelMetadata, digests
from siamlab.models.packed import load_packed, save_packed
from siamlab.models.saving import load_model, save_model
from siamlab.models.siamese import build_siamese
from siamlab.system.files import sha256


@pytest.fixture(scope="module")
def compact():
    keras.utils.set_random_seed(4)
    return build_embedding("compact", (32, 32, 3), 0.25)


@pytest.fixture(scope="module")
def model(compact):
    metadata = ModelMetadata(arch="compact", people=digests(["Ada"]))
    model = build_siamese(mirrored(compact), "squared", metadata)
    model.head.set_weights([np.full(model.head.kernel.shape, -3.0), np.array([2.0])])
    return model


def faces(count, size=32):
    return np.random.default_rng(5).random((count, size, size, 3), dtype=np.float32)


def kernels_by_hand():
    """Stem; then two convolutions a block, and one more where the filters change; then the code.

    64 pixels are 32 behind the stem and 4 behind the last level, whose map has 256 filters.
    """
    shapes, before = [(3, 3, 3, 32)], 32
    for filters, blocks in ((32, 2), (64, 2), (128, 2), (256, 1)):
        for _ in range(blocks):
            shapes += [(3, 3, before, filters), (3, 3, filters, filters)]
            shapes += [(1, 1, before, filters)] if before != filters else []
            before = filters
    return [*shapes, (4 * 4 * 256, 128)]


def test_weights_by_hand():
    """Each kernel is followed by scale, offset, mean and variance of its filters."""
    network = build_embedding("compact", (64, 64, 3))
    kernels = kernels_by_hand()
    expected = [shape for kernel in kernels for shape in (kernel, *[kernel[-1:]] * 4)]
    # Keras counts the shortcut's convolution, which waits for the pooling, before the second one.
    assert sorted(weight.shape for weight in network.get_weights()) == sorted(expected)
    assert network.count_params() == 2_142_944
    assert network.count_params() == sum(int(np.prod(shape)) for shape in expected)
    assert network.output_shape == (None, 128)


def test_layers_say_where_they_are():
    names = [layer.name for layer in build_embedding("compact", (64, 64, 3)).layers]
    assert names[:5] == ["image", "center", "stem", "stem_norm", "stem_relu"]
    assert names[-5:] == ["flatten", "dropout", "code", "code_norm", "unit"]
    blocks = {found[0] for name in names if (found := re.match(r"level\d_block\d", name))}
    expected = {"1": 2, "2": 2, "3": 2, "4": 1}
    assert blocks == {f"level{a}_block{b + 1}" for a, n in expected.items() for b in range(n)}
    assert sum(name.endswith("_shortcut") for name in names) == 3


def test_embeddings_have_unit_length(compact):
    embeddings = np.asarray(compact(faces(6)))
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)
    assert embeddings.std(axis=0).mean() > 0


def test_a_block_adds_what_it_computes_to_its_input():
    """With kernels of zero, the first level hands on the stem."""
    network = build_embedding("compact", (32, 32, 3), 0.125)
    for name in ("level1_block1", "level1_block2"):
        second = network.get_layer(f"{name}_conv2")
        second.set_weights([np.zeros(second.kernel.shape)])
    parts = [network.get_layer(f"{name}_relu").output for name in ("stem", "level1_block2")]
    stem, level = keras.Model(network.input, parts)(faces(2))
    assert np.asarray(stem).std() > 0.1
    np.testing.assert_allclose(np.asarray(level), np.asarray(stem), atol=1e-6)


@pytest.mark.parametrize("side", [32, 33, 70])
def test_sides_need_not_be_powers_of_two(side):
    assert build_embedding("compact", (side, 40, 3), 0.125)(
        faces(1, 40)[:, :1].repeat(side, 1)
    ).shape == (1, 128)


def test_a_packed_model_scores_as_before(model, tmp_path):
    again = load_model(save_packed(model, tmp_path / "model.npz"))
    assert again.metadata == model.metadata
    first, second = faces(8)[:4], faces(8)[4:]
    expected = np.asarray(model([first, second]))
    np.testing.assert_allclose(np.asarray(again([first, second])), expected, atol=2e-3)
    np.testing.assert_array_equal(again.head.get_weights()[0], model.head.get_weights()[0])
    keras_file = save_model(model, tmp_path / "model.keras", optimizer=False)
    assert (tmp_path / "model.npz").stat().st_size < 0.55 * keras_file.stat().st_size


def test_packed_again_it_stays_the_same(model, tmp_path):
    """What float16 holds is not rounded twice."""
    once = load_packed(save_packed(model, tmp_path / "once.npz"))
    twice = load_packed(save_packed(once, tmp_path / "twice.npz"))
    assert twice.model_id == once.model_id != model.model_id


def test_compact_at_full_width_fits_the_package(tmp_path):
    path = save_packed(
        build_siamese(mirrored(build_embedding("compact", (64, 64, 3)))), tmp_path / "a.npz"
    )
    assert 3.5e6 < path.stat().st_size < 4.5e6


def test_damaged_packed_models_are_refused(model, tmp_path):
    path = save_packed(model, tmp_path / "model.npz")
    whole = path.read_bytes()
    for content in (whole[:-100], whole[:900] + b"?" + whole[901:]):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="Install siamlab again") as caught:
            load_model(path)
        assert "\n" not in str(caught.value)
    path.write_bytes(whole)
    path.with_name("model.npz.sha256").unlink()
    with pytest.raises(ModelError, match="one of them is missing"):
        load_model(path)


def test_malformed_packed_models_are_one_line(model, tmp_path):
    """Whole files, as their checksums say, of something else than a Siamese model."""
    path = save_packed(model, tmp_path / "model.npz")
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    alone = json.dumps({"model": keras.saving.serialize_keras_object(model.embedding)})
    cases = {
        "about": {"templates": np.zeros((2, 3))},
        "not a Siamese model": {**arrays, "about": np.frombuffer(alone.encode(), np.uint8)},
        "layer": {name: array for name, array in arrays.items() if name != "000"},
        "would grow to 160 MB": {**arrays, "000": np.zeros(40_000_000, np.float32)},
        "no number: 'high'": {
            **arrays,
            "about": np.frombuffer(
                arrays["about"].tobytes().replace(b'"calibration": null',
                b'"calibration": {"threshold": "high"}'), np.uint8,
            ),
        },
    }  # fmt: skip
    for reason, changed in cases.items():
        np.savez_compressed(path, **changed)
        path.with_name("model.npz.sha256").write_text(sha256(path))
        with pytest.raises(ModelError, match="cannot be loaded as a model") as caught:
            load_model(path)
        assert reason in str(caught.value) and str(caught.value).isprintable()
    for text in (b"", b"\xff\xfe"):
        path.with_name("model.npz.sha256").write_bytes(text)
        with pytest.raises(SiamlabError) as caught:
            load_model(path)
        assert "model.npz.sha256" in str(caught.value)


@pytest.mark.parametrize(
    "calibration",
    [
        {"threshold": "high"},
        {"threshold": float("nan")},
        {"threshold": 0.5, "balanced": "0.4"},
        {"threshold": 0.5, "thresholds": {"0.001": [0.9]}},
        {"threshold": 0.5, "target_fmr": "0.01"},
        {"balanced": 0.5},
        ["threshold"],
    ],
)
def test_thresholds_that_are_no_numbers_are_refused(model, calibration):
    values = model.metadata.to_dict()
    with pytest.raises(InputError, match=r"no number|damaged") as caught:
        ModelMetadata.from_dict({**values, "calibration": calibration})
    assert str(caught.value).isprintable()
    assert ModelMetadata.from_dict(values) == model.metadata


def test_numbers_beyond_float16_are_refused(tmp_path):
    network = build_embedding("compact", (32, 32, 3), 0.125)
    code = network.get_layer("code")
    code.set_weights([np.full(code.kernel.shape, 1e5)])
    with pytest.raises(ModelError, match="too large for float16"):
        save_packed(build_siamese(network, "squared"), tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())
