"""Losses: against NumPy loops that follow the papers, by hand, and with finite gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab.errors import InputError
from siamlab.models.losses import (
    AdditiveAngularMargin,
    Contrastive,
    LargeMarginCosine,
    PairCrossEntropy,
    SemiHardTriplet,
    SupervisedContrastive,
    WeightedSum,
    next_in_batch,
    pair_masks,
)
from siamlab.models.training_heads import PairLogits, PersonCosines

ALL = [
    SupervisedContrastive(0.2),
    SemiHardTriplet(0.3),
    Contrastive(1.5, "next", 0.25),
    PairCrossEntropy("next", 0.25),
    LargeMarginCosine(0.3, 30.0),
    AdditiveAngularMargin(0.4, 30.0),
    WeightedSum([SupervisedContrastive(0.2), SemiHardTriplet(0.3)], [1.0, 0.5]),
]
ON_EMBEDDINGS = [SupervisedContrastive(), SemiHardTriplet(), Contrastive(), ALL[-1]]
LABELS = np.array([0, 0, 1, 1, 1, 2])


def unit(rng, count, dimensions):
    vectors = rng.normal(size=(count, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def pairs_by_loops(labels, genuine, impostor, pairs, share):
    """Each anchor's mean genuine cost and mean impostor cost, by loops over the batch."""
    count, total = len(labels), []
    for i in range(count):
        order = [(i + step) % count for step in range(1, count)]
        own = [genuine[i][j] for j in order if labels[j] == labels[i]]
        others = [impostor[i][j] for j in order if labels[j] != labels[i]]
        if pairs == "next":
            own, others = own[:1], others[:1]
        mean_own = sum(own) / len(own) if own else 0
        mean_others = sum(others) / len(others) if others else 0
        total.append(share * mean_own + (1 - share) * mean_others)
    return np.array(total)


def distances(embeddings):
    wide = embeddings.astype("float64")
    return np.linalg.norm(wide[:, None] - wide[None], axis=2)


class TestPairs:
    def test_masks_by_hand(self):
        genuine, impostor = map(np.asarray, pair_masks(np.array([5, 7, 5])))
        assert genuine.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
        assert impostor.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]

    def test_next_goes_round(self):
        """Rows 0, 1 and 2 of three: next is 1, then 2; row 2 goes round to 0; row 1 has none."""
        mask = np.array([[0, 1, 1], [0, 0, 0], [1, 1, 0]], "float32")
        assert np.asarray(next_in_batch(mask)).tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]

    @given(st.lists(st.integers(0, 3), min_size=2, max_size=9))
    @settings(deadline=None, max_examples=25)
    def test_next_is_one_pair_of_each_kind(self, labels):
        for mask in map(np.asarray, pair_masks(np.array(labels))):
            kept = np.asarray(next_in_batch(mask))
            assert (kept <= mask).all()
            assert kept.sum(axis=1).tolist() == (mask.sum(axis=1) > 0).astype(float).tolist()

    @pytest.mark.parametrize("pairs", ["all", "next"])
    @pytest.mark.parametrize("share", [0.5, 0.1])
    def test_cross_entropy_is_the_loops(self, pairs, share):
        logits = np.random.default_rng(3).normal(scale=3, size=(6, 6)).astype("float32")
        same = 1 / (1 + np.exp(-logits.astype("float64")))
        expected = pairs_by_loops(LABELS, -np.log(same), -np.log(1 - same), pairs, share)
        loss = PairCrossEntropy(pairs, share).call(LABELS, logits)
        np.testing.assert_allclose(np.asarray(loss), expected, rtol=1e-4)

    def test_cross_entropy_by_hand(self):
        """Logit 0 costs log 2 either way, so does any average of such pairs."""
        loss = PairCrossEntropy()(np.array([0, 0, 1, 1]), np.zeros((4, 4), "float32"))
        assert float(loss) == pytest.approx(np.log(2), rel=1e-5)

    def test_extreme_logits_stay_finite(self):
        """A genuine pair at -1000 costs 1000, not infinity; an impostor there costs nothing."""
        loss = PairCrossEntropy().call(np.array([0, 0, 1, 1]), np.full((4, 4), -1e3, "float32"))
        np.testing.assert_allclose(np.asarray(loss), 500.0)

    def test_every_pair_weighs_alike_with_the_share_of_the_batch(self):
        """P = 3 people of K = 2: one in five of an image's pairs is genuine."""
        labels = np.repeat([0, 1, 2], 2)
        logits = np.random.default_rng(4).normal(size=(6, 6)).astype("float32")
        same = labels[:, None] == labels
        costs = np.where(same, np.log1p(np.exp(-logits)), np.log1p(np.exp(logits)))
        expected = costs[~np.eye(6, dtype=bool)].mean()
        value = float(PairCrossEntropy(genuine_share=1 / 5)(labels, logits))
        assert value == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize("pairs", ["all", "next"])
    def test_contrastive_is_the_papers(self, pairs):
        embeddings = unit(np.random.default_rng(5), 6, 4)
        far = distances(embeddings)
        expected = pairs_by_loops(LABELS, far**2 / 2, np.maximum(0, 1.2 - far) ** 2 / 2, pairs, 0.5)
        loss = Contrastive(1.2, pairs).call(LABELS, embeddings)
        np.testing.assert_allclose(np.asarray(loss), expected, rtol=1e-4, atol=1e-6)

    def test_contrastive_by_hand(self):
        """Distances: genuine 3, impostor 4 and 5; m = 4.5: (9/2 + 0.5²/2) / 2 for image 0."""
        embeddings = np.array([[0, 0], [3, 0], [0, 4]], "float32")
        loss = np.asarray(Contrastive(4.5).call(np.array([0, 0, 1]), embeddings))
        assert loss[0] == pytest.approx((4.5 + 0.125) / 2, rel=1e-5)
        assert loss[1] == pytest.approx(4.5 / 2, rel=1e-5)  # its impostor is 5 away
        assert loss[2] == pytest.approx(0.125 / 2 / 2, rel=1e-5)  # impostors only: 4 and 5 away

    def test_wrong_arguments(self):
        with pytest.raises(InputError, match=r"one of all, next.*'some'"):
            PairCrossEntropy("some")
        with pytest.raises(InputError, match=r"in \[0, 1\]. Received: 1.5"):
            Contrastive(genuine_share=1.5)
        with pytest.raises(InputError, match=r"logits of all pairs.*Received: \(6, 4\)"):
            PairCrossEntropy().call(LABELS, unit(np.random.default_rng(0), 6, 4))


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


class TestSupervisedContrastive:
    @pytest.mark.parametrize("temperature", [0.1, 0.5])
    def test_is_the_papers(self, temperature):
        embeddings = unit(np.random.default_rng(1), 6, 4)
        loss = SupervisedContrastive(temperature).call(LABELS, embeddings)
        expected = contrastive_by_loops(LABELS, embeddings, temperature)
        np.testing.assert_allclose(np.asarray(loss), expected, rtol=1e-4)

    def test_an_image_alone_of_its_person_counts_nothing(self):
        embeddings = unit(np.random.default_rng(2), 3, 4)
        loss = np.asarray(SupervisedContrastive().call(np.array([0, 0, 1]), embeddings))
        assert loss[2] == 0 and loss[0] > 0

    def test_two_people_far_apart_cost_almost_nothing(self):
        embeddings = np.array([[1, 0], [1, 0], [-1, 0], [-1, 0]], "float32")
        loss = SupervisedContrastive(0.1)(np.array([0, 0, 1, 1]), embeddings)
        # log(1 + 2 exp(-20)): each image has one positive at cosine 1 and two others at -1.
        assert float(loss) == pytest.approx(2 * np.exp(-20), abs=1e-6)


def triplets_by_loops(labels, embeddings, margin):
    """Schroff et al. 2015: the nearest impostor farther than the positive, else the farthest."""
    far, total = distances(embeddings) ** 2, []
    for a in range(len(labels)):
        impostors = [far[a, n] for n in range(len(labels)) if labels[n] != labels[a]]
        costs = []
        for p in range(len(labels)):
            if p != a and labels[p] == labels[a] and impostors:
                farther = [value for value in impostors if value > far[a, p]]
                chosen = min(farther) if farther else max(impostors)
                costs.append(max(0.0, far[a, p] - chosen + margin))
        total.append(sum(costs) / len(costs) if costs else 0.0)
    return np.array(total)


class TestSemiHardTriplet:
    @pytest.mark.parametrize("seed", range(5))
    def test_is_the_loops(self, seed):
        embeddings = unit(np.random.default_rng(seed), 6, 3)
        loss = SemiHardTriplet(0.4).call(LABELS, embeddings)
        expected = triplets_by_loops(LABELS, embeddings, 0.4)
        np.testing.assert_allclose(np.asarray(loss), expected, rtol=1e-4, atol=1e-6)

    def test_by_hand(self):
        """On a line: anchor 0, positive 2, impostors 1 and 3, margin 6.

        From 0, impostor 1 is nearer than the positive and is passed over: 4 - 9 + 6 = 1. From 2,
        both impostors are nearer (1 and 1), so the farthest stands in: 4 - 1 + 6 = 9.
        """
        line = np.array([[0.0], [2.0], [1.0], [3.0]], "float32")
        loss = np.asarray(SemiHardTriplet(6.0).call(np.array([0, 0, 1, 2]), line))
        np.testing.assert_allclose(loss, [1, 9, 0, 0], rtol=1e-5)

    def test_a_batch_of_one_person_costs_nothing(self):
        loss = SemiHardTriplet()(np.zeros(4), unit(np.random.default_rng(0), 4, 3))
        assert float(loss) == 0


def softmax_by_loops(person, cosines, right, scale):
    """Minus the log of the right person's share, ``right`` standing in for its cosine."""
    total = []
    for who, row in zip(person, cosines.astype("float64"), strict=True):
        logits = scale * np.where(np.arange(len(row)) == who, right(row), row)
        total.append(np.log(np.exp(logits).sum()) - logits[who])
    return np.array(total)


class TestMarginSoftmax:
    COSINES = np.random.default_rng(6).uniform(-0.9, 0.9, (5, 4)).astype("float32")
    PERSON = np.array([0, 3, 1, 1, 2])

    def test_large_margin_by_hand(self):
        """Cosines (0.5, 0.1), person 0, s = 2, m = 0.1: log(e^0.8 + e^0.2) - 0.8."""
        loss = LargeMarginCosine(margin=0.1, scale=2.0)
        value = float(loss(np.array([0]), np.array([[0.5, 0.1]], "float32")))
        assert value == pytest.approx(np.log(np.exp(0.8) + np.exp(0.2)) - 0.8, rel=1e-5)

    def test_angular_margin_by_hand(self):
        """Angle 60°, m = 30°: the right cosine counts as cos 90° = 0, against 0.1."""
        loss = AdditiveAngularMargin(margin=np.pi / 6, scale=2.0)
        value = float(loss(np.array([0]), np.array([[0.5, 0.1]], "float32")))
        assert value == pytest.approx(np.log(1 + np.exp(0.2)), rel=1e-5)

    def test_large_margin_is_the_papers(self):
        loss = LargeMarginCosine(0.2, 8.0).call(self.PERSON, self.COSINES)
        expected = softmax_by_loops(self.PERSON, self.COSINES, lambda c: c - 0.2, 8.0)
        np.testing.assert_allclose(np.asarray(loss), expected, rtol=1e-4)

    def test_angular_margin_is_the_papers(self):
        loss = AdditiveAngularMargin(0.3, 8.0).call(self.PERSON, self.COSINES)
        expected = softmax_by_loops(
            self.PERSON, self.COSINES, lambda c: np.cos(np.arccos(c) + 0.3), 8.0
        )
        np.testing.assert_allclose(np.asarray(loss), expected, rtol=1e-4)

    def test_a_worse_angle_never_costs_less(self):
        """Past pi - m too, where cos(angle + m) alone would rise again."""
        cosines = np.linspace(1, -1, 201).astype("float32")
        apply_margin = np.asarray(AdditiveAngularMargin(0.5).apply_margin(cosines))
        assert (np.diff(apply_margin) < 0).all()
        assert np.abs(np.diff(apply_margin)).max() < 0.1, "it has no step"

    @pytest.mark.parametrize("kind", [LargeMarginCosine, AdditiveAngularMargin])
    def test_margin_makes_it_harder(self, kind):
        cosines = np.array([[0.5, 0.1]], "float32")
        plain, margin = kind(0.0), kind(0.2)
        assert float(margin(np.array([0]), cosines)) > float(plain(np.array([0]), cosines))


class TestWeightedSum:
    def test_is_the_sum(self):
        embeddings = unit(np.random.default_rng(8), 6, 4)
        parts = [SupervisedContrastive(), Contrastive()]
        values = [np.asarray(loss.call(LABELS, embeddings)) for loss in parts]
        total = WeightedSum(parts, [1.0, 0.5]).call(LABELS, embeddings)
        np.testing.assert_allclose(np.asarray(total), values[0] + 0.5 * values[1], rtol=1e-5)

    def test_a_weight_for_each(self):
        with pytest.raises(InputError, match="2 losses, 1 weights"):
            WeightedSum([SupervisedContrastive(), Contrastive()], [1.0])
        with pytest.raises(InputError, match="0 losses"):
            WeightedSum([])


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_losses_are_restored_from_their_config(loss):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()


def slopes(loss, outputs, labels):
    """The gradient of the mean loss at given outputs of the network."""
    tf = pytest.importorskip("tensorflow")
    tensor = tf.constant(outputs, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = loss(labels, tensor)
    return np.asarray(value), np.asarray(tape.gradient(value, tensor))


@pytest.mark.parametrize("loss", ON_EMBEDDINGS, ids=lambda loss: loss.name)
@pytest.mark.parametrize("spread", [0.0, 1e-7, 1e-3])
def test_gradients_are_finite_where_embeddings_coincide(loss, spread):
    rng = np.random.default_rng(9)
    embeddings = np.tile(unit(rng, 1, 8), (6, 1)) + spread * rng.normal(size=(6, 8))
    value, slope = slopes(loss, embeddings, LABELS)
    assert np.isfinite(value) and np.isfinite(slope).all()
    assert np.abs(slope).max() < 100


@pytest.mark.parametrize("cosine", [1.0, -1.0, 1.0000001, 0.0])
@pytest.mark.parametrize("loss", [LargeMarginCosine(), AdditiveAngularMargin()])
def test_gradients_are_finite_at_the_ends_of_the_cosine(loss, cosine):
    value, slope = slopes(loss, [[cosine, 0.2], [0.2, cosine]], np.array([0, 0]))
    assert np.isfinite(value) and np.isfinite(slope).all()


@pytest.mark.parametrize("loss", ON_EMBEDDINGS, ids=lambda loss: loss.name)
def test_gradients_equal_finite_differences(loss):
    embeddings = unit(np.random.default_rng(10), 6, 3)
    _, slope = slopes(loss, embeddings, LABELS)
    step, found = 1e-3, np.zeros_like(embeddings)
    for place in np.ndindex(*embeddings.shape):
        for sign in (1, -1):
            moved = embeddings.copy()
            moved[place] += sign * step
            found[place] += sign * float(loss(LABELS, moved)) / (2 * step)
    np.testing.assert_allclose(slope, found, atol=2e-3)


def small_network(heads):
    inputs = keras.Input((4,))
    code = keras.layers.UnitNormalization()(keras.layers.Dense(3)(inputs))
    return keras.Model(inputs, {name: head(code) if head else code for name, head in heads.items()})


def test_losses_of_several_outputs_train_one_network_and_are_saved_with_it(tmp_path):
    """Supervised contrastive on the embedding beside each loss that needs a head."""
    heads = {"embedding": None, "logits": PairLogits(), "people": PersonCosines(3)}
    model = small_network(heads)
    losses = {
        "embedding": ALL[-1],
        "logits": PairCrossEntropy("next"),
        "people": AdditiveAngularMargin(),
    }
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=losses, jit_compile=False)
    images = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    targets = dict.fromkeys(losses, LABELS)
    history = model.fit(images, targets, batch_size=6, shuffle=False, epochs=20, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    one, two = (m.evaluate(images, targets, batch_size=6, verbose=0)[0] for m in (model, again))
    assert one == pytest.approx(two, rel=1e-5)
