"""Properties of pairs and splits, on small collections of files that do not exist."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab.data.collections import Collection, Person
from siamlab.data.pairs import (
    PairSet,
    check_disjoint,
    draw_pairs,
    join_pairs,
    most_pairs,
    possible_genuine,
    possible_impostor,
    shared_people,
)
from siamlab.data.report_pairs import report_pairs
from siamlab.data.splits import split_by_name, split_people
from siamlab.errors import InputError

SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=12)
SEEDS = st.integers(0, 2**32)


def fake(sizes: list[int], prefix: str = "P") -> Collection:
    """A collection of names alone, named as LFW names images."""
    root = Path("lfw")
    names = [f"{prefix}{number:03d}" for number in range(len(sizes))]
    return Collection(
        root,
        tuple(
            Person(name, tuple(root / name / f"{name}_{i:04d}.jpg" for i in range(1, size + 1)))
            for name, size in zip(names, sizes, strict=True)
        ),
    )


def check_rules(made: PairSet) -> None:
    """Balanced, labels true, no pair twice, no image with itself, names fit the files."""
    assert made.genuine == made.impostor == len(made) // 2
    keys = [frozenset(pair) for pair in zip(made.first, made.second, strict=True)]
    assert len(set(keys)) == len(keys) and all(len(key) == 2 for key in keys)
    same = np.array(made.first_people) == np.array(made.second_people)
    assert np.array_equal(same.astype(int), made.labels)


def rows(made: PairSet) -> list[tuple]:
    return list(
        zip(
            made.first,
            made.second,
            made.labels.tolist(),
            made.first_people,
            made.second_people,
            strict=True,
        )
    )


@settings(deadline=None)  # other work may share the machine
@given(SIZES, SEEDS, st.data())
def test_person_pairs_keep_the_rules(sizes: list[int], seed: int, data: st.DataObject) -> None:
    collection = fake(sizes)
    possible = min(possible_genuine(collection), possible_impostor(collection))
    if possible == 0:
        with pytest.raises(InputError, match="none is possible"):
            draw_pairs(collection, 2, seed)
        return
    count = 2 * data.draw(st.integers(1, possible))
    made = draw_pairs(collection, count, seed)
    assert len(made) == count
    check_rules(made)
    assert [path.parent.name for path in made.first] == list(made.first_people)
    assert [path.parent.name for path in made.second] == list(made.second_people)
    assert rows(made) == rows(draw_pairs(collection, count, seed))


@settings(deadline=None)  # other work may share the machine
@given(SIZES, SEEDS)
def test_too_many_pairs_are_refused_with_the_number_possible(sizes: list[int], seed: int) -> None:
    collection = fake(sizes)
    possible = min(possible_genuine(collection), possible_impostor(collection))
    with pytest.raises(InputError, match=f"only {possible} are|none is possible"):
        draw_pairs(collection, 2 * possible + 2, seed)


def test_possible_pairs_by_hand() -> None:
    """1, 2 and 4 images: genuine 0 + 1 + 6 = 7; of the 7 * 6 / 2 = 21 pairs 14 are impostor."""
    collection = fake([1, 2, 4])
    assert possible_genuine(collection) == 7
    assert possible_impostor(collection) == 14


def test_the_most_balanced_pairs_by_hand() -> None:
    """Sizes 3, 1: genuine 3, impostor 3 x 1 = 3. Sizes 4, 1: genuine 6, impostor 4."""
    assert [most_pairs(fake(sizes)) for sizes in ([3, 1], [4, 1], [1, 1], [3])] == [6, 8, 0, 0]


def test_shared_people_are_found_by_name_or_image() -> None:
    one, other = draw_pairs(fake([2, 2]), 4, 0), draw_pairs(fake([2, 2], "Q"), 4, 0)
    assert shared_people(one, other) == ()
    assert shared_people(one, join_pairs(other, one.subset([0]))) == one.subset([0]).people
    renamed = PairSet(one.first, one.second, one.labels, ("x",) * 4, ("y",) * 4)
    assert shared_people(one, renamed) == ("P000", "P001")


def test_genuine_pairs_are_spread_evenly_over_people() -> None:
    """Room 1, 1, 6, 15 for 10 pairs: the first two give 1, the others 4 each."""
    made = draw_pairs(fake([2, 2, 4, 6]), 20, seed=3)
    genuine = made.subset(made.labels == 1)
    assert Counter(genuine.first_people) == {"P000": 1, "P001": 1, "P002": 4, "P003": 4}


def test_impostor_pairs_draw_people_uniformly() -> None:
    """One person has 200 images, 99 have 4. Each is on 1 % of 2,000 sides: 20, give or take."""
    made = draw_pairs(fake([200] + [4] * 99), 2000, seed=0)
    impostor = made.subset(made.labels == 0)
    counts = Counter((*impostor.first_people, *impostor.second_people))
    assert counts["P000"] < 40 and min(counts.values()) > 3


@pytest.mark.parametrize("count", [0, 1, 7, -2])
def test_odd_or_no_counts_are_refused(count: int) -> None:
    with pytest.raises(InputError, match="even"):
        draw_pairs(fake([3, 3]), count, 0)


@settings(deadline=None)  # other work may share the machine
@given(SIZES, SEEDS, st.integers(1, 5), st.integers(1, 5), st.data())
def test_report_pairs_keep_the_rules(
    sizes: list[int], seed: int, anchors: int, positives: int, data: st.DataObject
) -> None:
    own = [Path(f"me/{number}.jpg") for number in range(anchors + positives)]
    everybody = fake(sizes)
    me = data.draw(st.sampled_from(everybody.names))
    others = sum(len(p) for p in everybody.people if p.name != me)
    half = data.draw(st.integers(1, min(anchors * positives, anchors * others)))
    made = report_pairs(own[:anchors], own[anchors:], everybody, 2 * half, seed, me)
    check_rules(made)
    assert set(made.first) <= set(own[:anchors]) and set(made.first_people) == {me}
    impostor = made.subset(made.labels == 0)
    assert me not in impostor.second_people
    assert all(path.parent.name != me for path in impostor.second)
    genuine = made.subset(made.labels == 1)
    assert set(genuine.second) <= set(own[anchors:])
    used = Counter(genuine.first)
    assert max(used.values()) - min(used[a] for a in own[:anchors]) <= 1
    again = report_pairs(own[:anchors], own[anchors:], everybody, 2 * half, seed, me)
    assert rows(made) == rows(again)


def test_the_person_is_never_among_the_negatives() -> None:
    everybody = fake([3, 3])
    own = everybody.people[0].images
    stranger = everybody.people[1].name
    made = report_pairs(own[:1], own[1:], everybody, 4, 0, "p000")
    assert set(made.subset(made.labels == 0).second_people) == {stranger}
    made = report_pairs(own[:1], own[1:], everybody, 4, 0, "me")  # the same files, another name
    assert not set(made.subset(made.labels == 0).second) & set(own)


def test_an_image_that_is_anchor_and_positive_is_not_paired_with_itself() -> None:
    """Three images as both: 3 pairs; 4 are too many."""
    own = fake([3]).images
    others = fake([2, 2], "Q")
    check_rules(report_pairs(own, own, others, 6, 0, "me"))
    with pytest.raises(InputError, match="only 3 are possible"):
        report_pairs(own, own, others, 8, 0, "me")


def test_report_pairs_repeat_evenly_when_asked() -> None:
    """2 x 2 genuine pairs for 10: each twice, two of them three times."""
    own = fake([4]).images
    others = fake([3] * 10, "Q")
    made = report_pairs(own[:2], own[2:], others, 20, 0, "me", repeat=True)
    genuine = made.subset(made.labels == 1)
    times = Counter(zip(genuine.first, genuine.second, strict=True))
    assert sorted(times.values()) == [2, 2, 3, 3]
    assert made.impostor == 10


def test_report_pairs_without_others_or_images() -> None:
    own = fake([4]).images
    with pytest.raises(InputError, match="impostor"):
        report_pairs(own[:2], own[2:], fake([3]), 4, 0, "P000")
    with pytest.raises(InputError, match="genuine"):
        report_pairs(own[:2], [], fake([3]), 4, 0, "me", repeat=True)


@settings(deadline=None)  # other work may share the machine
@given(st.integers(6, 60), SEEDS, st.integers(0, 2))
def test_a_split_has_everybody_in_one_part(people: int, seed: int, kept: int) -> None:
    collection = fake([2] * people)
    keep = collection.names[:kept]
    split = split_people(collection, seed=seed, keep_in_test=keep)
    names = [set(part.names) for part in split]
    assert sum(map(len, names)) == people and set.union(*names) == set(collection.names)
    assert set(keep) <= names[2] and min(map(len, names)) >= 2
    train, validation, test = split_people(collection, seed=seed, keep_in_test=keep)
    assert (train, validation, test) == (split.train, split.validation, split.test)
    count = min(map(len, names))  # one genuine pair each, so twice as many pairs at the most
    sets = [draw_pairs(part, 2 * min(count, len(part)), seed) for part in split]
    check_disjoint(*sets)


def test_split_sizes_by_hand() -> None:
    """100 people: 70, 15, 15; the second division has no test part."""
    assert [len(p) for p in split_people(fake([1] * 100))] == [70, 15, 15]
    assert [len(p) for p in split_people(fake([1] * 10), (0.9, 0.1, 0.0))] == [8, 2, 0]
    assert [len(p) for p in split_people(fake([1] * 3))] == [1, 1, 1]


def test_split_by_name_does_not_depend_on_the_other_people() -> None:
    whole = fake([1] * 200)
    some = whole.select(whole.names[50:])
    parts = split_by_name(whole, (0.8, 0.1, 0.1))
    for part, again in zip(parts, split_by_name(some, (0.8, 0.1, 0.1)), strict=True):
        assert set(again.names) == set(part.names) & set(some.names)
    # Nested: the people trained on with 0.7 are trained on with 0.8 too.
    assert set(split_by_name(whole, (0.7, 0.1, 0.2)).train.names) < set(parts.train.names)
    with pytest.raises(InputError, match="too few people"):
        split_by_name(fake([1] * 4), (0.8, 0.1, 0.1))


def test_split_errors() -> None:
    everybody = fake([1] * 10)
    for fractions in ((0.5, 0.2, 0.2), (1.2, -0.1, -0.1), (0.5, 0.5)):
        with pytest.raises(InputError, match="fractions"):
            split_people(everybody, fractions)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="cannot be divided"):
        split_people(fake([1, 1]))
    with pytest.raises(InputError, match="nobody named"):
        split_people(everybody, keep_in_test=["absent"])
    with pytest.raises(InputError, match="larger fraction"):
        split_people(everybody, keep_in_test=everybody.names[:5])


def test_check_disjoint_names_what_is_shared() -> None:
    one = draw_pairs(fake([2] * 4), 4, 0)
    two = draw_pairs(fake([2] * 4, "Q"), 4, 0)
    check_disjoint(one, two)
    with pytest.raises(InputError, match=r"people of pair set 3.*P00"):
        check_disjoint(one, two, one.subset([0]))


def test_subsets_and_lengths_of_a_pair_set() -> None:
    made = draw_pairs(fake([3, 3, 3]), 8, 0)
    assert rows(made.subset([2, 0])) == [rows(made)[2], rows(made)[0]]
    assert sorted(rows(made.shuffled(1))) == sorted(rows(made))
    assert len(made.images) == len(set(made.first) | set(made.second))
    assert "4 genuine" in repr(made)
    with pytest.raises(InputError, match="one length"):
        PairSet(made.first, made.second[:1], made.labels, made.first_people, ())


def test_joined_pairs_are_concatenated() -> None:
    one = PairSet((Path("a"),), (Path("b"),), np.array([1]), ("Ada",), ("Ada",))
    two = PairSet((Path("c"),), (Path("d"),), np.array([0]), ("Ada",), ("Grace",))
    joined = join_pairs(one, two)
    assert joined.first == (Path("a"), Path("c")) and joined.second == (Path("b"), Path("d"))
    assert joined.labels.tolist() == [1, 0] and joined.second_people == ("Ada", "Grace")
