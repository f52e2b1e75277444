"""Random views of a face, for training.

Augmentation competes with training for the same cores, so it is fast: all random numbers of a
batch are drawn at once, all geometry is one warp, and all color is one look-up table and one 3x4
matrix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from siamlab.faces.crop import Preprocessing
from siamlab.images.decode import LUMA
from siamlab.system.opencv import import_cv2

# Augmentation shifts and rotates a face, so its source shows more than the model's crop, and has
# more pixels, so that the interpolation of the warp costs no sharpness.
SOURCE_MARGIN = 1.28
SOURCE_DETAIL = 1.35


def source_preprocessing(preprocessing: Preprocessing) -> Preprocessing:
    """The wider and finer crop from which augmentation warps the model's input."""
    fraction = min(1.0, preprocessing.fraction * SOURCE_MARGIN)
    size = math.ceil(preprocessing.size * fraction / preprocessing.fraction * SOURCE_DETAIL)
    return replace(preprocessing, size=size, fraction=fraction)


@dataclass(frozen=True)
class Augmentation:
    """How much an image is changed in training: standard deviations, and some probabilities.

    Attributes:
        flip: probability of a mirror image.
        degrees: rotation, in degrees (Koch et al. 2015, section 3.2, use up to 10).
        zoom: logarithm of the scale.
        stretch: logarithm of width over height.
        shift: translation, as a share of the side.
        gamma: logarithm of the exponent of brightness.
        contrast: logarithm of the contrast.
        brightness: added light, 1.0 is white.
        tint: logarithm of each color channel's gain.
        gray: probability of no color at all; otherwise saturation varies by ``saturation``.
        saturation: logarithm of the saturation.
        blur: probability of a Gaussian blur with a sigma of 0.4 to 1.2 pixels.
        jpeg: probability of JPEG compression with a quality of 30 to 90.
        side_light: logarithm of the gain from one edge of the face to the other, in a random
            direction.
    """

    flip: float = 0.5
    degrees: float = 5.0
    zoom: float = 0.06
    stretch: float = 0.04
    shift: float = 0.022
    gamma: float = 0.2
    contrast: float = 0.2
    brightness: float = 0.08
    tint: float = 0.06
    gray: float = 0.15
    saturation: float = 0.2
    blur: float = 0.15
    jpeg: float = 0.1
    side_light: float = 0.4


def _affine(
    count: int, source_size: int, crop: float, size: int, augmentation: Augmentation, rng: Any
) -> np.ndarray:
    """Matrices ``(count, 2, 3)`` from source to output pixels: one warp for all geometry."""
    turn = np.radians(rng.normal(0, augmentation.degrees, count))
    scale = size / crop * np.exp(rng.normal(0, augmentation.zoom, count))
    across = scale * np.exp(rng.normal(0, augmentation.stretch, count))
    across = np.where(rng.random(count) < augmentation.flip, -across, across)
    center = (source_size - 1) / 2 + rng.normal(0, augmentation.shift * crop, (count, 2))
    cosine, sine = np.cos(turn), np.sin(turn)
    matrices = np.empty((count, 2, 3))
    matrices[:, 0, 0], matrices[:, 0, 1] = across * cosine, across * sine
    matrices[:, 1, 0], matrices[:, 1, 1] = -scale * sine, scale * cosine
    moved = np.einsum("nij,nj->ni", matrices[:, :, :2], center)
    matrices[:, :, 2] = (size - 1) / 2 - moved
    return matrices


def _gamma_tables(
    count: int, augmentation: Augmentation, rng: Any, part: slice = slice(None)
) -> np.ndarray:
    """float32 ``(part of count, 256)``: what each uint8 value becomes."""
    exponents = np.exp(rng.normal(0, augmentation.gamma, (count, 1)))[part]
    return np.power(np.linspace(0, 1, 256) + 1e-4, exponents).astype(np.float32)


def _colors(count: int, augmentation: Augmentation, rng: Any) -> tuple[np.ndarray, ...]:
    """Contrast about the mean, added light, tint and saturation: all are linear in a pixel.

    Returns:
        float32 matrices ``(count, 3, 4)``, whose last column, the offset, waits for the image's
        mean; the offset for each unit of that mean, and its constant part, both ``(count, 3)``.
    """
    contrast = np.exp(rng.normal(0, augmentation.contrast, (count, 1)))
    light = rng.normal(0, augmentation.brightness, (count, 1))
    tint = np.exp(rng.normal(0, augmentation.tint, (count, 3)))
    saturation = np.exp(rng.normal(0, augmentation.saturation, count))
    saturation = np.where(rng.random(count) < augmentation.gray, 0.0, saturation)[:, None, None]
    # saturated = gray + s (x - gray), with gray the weighted sum of the tinted channels
    mix = saturation * np.eye(3) + (1 - saturation) * LUMA
    tinted = mix * tint[:, None, :]
    total = tinted.sum(axis=2)
    mixes = np.zeros((count, 3, 4), np.float32)
    mixes[:, :, :3] = tinted * contrast[:, :, None]
    return mixes, *((total * part).astype(np.float32) for part in (1 - contrast, light))


def _side_light(
    count: int, size: int, augmentation: Augmentation, rng: Any, part: slice = slice(None)
) -> np.ndarray:
    """float32 ``(part of count, size, size, 1)``: gains that rise from one edge to the other."""
    place = np.linspace(-0.5, 0.5, size)
    slopes = rng.normal(0, augmentation.side_light, (count, 1))[part]
    turns = rng.uniform(0, 2 * np.pi, (count, 1))[part]
    across = np.exp(slopes * np.cos(turns) * place)
    down = np.exp(slopes * np.sin(turns) * place)
    return (down[:, :, None, None] * across[:, None, :, None]).astype(np.float32)


def _compress(view: np.ndarray, quality: int) -> np.ndarray:
    """The image after JPEG compression."""
    cv2 = import_cv2()
    _, data = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def augment_batch(
    sources: Sequence[np.ndarray] | np.ndarray,
    preprocessing: Preprocessing,
    rng: np.random.Generator,
    augmentation: Augmentation | None = None,
    part: slice = slice(None),
) -> np.ndarray:
    """One random view of each face.

    Args:
        sources: uint8 RGB ``(N, S, S, 3)``, cropped by :func:`source_preprocessing`.
        preprocessing: the model's crop and size.
        rng: the source of randomness.
        augmentation: amounts; the defaults when ``None``.
        part: which of the faces. Random numbers are drawn for all, so that a part of a batch is
            the same whoever makes the rest.

    Returns:
        float32 RGB ``(N, size, size, 3)`` in [0, 1].
    """
    cv2 = import_cv2()
    augmentation = augmentation or Augmentation()
    size, count, side = preprocessing.size, len(sources), len(sources[0])
    crop = side * preprocessing.fraction / source_preprocessing(preprocessing).fraction
    matrices = _affine(count, side, crop, size, augmentation, rng)
    tables = _gamma_tables(count, augmentation, rng, part)
    mixes, pulls, lifts = _colors(count, augmentation, rng)
    gains = _side_light(count, size, augmentation, rng, part)
    blurred = rng.random(count) < augmentation.blur
    sigmas = rng.uniform(0.4, 1.2, count)
    compressed = rng.random(count) < augmentation.jpeg
    qualities = rng.integers(30, 91, count)
    numbers = range(count)[part]
    views = np.empty((len(numbers), size, size, 3), np.float32)
    for place, number in enumerate(numbers):
        view = cv2.warpAffine(
            sources[number], matrices[number], (size, size), borderMode=cv2.BORDER_REFLECT_101
        )
        if blurred[number]:
            view = cv2.GaussianBlur(view, (0, 0), sigmas[number])
        if compressed[number]:
            view = _compress(view, int(qualities[number]))
        light = cv2.LUT(view, tables[place])
        mixes[number, :, 3] = pulls[number] * (sum(cv2.mean(light)) / 3) + lifts[number]
        cv2.transform(light, mixes[number], dst=views[place])
    views *= gains
    return np.clip(views, 0, 1, out=views)


def augment(
    source: np.ndarray,
    preprocessing: Preprocessing,
    rng: np.random.Generator,
    augmentation: Augmentation | None = None,
) -> np.ndarray:
    """One random view of one face ``(S, S, 3)``; see :func:`augment_batch`.

    Returns:
        float32 RGB ``(size, size, 3)`` in [0, 1].
    """
    return augment_batch(source[None], preprocessing, rng, augmentation)[0]
