"""Rotated templates: the same distances, and back with the key alone."""

from __future__ import annotations

import numpy as np

from siamlab.gallery.cancelable import protect, rotation, unprotect
from siamlab.models.pretrained import load_pretrained


def unit(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, 128))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_rotation_is_orthonormal_and_always_the_same() -> None:
    q = rotation(b"key", 128)
    np.testing.assert_allclose(q @ q.T, np.eye(128), atol=1e-12)
    np.testing.assert_array_equal(q, rotation(b"key", 128))
    assert np.abs(q - rotation(b"kez", 128)).max() > 0.1


def test_the_score_of_the_packaged_model_stays() -> None:
    model, (first, second) = load_pretrained(), (unit(30, 1), unit(30, 2))
    near = first + 0.05 * second
    turned = protect(first, b"key"), protect(near, b"key")
    for one, other, a, b in zip(first, near, *turned, strict=True):
        plain, rotated = model.score_pairs(one, other[None]), model.score_pairs(a, b[None])
        np.testing.assert_allclose(plain, rotated, atol=1e-5)


def test_the_key_turns_templates_back() -> None:
    templates = unit(5, 3)
    np.testing.assert_allclose(unprotect(protect(templates, b"k"), b"k"), templates, atol=1e-6)
    assert np.abs(unprotect(protect(templates, b"k"), b"j") - templates).max() > 0.1
