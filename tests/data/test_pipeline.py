"""Pipeline: what a network sees, and that it is a function of seed, epoch and index."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.data.augmentation import Augmentation
from siamlab.data.batches import PeopleBatches
from siamlab.data.collections import open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.data.pipeline import pair_dataset, to_float
from siamlab.errors import InputError
from siamlab.faces.crop import Preprocessing, preprocess
from siamlab.images.decode import read_image
from siamlab.images.write import write_image

HOW = Preprocessing(size=24, fraction=0.56, alignment="none")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Six people with three smooth random images each."""
    cv2 = pytest.importorskip("cv2")
    root = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    for person in range(6):
        for number in range(3):
            small = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
            image = cv2.resize(small, (250, 250), interpolation=cv2.INTER_CUBIC)
            (root / f"p{person}").mkdir(exist_ok=True)
            write_image(root / f"p{person}" / f"p{person}_{number:04d}.png", image)
    return open_collection(root)


def test_to_float_is_zero_to_one():
    scaled = to_float(np.array([0, 51, 255], np.uint8))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [0, 0.2, 1])


def batches(dataset):
    return [(x["anchor"].numpy(), x["other"].numpy(), y.numpy()) for x, y in dataset]


def test_pair_dataset_shapes_ranges_and_labels(people):
    pairs = draw_pairs(people, 10, 0)
    out = batches(pair_dataset(pairs, HOW, batch=4))
    assert [len(labels) for *_, labels in out] == [4, 4, 2]
    anchor, other, labels = out[0]
    assert anchor.shape == other.shape == (4, 24, 24, 3) and labels.shape == (4, 1)
    assert anchor.dtype == np.float32 and anchor.min() >= 0 and anchor.max() <= 1
    np.testing.assert_array_equal(
        np.concatenate([labels[:, 0] for *_, labels in out]), pairs.labels
    )
    np.testing.assert_array_equal(anchor[0], to_float(preprocess(read_image(pairs.first[0]), HOW)))


def test_resumed_epochs_are_the_epochs_of_an_unbroken_run(people):
    pairs = draw_pairs(people, 6, 0)
    options = {"batch": 3, "epochs": 3, "seed": 5, "shuffle": True, "augmentation": Augmentation()}
    whole = batches(pair_dataset(pairs, HOW, **options))
    resumed = batches(pair_dataset(pairs, HOW, initial_epoch=1, **options))
    assert len(whole) == 6 and len(resumed) == 4
    for expected, got in zip(whole[2:], resumed, strict=True):
        for left, right in zip(expected, got, strict=True):
            np.testing.assert_array_equal(left, right)
    assert np.abs(whole[0][0] - whole[2][0]).max() > 0, "epochs differ from each other"


def test_an_empty_dataset_is_refused(people):
    pairs = draw_pairs(people, 4, 0)
    with pytest.raises(InputError, match="pairs and a batch"):
        pair_dataset(pairs, HOW, batch=0)


def test_people_batches_hold_p_people_with_k_images(people):
    data = PeopleBatches(people, HOW, people=4, images=2, steps=3, seed=1)
    images, labels = data[0]
    assert images.shape == (8, 24, 24, 3) and len(data) == 3
    assert len(set(labels.tolist())) == 4
    assert np.bincount(labels).max() == 2
    for person in set(labels.tolist()):
        first, second = images[labels == person]
        assert np.abs(first - second).max() > 0, "two different images of the person"


def test_people_batches_depend_on_seed_epoch_and_step_alone(people):
    options = {"people": 3, "images": 2, "steps": 2, "seed": 4, "augmentation": Augmentation()}
    run = PeopleBatches(people, HOW, **options)
    first = run[1][0]
    np.testing.assert_array_equal(first, PeopleBatches(people, HOW, **options)[1][0])
    run.epoch = 1
    assert np.abs(run[1][0] - first).max() > 0


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_the_shares_of_a_batch_are_the_batch(people, augmentation):
    """Three processes make what one would, with the same random numbers."""
    options = {"people": 6, "seed": 4, "augmentation": augmentation, "steps": 2}
    images, labels = PeopleBatches(people, HOW, **options)[1]
    shares = [PeopleBatches(people, HOW, share=(part, 3), **options)[1] for part in range(3)]
    assert [len(share[0]) for share in shares] == [4, 4, 4]
    np.testing.assert_array_equal(np.concatenate([share[0] for share in shares]), images)
    np.testing.assert_array_equal(np.concatenate([share[1] for share in shares]), labels)


def test_a_batch_without_equal_shares_is_refused(people):
    with pytest.raises(InputError, match=r"multiple of 4\. Received: 6 images"):
        PeopleBatches(people, HOW, people=3, share=(0, 4))


def test_too_few_people_are_counted(people):
    with pytest.raises(InputError, match=r"9 people.*Received: 6"):
        PeopleBatches(people, HOW, people=9)
