"""Layers: against NumPy, and through save and load."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from siamlab.models.layers import (
    L1Distance,
    Mirror,
    SquaredDistance,
    safe_root,
    squared_distances,
)
from siamlab.models.resnet import PadTo
from siamlab.models.training_heads import PairLogits, PersonCosines


@pytest.mark.parametrize(
    ("layer", "oracle"),
    [(L1Distance, lambda a, b: np.abs(a - b)), (SquaredDistance, lambda a, b: (a - b) ** 2)],
)
def test_distances_equal_numpy(layer, oracle):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 5, 7)).astype("float32")
    np.testing.assert_allclose(np.asarray(layer()(first, second)), oracle(first, second), rtol=1e-6)


def test_distance_by_hand():
    """|(1, -2) - (3, 1)| = (2, 3), squared (4, 9)."""
    first, second = np.array([[1.0, -2.0]], "float32"), np.array([[3.0, 1.0]], "float32")
    assert np.asarray(L1Distance()(first, second)).tolist() == [[2.0, 3.0]]
    assert np.asarray(SquaredDistance()(first, second)).tolist() == [[4.0, 9.0]]


def test_one_probe_is_compared_with_many():
    probe, templates = np.zeros((1, 3), "float32"), np.ones((4, 3), "float32")
    assert np.asarray(L1Distance()(probe, templates)).shape == (4, 3)


def test_distance_refuses_embeddings_of_two_sizes():
    with pytest.raises(ValueError, match=r"one size.*\(1, 3\) and \(1, 4\)"):
        L1Distance()(np.zeros((1, 3), "float32"), np.zeros((1, 4), "float32"))


def test_mirror_swaps_left_and_right_only():
    image = np.arange(24, dtype="float32").reshape(1, 2, 4, 3)
    np.testing.assert_array_equal(np.asarray(Mirror()(image)), image[:, :, ::-1])


def test_person_cosines_are_cosines():
    layer = PersonCosines(4)
    unit = np.eye(3, dtype="float32")
    cosines = np.asarray(layer(unit))
    directions = np.asarray(layer.directions)
    expected = unit @ (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    np.testing.assert_allclose(cosines, expected, rtol=1e-5)


def test_all_squared_distances_of_a_batch():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(5, 7)).astype("float32")
    oracle = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    found = np.asarray(squared_distances(vectors))
    np.testing.assert_allclose(found, oracle, rtol=1e-4, atol=1e-5)
    assert (np.asarray(squared_distances(vectors[:1].repeat(4, 0))) >= 0).all()


def test_the_square_root_is_flat_near_zero():
    values = np.array([0.0, 1e-9, 1e-4, 4.0], "float32")
    np.testing.assert_allclose(np.asarray(safe_root(values)), [0, 0, 0.01, 2], rtol=1e-6)
    tf = pytest.importorskip("tensorflow")
    tensor = tf.constant(values)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        root = safe_root(tensor)
    np.testing.assert_allclose(np.asarray(tape.gradient(root, tensor)), [0, 0, 50, 0.25], rtol=1e-5)


def test_pair_logits_by_hand():
    """Squared distances 0, 2 and 4 with scale 3 and offset 5: 5, -1, -7."""
    embeddings = np.array([[1, 0], [0, 1], [-1, 0]], "float32")
    logits = np.asarray(PairLogits(3.0, 5.0)(embeddings))
    np.testing.assert_allclose(logits, [[5, -1, -7], [-1, 5, -1], [-7, -1, 5]], atol=1e-5)


def test_pair_logits_are_the_siamese_head_on_all_pairs():
    """A squared distance and a sigmoid unit with weights -scale and bias offset are equal."""
    rng = np.random.default_rng(2)
    embeddings = rng.normal(size=(4, 6)).astype("float32")
    head = keras.layers.Dense(1, activation="sigmoid")
    first, second = np.divmod(np.arange(16), 4)
    distance = SquaredDistance()(embeddings[first], embeddings[second])
    head.build(distance.shape)
    head.set_weights([np.full((6, 1), -0.7, "float32"), np.array([1.5], "float32")])
    logits = PairLogits(0.7, 1.5)(embeddings)
    np.testing.assert_allclose(
        np.asarray(keras.ops.sigmoid(logits)).ravel(), np.asarray(head(distance))[:, 0], rtol=1e-4
    )


def test_pair_logits_learn_and_refuse():
    layer = PairLogits()
    assert layer.compute_output_shape((None, 8)) == (None, None)
    layer.build((None, 8))
    assert [weight.name for weight in layer.trainable_weights] == ["log_scale", "bias"]
    with pytest.raises(ValueError, match="Received: scale=0"):
        PairLogits(scale=0)


@pytest.mark.parametrize(
    "layer",
    [
        L1Distance(),
        SquaredDistance(),
        Mirror(),
        PersonCosines(3),
        PairLogits(2.0, 3.0),
        PadTo(),
    ],
)
def test_layers_are_restored_from_their_config_without_custom_objects(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
