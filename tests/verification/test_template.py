"""A template is the mean over a face that is moved a little."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeModel, gray_frame

from siamlab.verification.template import MOVES, make_templates, move_face


class CosineModel(FakeModel):
    """The unit vector of mean level and contrast."""

    ranks_by_cosine = True

    def embed(self, images: np.ndarray) -> np.ndarray:
        self.embedded.append(images.shape)
        rows = np.stack([images.mean(axis=(1, 2, 3)), images.std(axis=(1, 2, 3))], axis=1)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_the_first_place_is_the_face_itself_and_the_others_are_near() -> None:
    face = np.zeros((250, 250, 3), np.uint8)
    face[120:130, 120:130] = 255
    moved = move_face(face)
    assert len(moved) == len(MOVES)
    np.testing.assert_array_equal(moved[0], face)
    for one, (right, down, scale, _) in zip(moved, MOVES, strict=True):
        rows, columns = np.nonzero(one[..., 0] > 127)
        assert columns.mean() == pytest.approx(124.5 + 250 * right, abs=0.8)
        assert rows.mean() == pytest.approx(124.5 + 250 * down, abs=0.8)
        assert len(rows) == pytest.approx(100 * scale**2, rel=0.2)


def test_a_template_is_the_unit_mean_of_all_places() -> None:
    rng = np.random.default_rng(0)
    faces = list(rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8))
    model = CosineModel()
    templates = make_templates(model, faces)
    assert templates.shape == (2, 2) and model.embedded == [(2 * len(MOVES), 16, 16, 3)]
    np.testing.assert_allclose(np.linalg.norm(templates, axis=1), 1, atol=1e-6)
    alone = make_templates(model, faces[1:])
    np.testing.assert_allclose(templates[1:], alone, atol=1e-6)


def test_other_models_embed_the_face_as_it_is() -> None:
    model = FakeModel()
    templates = make_templates(model, [gray_frame(102), gray_frame(153)])
    np.testing.assert_allclose(templates[:, 0], [0.4, 0.6], atol=1e-6)
    assert model.embedded == [(2, 16, 16, 3)]
