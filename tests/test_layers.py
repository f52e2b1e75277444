"""Layers: against NumPy, and through save and load."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from siamlab.layers import L1Distance, Mirror, PersonCosines, SquaredDistance  # noqa: E402


@pytest.mark.parametrize(
    ("layer", "oracle"),
    [(L1Distance, lambda a, b: np.abs(a - b)), (SquaredDistance, lambda a, b: (a - b) ** 2)],
)
def test_distance_is_numpys(layer, oracle):
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


@pytest.mark.parametrize("layer", [L1Distance(), SquaredDistance(), Mirror(), PersonCosines(3)])
def test_layers_come_back_from_their_config_without_custom_objects(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
