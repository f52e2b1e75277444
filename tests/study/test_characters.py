"""Characters: trained on some drawn alphabets, tested on others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import write_characters

from siamlab.data.collections import Collection
from siamlab.data.omniglot import alphabet_of, open_characters
from siamlab.errors import InputError
from siamlab.study.baselines import raw_pixels
from siamlab.study.characters import (
    Fold,
    character_preprocessing,
    character_trials,
    measure_characters,
    network_descriptor,
    train_characters,
)
from siamlab.training.settings import TrainingSettings


@pytest.fixture(scope="module")
def characters(tmp_path_factory) -> Collection:
    root: Path = tmp_path_factory.mktemp("omniglot")
    return open_characters(write_characters(root, {"Ah": 6, "Eh": 8, "Oh": 3}))


def test_trials_stay_within_an_alphabet(characters: Collection) -> None:
    trials = character_trials(characters, 5, runs=2)
    names = np.array(characters.image_people)
    assert set(trials.groups) == {"Ah", "Eh"}, "Oh has three characters only"
    for gallery, probe, group in zip(trials.gallery, trials.probes, trials.groups, strict=True):
        assert {alphabet_of(name) for name in names[[*gallery, probe]]} == {group}


@pytest.fixture(scope="module")
def network(characters: Collection):
    """One step on one alphabet."""
    train = characters.select(name for name in characters.names if alphabet_of(name) == "Eh")
    settings = TrainingSettings(steps=1, people=8, verbose=0)
    return train_characters(train, settings, size=16, width=0.125)[0]


def test_a_network_is_measured_beside_pixels(characters: Collection, network) -> None:
    methods = {"network": (network_descriptor(network, batch=5), 16), "pixels": (raw_pixels, 24)}
    folds = [
        Fold(characters.select(n for n in characters.names if alphabet_of(n) == alphabet), methods)
        for alphabet in ("Ah", "Oh")
    ]
    results = measure_characters(folds, ways=(2, 3), runs=4)
    assert [one.ways for one in results["network"]] == [2, 3]
    assert [one.trials for one in results["pixels"]] == [2 * 8, 2 * 12]
    assert set(results["pixels"][1].groups) == {"Ah", "Oh"}
    # Strokes shake by two pixels: drawings are told apart without any training.
    assert results["pixels"][0].accuracy > 0.7
    alone = measure_characters(folds[:1], ways=(3,), runs=4)
    assert alone["pixels"][0].accuracy == results["pixels"][1].groups["Ah"]


def test_a_network_describes_in_batches(network) -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    rows = network_descriptor(network, batch=3)(images)
    np.testing.assert_allclose(rows, network_descriptor(network)(images), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_seed_and_distortions_reach_the_training(
    characters: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(
        "siamlab.study.characters.train_people",
        lambda *given: calls.append(given[-1]),
    )
    weights = [
        train_characters(characters, TrainingSettings(steps=9, seed=seed), size=16, width=0.125)[
            0
        ].get_weights()[0]
        for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert (weights[0] != weights[2]).any()
    assert [settings.seed for settings in calls] == [3, 3, 4]
    assert calls[0].people == 17 and calls[0].steps == 9, "no more than there are"
    assert calls[0].augmentation.flip == 0, "a mirror image is another character"


def test_the_whole_drawing_is_used() -> None:
    preprocessing = character_preprocessing(40)
    assert (preprocessing.size, preprocessing.fraction) == (40, 1.0)


def test_too_many_ways(characters: Collection) -> None:
    with pytest.raises(InputError, match=r"8 here\. Received: ways=20"):
        character_trials(characters, 20)
