"""Layers: against NumPy, and through save and load."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from siamlab.models.cohort_normalization import CohortNormalization
from siamlab.models.ensemble import central_view
from siamlab.models.hog_lda import OrientedGradients
from siamlab.models.layers import (
    L1Distance,
    Mirror,
    SquaredDistance,
    safe_root,
    squared_distances,
)
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


def central(images, kept, size):
    inputs = keras.Input(images.shape[1:])
    return np.asarray(keras.Model(inputs, central_view(inputs, kept, size))(images))


def test_the_central_view_is_the_middle_of_the_image():
    """Half of 8 pixels are those from 2 to 6; in 2 pixels each is the mean of four."""
    images = np.random.default_rng(0).random((3, 8, 8, 3), dtype=np.float32)
    middle = images[:, 2:6, 2:6]
    np.testing.assert_array_equal(central(images, 4, 4), middle)
    halved = middle.reshape(3, 2, 2, 2, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(central(images, 4, 2), halved, atol=1e-6)
    np.testing.assert_array_equal(central(images, 8, 8), images)
    assert central(np.zeros((1, 20, 20, 3), np.float32), 20, 8).shape == (1, 8, 8, 3)


def boxes(maps, side, step):
    """Means over squares; at the borders over what is there of them, when the step is 1."""
    rows, columns = maps.shape[:2]
    if step == 1:
        low = (side - 1) // 2
        return np.array([
            [
                maps[max(0, y - low) : y - low + side, max(0, x - low) : x - low + side]
                .mean(axis=(0, 1))
                for x in range(columns)
            ]
            for y in range(rows)
        ])  # fmt: skip
    cut = maps[: rows // side * side, : columns // side * side]
    return cut.reshape(rows // side, side, columns // side, side, -1).mean(axis=(1, 3))


def test_gradient_histograms_equal_numpy():
    """14 pixels leave 12 gradients: two cells of six on each side, eight directions in each."""
    image = np.random.default_rng(4).random((14, 14, 3))
    gray = image @ [0.299, 0.587, 0.114]
    across, down = gray[1:-1, 2:] - gray[1:-1, :-2], gray[2:, 1:-1] - gray[:-2, 1:-1]
    turns = np.arange(8) * np.pi / 4
    away = np.arctan2(down, across)[..., None] - turns
    maps = np.hypot(across, down)[..., None] * np.maximum(np.cos(away), 0) ** 2
    maps = boxes(boxes(maps, 6, 1), 6, 6)
    strength = np.linalg.norm(maps, axis=-1, keepdims=True)
    rows = np.sqrt(maps / (boxes(strength, 3, 1) + 0.1)).ravel()
    found = np.asarray(OrientedGradients()(image[None].astype("float32")))
    np.testing.assert_allclose(found[0], rows / np.linalg.norm(rows), atol=2e-3)
    assert OrientedGradients().compute_output_shape((None, 14, 14, 3)) == (None, 32)


def test_gradient_directions():
    """Brighter to the right: direction 0 of eight; downwards: direction 2, a quarter turn on."""
    ramp = np.broadcast_to(np.linspace(0, 1, 14, dtype="float32")[:, None], (14, 14, 3))
    images = np.stack([ramp, ramp.transpose(1, 0, 2)])
    found = np.asarray(OrientedGradients()(images)).reshape(2, 4, 8).sum(axis=1)
    assert found.argmax(axis=1).tolist() == [0, 2]


def test_gradients_depend_little_on_light():
    """Added light changes nothing; half the contrast changes less than another image does."""
    patches = 0.5 * np.random.default_rng(0).random((2, 5, 5, 3), dtype=np.float32)
    image, other = np.kron(patches, np.ones((1, 7, 7, 1), np.float32))
    rows = np.asarray(OrientedGradients()(np.stack([image, image + 0.3, 0.5 * image, other])))
    np.testing.assert_allclose(rows[1], rows[0], atol=1e-4)
    paler, another = rows[2:] @ rows[0]
    assert paler > 0.98 and another < 0.9


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.fixture
def cohort():
    """Four strangers in a plane of a space of four dimensions, and the layer that knows them."""
    layer = CohortNormalization(4)
    layer.build((None, 4))
    strangers = unit(np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [1, 2, 0, 0]], "float32"))
    layer.set_weights([strangers, np.float32(0)])
    return layer, strangers


def test_similarity_to_a_cohort_is_between_the_mean_and_the_largest_cosine(cohort):
    layer, strangers = cohort
    faces = unit(np.random.default_rng(0).normal(size=(20, 4)).astype("float32"))
    cosines = faces @ strangers.T
    likeness = np.asarray(layer.likeness(faces))[:, 0]
    assert (likeness >= cosines.mean(axis=1) - 1e-6).all()
    assert (likeness <= cosines.max(axis=1) + 1e-6).all()
    expected = 0.1 * np.log(np.exp(cosines / 0.1).mean(axis=1))
    np.testing.assert_allclose(likeness, expected, atol=1e-5)


def test_a_cohort_lowers_the_cosine_of_those_similar_to_it(cohort):
    """Pairs of one cosine, 0.6: that within the cohort's plane counts less than that outside.

    In the plane both faces are near strangers; in the other two dimensions all are at 90 degrees.
    """
    layer, _ = cohort
    flat = np.array([[1, 0, 0, 0], [0.6, 0.8, 0, 0]], "float32")
    apart = np.array([[0, 0, 1, 0], [0, 0, 0.6, 0.8]], "float32")
    inside, outside = (np.asarray(layer(pair)) for pair in (flat, apart))
    np.testing.assert_allclose(np.linalg.norm([*inside, *outside], axis=1), 1, atol=1e-6)
    assert inside[0] @ inside[1] < outside[0] @ outside[1] - 0.05
    # The coordinate of who has nothing of the cohort is its center: 0.75 of 0.6, and 0.5 squared.
    assert outside[0] @ outside[1] == pytest.approx(0.75 * 0.6 + 0.25, abs=1e-5)
    assert inside[:, -1].min() >= 0, "two below zero would be alike again"


@pytest.mark.parametrize(
    "layer",
    [
        L1Distance(),
        SquaredDistance(),
        Mirror(),
        PersonCosines(3),
        PairLogits(2.0, 3.0),
        OrientedGradients(5, 6),
        CohortNormalization(5, 0.2, 0.4, 2.0),
    ],
)
def test_layers_are_restored_from_their_config_without_custom_objects(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
