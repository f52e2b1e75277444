"""bfloat16: which layers compute in it, what stays float32, and that training works."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from siamlab.data.collections import open_collection
from siamlab.data.synthetic import write_people
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding
from siamlab.training.fit import train_people
from siamlab.training.mixed_precision import bfloat16_pays, in_bfloat16
from siamlab.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("shallow_compact")


@pytest.mark.parametrize(
    ("text", "pays"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 vaes\n", True),
        ("flags\t\t: fpu amx_tile amx_bf16\n", True),
        ("Features\t: fp asimd bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\n", False),
        ("model name\t: avx512_bf16\nflags\t\t: fpu\n", False),
        ("", False),
    ],
)
def test_cpu_flags_say_whether_bfloat16_pays(tmp_path, text, pays):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert bfloat16_pays(path) is (pays and keras.backend.backend() == "tensorflow")


def test_without_cpu_flags_training_stays_float32(tmp_path):
    assert not bfloat16_pays(tmp_path / "none")


def compact():
    keras.utils.set_random_seed(0)
    return build_embedding("compact", (32, 32, 3), width=0.25)


def test_products_are_bfloat16_weights_and_code_float32():
    plain = compact()
    twin = in_bfloat16(plain)
    kinds = {layer.name: layer.compute_dtype for layer in twin.layers}
    assert {
        kinds[name] for name in ("stem", "level2_block1_conv2", "level2_block1_add", "code")
    } == {"bfloat16"}
    assert {kinds[name] for name in ("unit",)} == {"float32"}
    assert {weight.dtype for weight in twin.weights} == {"float32"}
    assert {layer.compute_dtype for layer in plain.layers} == {"float32"}
    images = np.random.default_rng(0).random((8, 32, 32, 3), dtype=np.float32)
    exact, rounded = np.asarray(plain(images)), np.asarray(twin(images))
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rounded, axis=1), 1, atol=1e-5)
    # bfloat16 keeps 8 bits of a number: cosines move in the third digit.
    assert 0 < np.abs(exact @ exact.T - rounded @ rounded.T).max() < 0.03


def test_training_in_bfloat16_sets_the_float32_weights(tmp_path):
    write_people(tmp_path, people=8, images=3, seed=2)
    people, preprocessing = open_collection(tmp_path), Preprocessing(size=32, fraction=0.56)
    trained = {}
    for half in (False, True):
        embedding = compact()
        before = embedding.get_weights()
        history = train_people(
            embedding,
            people,
            preprocessing,
            TrainingSettings(steps=12, people=6, bfloat16=half, verbose=0),
        )
        assert np.isfinite(history.metrics["loss"]).all()
        trained[half] = embedding.get_weights()
        moved = [np.abs(a - b).max() for a, b in zip(before, trained[half], strict=True)]
        assert min(moved) > 0, "every weight was trained"
        assert {layer.compute_dtype for layer in embedding.layers} == {"float32"}
    first, second = trained[False][0], trained[True][0]
    assert 0 < np.abs(first - second).max() < 0.1 * np.abs(first).max()
