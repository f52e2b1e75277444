"""Losses: against NumPy loops, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from siamlab.losses import LargeMarginCosine, SupervisedContrastive  # noqa: E402


def unit(rng, count, dimensions):
    vectors = rng.normal(size=(count, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def contrastive_by_loops(labels, embeddings, temperature):
    """Khosla et al. 2020, equation 2, word for word."""
    total = []
    for i in range(len(labels)):
        others = [a for a in range(len(labels)) if a != i]
        scores = {a: embeddings[i] @ embeddings[a] / temperature for a in others}
        norm = np.log(sum(np.exp(score) for score in scores.values()))
        positives = [p for p in others if labels[p] == labels[i]]
        total.append(-sum(scores[p] - norm for p in positives) / max(1, len(positives)))
    return np.array(total)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_supervised_contrastive_is_the_papers(temperature):
    rng = np.random.default_rng(1)
    labels, embeddings = np.array([0, 0, 1, 1, 1, 2]), unit(rng, 6, 4)
    loss = SupervisedContrastive(temperature).call(labels, embeddings)
    expected = contrastive_by_loops(labels, embeddings, temperature)
    np.testing.assert_allclose(np.asarray(loss), expected, rtol=1e-4)


def test_an_image_alone_of_its_person_counts_nothing():
    embeddings = unit(np.random.default_rng(2), 3, 4)
    loss = np.asarray(SupervisedContrastive().call(np.array([0, 0, 1]), embeddings))
    assert loss[2] == 0 and loss[0] > 0


def test_two_people_far_apart_cost_almost_nothing():
    embeddings = np.array([[1, 0], [1, 0], [-1, 0], [-1, 0]], "float32")
    loss = SupervisedContrastive(0.1)(np.array([0, 0, 1, 1]), embeddings)
    # log(1 + 2 exp(-20)): each image has one positive at cosine 1 and two others at -1.
    assert float(loss) == pytest.approx(2 * np.exp(-20), abs=1e-6)


def test_large_margin_by_hand():
    """Cosines (0.5, 0.1), person 0, s = 2, m = 0.1: log(e^0.8 + e^0.2) - 0.8."""
    loss = LargeMarginCosine(margin=0.1, scale=2.0)
    value = float(loss(np.array([0]), np.array([[0.5, 0.1]], "float32")))
    assert value == pytest.approx(np.log(np.exp(0.8) + np.exp(0.2)) - 0.8, rel=1e-5)


def test_margin_makes_it_harder():
    cosines = np.array([[0.5, 0.1]], "float32")
    plain, margin = LargeMarginCosine(0.0), LargeMarginCosine(0.2)
    assert float(margin(np.array([0]), cosines)) > float(plain(np.array([0]), cosines))


@pytest.mark.parametrize("loss", [SupervisedContrastive(0.2), LargeMarginCosine(0.3, 30.0)])
def test_losses_come_back_from_their_config(loss):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
