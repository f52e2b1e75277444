"""Recipes: calibration on people outside the training, and too few people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from siamlab.data.collections import open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.data.splits import split_people
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError
from siamlab.evaluation import area_under_roc, score_pairs
from siamlab.evaluation.evaluate import calibrate
from siamlab.evaluation.own_people import spread_pairs
from siamlab.faces.crop import Preprocessing
from siamlab.models.cohort_normalization import normalize_by_cohort
from siamlab.models.embedding import build_embedding
from siamlab.training.recipes import train_compact, train_koch, train_koch_on_people, train_model
from siamlab.training.settings import TrainingSettings

SMALL = {"size": 32, "width": 0.25}
SHORT = TrainingSettings(steps=2, people=4, verbose=0)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_people(root, people=20, images=4, seed=11)
    return split_people(open_collection(root), (0.6, 0.4, 0.0), 0)


@pytest.fixture(scope="module")
def trained(split):
    settings = TrainingSettings(steps=40, people=8, verbose=0)
    return train_compact(split.train, split.validation, settings, **SMALL)


def test_compact_carries_crop_people_and_threshold(trained, split):
    model, history = trained
    metadata = model.metadata
    assert metadata.arch == "compact" and metadata.preprocessing.fraction == 0.70
    assert all(metadata.trained_on(name) for name in split.train.names)
    assert not any(metadata.trained_on(name) for name in split.validation.names)
    assert 0 <= metadata.threshold <= 1
    assert history.metrics["loss"][-1] > 0


def test_models_are_trained_separately_and_joined(split, tmp_path):
    """Two models of three epochs; the checkpoints of each are its own. 16 * 0.70 / 0.56 = 20.

    HOG-LDA joins them; its weights are not in the checkpoints.
    """
    model, history = train_compact(
        split.train,
        split.validation,
        TrainingSettings(steps=300, people=8, folder=tmp_path, verbose=0),
        size=16,
        width=0.05,
        models=2,
    )
    assert history.epochs == 6 and len(history.metrics["loss"]) == 6
    assert model.metadata.preprocessing == Preprocessing(size=20, fraction=0.70)
    base = model.embedding
    names = [layer.name for layer in base.layers]
    assert {"model1", "model2", "hog_lda", "weight3"} <= {*names} and "model3" not in names
    shares = [base.get_layer(f"weight{number}").scale ** 2 for number in (1, 2, 3)]
    assert sum(shares) == pytest.approx(1) and min(shares) >= 0
    first, second = (base.get_layer(name).get_weights() for name in ("model1", "model2"))
    assert all(np.abs(a - b).max() > 0 for a, b in zip(first[:1], second[:1], strict=True))
    found = [sorted(path.name for path in (tmp_path / n).iterdir()) for n in ("model-1", "model-2")]
    assert found[0] == found[1] and "epoch-0003" in found[0]
    pairs = draw_pairs(split.validation, 96, 5)
    assert area_under_roc(pairs.labels, score_pairs(model, pairs)) > 0.6


def test_hog_lda_can_be_left_out(split):
    """The embedding is then the network's code: 0.25 of 1,024 numbers."""
    model, _ = train_compact(split.train, split.validation, SHORT, hog_lda=False, **SMALL)
    assert model.embedding.output_shape == (None, 256)
    base = model.embedding.get_layer("embedding")
    assert not [layer.name for layer in base.layers if layer.name.startswith("weight")]


def test_hog_lda_sees_at_most_so_many_images_of_a_person(split, monkeypatch):
    seen = []
    monkeypatch.setattr("siamlab.training.recipes.MAX_HOG_LDA_IMAGES", 3)
    monkeypatch.setattr(
        "siamlab.training.recipes.fit_hog_lda",
        lambda images, people: (
            seen.append((images, people)) or build_embedding("compact", (32, 32, 3), 0.1)
        ),
    )
    train_compact(split.train, split.validation, SHORT, **SMALL)
    ((images, people),) = seen
    assert len(images) == len(people) == 3 * len(split.train)


def test_people_with_one_image_can_be_impostors_in_training(split):
    """They are in the metadata, so calibration refuses them."""
    single = split.train.people[0]
    mixed = replace(
        split.train,
        people=(replace(single, images=single.images[:1]), *split.train.people[1:]),
    )
    settings = replace(SHORT, singletons=2)
    model, _ = train_compact(mixed, split.validation, settings, **SMALL)
    assert model.metadata.trained_on(single.name)


def test_many_strangers_normalize_the_scores(split, monkeypatch):
    """People with one image are in no batch but in the cohort, and so in the metadata."""
    monkeypatch.setattr("siamlab.training.recipes.LEAST_STRANGERS", 4)
    monkeypatch.setattr("siamlab.training.recipes.COHORT", 2)
    first = [replace(person, images=person.images[:1]) for person in split.train.people[:4]]
    mixed = replace(split.train, people=(*first, *split.train.people[4:]))
    seen = []
    monkeypatch.setattr(
        "siamlab.training.recipes.normalize_by_cohort",
        lambda base, images, count: seen.append(images) or normalize_by_cohort(base, images, count),
    )
    model, _ = train_compact(mixed, split.validation, SHORT, **SMALL)
    ((images,), layer) = seen, model.embedding.get_layer("cohort")
    assert len(images) == 4 and layer.cohort.shape[0] == 2
    assert all(model.metadata.trained_on(person.name) for person in first)
    monkeypatch.setattr("siamlab.training.recipes.LEAST_STRANGERS", 5)
    model, _ = train_compact(mixed, split.validation, SHORT, **SMALL)
    assert "cohort" not in {layer.name for layer in model.embedding.layers}
    assert not any(model.metadata.trained_on(person.name) for person in first)


@pytest.mark.parametrize(
    ("minutes", "models"),
    [(None, 1), (5.0, 1), (30.0, 1), (55.0, 1), (60.0, 2), (90.0, 2), (600.0, 2)],
)
def test_longer_trainings_make_more_models(split, monkeypatch, minutes, models):
    """Each model gets its part of the minutes, 0.95 of which are for training."""
    seen = {}

    def fake(train, validation, settings, size, width, models):
        seen.update(models=models, minutes=settings.minutes)
        raise KeyboardInterrupt

    monkeypatch.setattr("siamlab.training.recipes.train_compact", fake)
    with pytest.raises(KeyboardInterrupt):
        epochs = 1 if minutes is None else None
        train_model(split.train, settings=TrainingSettings(minutes=minutes, epochs=epochs))
    assert seen["models"] == models
    if minutes is not None:
        assert seen["minutes"] == pytest.approx(0.95 * minutes / models)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"models": 0}, "models is 1 or 2"),
        ({"models": 3}, "models is 1 or 2"),
        ({"models": 2, "arch": "koch"}, "models are compact's"),
    ],
)
def test_models_are_one_or_two_and_only_for_compact(split, wrong, message):
    with pytest.raises(InputError, match=message):
        train_model(split.train, settings=TrainingSettings(epochs=1), **wrong)


def test_calibration_refuses_people_of_the_training(trained, split):
    with pytest.raises(InputError, match="was trained on 12 of these people"):
        calibrate(trained[0], split.train)


def test_a_strict_calibration_raises_the_threshold(trained, split):
    model = trained[0]
    loose = calibrate(model, split.validation, fmr=0.2).threshold
    strict = calibrate(model, split.validation, fmr=0.01).threshold
    assert strict >= loose
    assert model.metadata.threshold == strict


def test_koch_is_trained_and_calibrated(split):
    pairs = draw_pairs(split.train, 16, 0)
    model, history = train_koch(
        pairs,
        split.validation,
        TrainingSettings(epochs=1, verbose=0),
        size=64,
        width=0.05,
        validation_pairs=16,
    )
    assert model.metadata.arch == "koch" and history.epochs == 1
    assert model.metadata.threshold is not None
    assert all(model.metadata.trained_on(name) for name in pairs.people)


def test_koch_trained_on_people_keeps_its_layers_and_recognizes_strangers(split):
    """After 40 batches the plain network separates strangers; chance is an AUC of 0.5."""
    model, history = train_koch_on_people(
        split.train,
        split.validation,
        TrainingSettings(steps=40, people=8, verbose=0),
        size=64,
        width=0.1,
    )
    expected = build_embedding("koch", (64, 64, 3), 0.1)
    names = [layer.name for layer in model.embedding.layers]
    assert names[1:] == [layer.name for layer in expected.layers][1:]
    assert model.embedding.count_params() == expected.count_params()
    assert history.metrics["loss"][-1] > 0
    kernel, _ = model.head.get_weights()
    assert np.ptp(kernel) == 0 and kernel[0, 0] < 0  # one negative slope
    pairs = draw_pairs(split.validation, 96, 5)
    assert area_under_roc(pairs.labels, score_pairs(model, pairs)) > 0.6
    assert model.metadata.arch == "koch" and model.metadata.trained_on(split.train.names[0])


def test_the_reports_recipe_trains_only_koch(split):
    with pytest.raises(InputError, match="report"):
        train_model(split.train, arch="compact", recipe="report")


def test_spread_pairs_takes_all_pairs_where_there_are_fewer(split):
    # 8 validation people with 4 images have 8 * 6 genuine pairs.
    assert len(spread_pairs(split.validation, 10_000, 0)) == 96


def test_people_without_second_images_cannot_be_trained_on(tmp_path):
    write_people(tmp_path, people=5, images=1, seed=0)
    with pytest.raises(InputError, match="two"):
        train_model(
            open_collection(tmp_path), settings=TrainingSettings(epochs=1), size=32, width=0.25
        )
