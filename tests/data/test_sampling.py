"""Random choice of pairs: even, without repetition, reproducible."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab.data.sampling import draw_genuine, draw_impostor, spread

SIZES = st.lists(st.integers(1, 7), min_size=2, max_size=10)


def test_spread_by_hand() -> None:
    """Room 1, 5, 5 for 7: one, then three each."""
    rng = np.random.default_rng(0)
    assert spread(7, [1, 5, 5], rng).tolist() == [1, 3, 3]
    assert spread(0, [1, 5], rng).tolist() == [0, 0]
    assert sorted(spread(7, [0, 9, 9], rng).tolist()) == [0, 3, 4]


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.data())
def test_spread_is_as_even_as_the_limits_allow(room: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, sum(room)))
    given_ = spread(count, room, np.random.default_rng(0))
    assert given_.sum() == count and (given_ <= room).all()
    # Parts below their limit differ from the largest by at most one.
    short = given_[given_ < np.array(room)]
    assert short.size == 0 or short.min() >= given_.max() - 1


@settings(deadline=None)
@given(SIZES, st.integers(0, 9))
def test_all_pairs_can_be_drawn(sizes: list[int], seed: int) -> None:
    """Asked for all, each kind gives each of its pairs once."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    every = [(i, j) for j in range(len(owner)) for i in range(j)]
    for draw, same in ((draw_genuine, True), (draw_impostor, False)):
        expected = {(i, j) for i, j in every if (owner[i] == owner[j]) == same}
        rows = draw(sizes, len(expected), np.random.default_rng(seed))
        assert len(rows) == len(expected) and set(map(tuple, rows.tolist())) == expected


def test_pairs_of_many_images_are_counted_exactly() -> None:
    """1,500 images of one person make 1,124,250 pairs, all different."""
    rows = draw_genuine([1500], 1_124_250, np.random.default_rng(0))
    assert len(np.unique(rows[:, 0] * 1500 + rows[:, 1])) == 1_124_250
    assert (rows[:, 0] < rows[:, 1]).all() and rows.max() == 1499 and rows.min() == 0
