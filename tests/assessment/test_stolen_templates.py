"""Stolen templates: linked with another gallery, and turned into pictures."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.assessment.stolen_templates import draw_faces, link, train_inversion
from siamlab.errors import InputError
from siamlab.gallery.cancelable import protect


def unit(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, 128))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_linking_by_hand() -> None:
    """Three people on three axes: all found; two of them exchanged: one found."""
    people = np.eye(3, dtype=np.float32)
    assert link(people, people).first_hit == 1.0
    assert link(people, people).eer == 0.0
    assert link(people, people[[1, 0, 2]]).first_hit == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="the same people"):
        link(people, people[:2])


def test_two_keys_end_linking_and_one_key_does_not() -> None:
    first = unit(60, 4)
    second = first + 0.03 * unit(60, 5)
    assert link(first, second).first_hit == 1.0
    assert link(protect(first, b"a"), protect(second, b"a")).first_hit == 1.0
    # By chance one of sixty is hit; six hits or more happen once in 2,000 times.
    assert link(protect(first, b"a"), protect(second, b"b")).first_hit < 0.1
    assert link(protect(first, b"a"), protect(second, b"b")).eer > 0.35


def test_inversion_learns_what_templates_tell() -> None:
    """Templates that say how bright a face is: the drawings are as bright."""
    rng = np.random.default_rng(0)
    levels = rng.uniform(0, 1, 64)
    templates = np.stack([levels, 1 - levels], axis=1).astype(np.float32)
    gray = (255 * levels).astype(np.uint8)
    images = np.zeros((64, 64, 64, 3), np.uint8) + gray[:, None, None, None]
    model = train_inversion(templates, images, epochs=8)
    drawn = draw_faces(model, templates)
    assert drawn.shape == images.shape
    assert np.corrcoef(drawn.mean(axis=(1, 2, 3)), levels)[0, 1] > 0.9
