"""Recipes: calibration on people outside the training, and too few people."""

from __future__ import annotations

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
from siamlab.models.embedding import build_embedding
from siamlab.models.siamese import build_siamese
from siamlab.system.dlib_files import RESNET, find_dlib_file
from siamlab.training.recipes import (
    train_compact,
    train_koch,
    train_koch_on_people,
    train_model,
    train_resnet,
)
from siamlab.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("shallow_compact")

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
    assert metadata.arch == "compact" and metadata.preprocessing.fraction == 0.6
    assert all(metadata.trained_on(name) for name in split.train.names)
    assert not any(metadata.trained_on(name) for name in split.validation.names)
    assert 0 <= metadata.threshold <= 1
    assert history.metrics["loss"][-1] > 0


def test_minutes_are_mostly_for_training(split, monkeypatch):
    seen = {}

    def fake(train, validation, settings, size, width, teacher):
        seen.update(size=size, minutes=settings.minutes, teacher=teacher)
        raise KeyboardInterrupt

    monkeypatch.setattr("siamlab.training.recipes.train_compact", fake)
    with pytest.raises(KeyboardInterrupt):
        train_model(split.train, settings=TrainingSettings(minutes=30.0))
    assert seen == {"size": 64, "minutes": pytest.approx(28.5), "teacher": None}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"arch": "koch", "teacher": "pretrained"}, "A teacher teaches compact"),
        ({"arch": "vgg"}, "arch is one of koch, compact, resnet"),
    ],
)
def test_wrong_combinations_are_refused(split, wrong, message):
    with pytest.raises(InputError, match=message):
        train_model(split.train, settings=TrainingSettings(epochs=1), **wrong)


def test_a_teacher_shows_everybody_and_the_domain_is_kept(split):
    teacher = taught_by(split.train)
    settings = TrainingSettings(steps=2, verbose=0)
    model, history = train_compact(
        split.train, split.validation, settings, **SMALL, teacher=teacher
    )
    assert history.epochs == 1 and "taught by custom with" in model.metadata.notes
    assert all(model.metadata.trained_on(name) for name in split.train.names)
    assert model.metadata.domain == "drawings" and model.embedding.output_shape == (None, 128)


def taught_by(people):
    """A small network with random weights, as a teacher."""
    model = build_siamese(build_embedding("compact", (32, 32, 3), 0.25), "squared")
    return model.with_metadata(preprocessing=Preprocessing(32, 0.6))


@pytest.mark.skipif(find_dlib_file(RESNET) is None, reason="dlib's file is not installed")
def test_borrowed_convolutions_get_a_head_and_thresholds(split):
    model = train_resnet(split.validation)
    assert model.metadata.arch == "resnet" and model.ranks_by_cosine
    assert not model.metadata.people
    pairs = draw_pairs(split.train, 24, 0)
    assert area_under_roc(pairs.labels, score_pairs(model, pairs)) > 0.8


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
