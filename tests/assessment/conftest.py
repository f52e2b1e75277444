"""Pairs of gray images, written once."""

from __future__ import annotations

import pytest
from gray_people import write_gray_pairs

from siamlab.data.pairs import PairSet


@pytest.fixture(scope="session")
def gray_pairs(tmp_path_factory: pytest.TempPathFactory) -> PairSet:
    """A genuine pair of each of four people, and each against the next lighter one."""
    return write_gray_pairs(tmp_path_factory.mktemp("gray"))
