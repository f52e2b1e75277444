"""One photograph twice: kept once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamlab.attributes.near_duplicates import NEAR, keep_first


def unit(*angles: float) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def files(folder: Path, *contents: bytes) -> list[Path]:
    paths = [folder / f"{number}.jpg" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def test_copies_by_content_and_near_ones_by_embedding_go(tmp_path: Path) -> None:
    near = float(np.arccos(NEAR)) / 2
    paths = files(tmp_path, b"a", b"b", b"a", b"c", b"d")
    kept = keep_first(paths, unit(0.0, 1.0, 2.0, 1.0 + near, 3.0))
    assert kept.tolist() == [True, True, False, False, True]


def test_of_a_chain_the_first_stays_and_what_is_far_from_it(tmp_path: Path) -> None:
    """Three in a row: the third is near the second, which goes, and not near the first."""
    step = float(np.arccos(NEAR)) * 0.9
    paths = files(tmp_path, b"a", b"b", b"c")
    assert keep_first(paths, unit(0.0, step, 2 * step)).tolist() == [True, False, True]


def test_blocks_see_those_of_earlier_blocks(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("siamlab.attributes.near_duplicates._ROWS", 2)
    paths = files(tmp_path, b"a", b"b", b"c", b"d", b"e")
    kept = keep_first(paths, unit(0.0, 1.0, 2.0, 0.0, 1.0))
    assert kept.tolist() == [True, True, True, False, False]
