"""Classical baselines: image descriptors without a network.

A descriptor is a function from uint8 RGB images of one size to float32 rows ``(N, D)``, compared by
their cosine; so is a trained network, and all are measured in the same way. A logistic fit on
validation pairs turns the cosine into a probability, as it does with the network's distance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siamlab.data.collections import Collection
from siamlab.data.faces import found_images
from siamlab.data.pairs import PairSet
from siamlab.errors import InputError, MissingPackageError
from siamlab.evaluation import Evaluation, describe_pairs, equal_error, evaluate_pairs
from siamlab.faces.crop import Preprocessing
from siamlab.system.opencv import import_cv2

Descriptor = Callable[[np.ndarray], np.ndarray]
SIZE = 64  # pixels; a multiple of 8, HOG's cell
_CELL, _BINS = 8, 9
_LBP_POINTS, _LBP_RADIUS, _LBP_GRID = 8, 2, 8


def _gray(images: np.ndarray) -> np.ndarray:
    """uint8 RGB ``(N, H, W, 3)`` to uint8 ``(N, H, W)``."""
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or not len(images):
        raise InputError(f"Images are uint8 (N, H, W, 3). Received: {images.dtype} {images.shape}.")
    cv2 = import_cv2()
    return np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length one; a row of zeros stays."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 0, length, 1)).astype(np.float32)


def raw_pixels(images: np.ndarray) -> np.ndarray:
    """Standardized gray pixels: mean 0 and length 1, so that their cosine is a correlation.

    Args:
        images: uint8 RGB ``(N, H, W, 3)``.

    Returns:
        float32 ``(N, H * W)``.

    Raises:
        InputError: another type or shape; so in all functions here.
    """
    rows = _gray(images).reshape(len(images), -1).astype(np.float32)
    return _unit(rows - rows.mean(axis=1, keepdims=True))


def hog(images: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients: nine directions in cells of 8 pixels.

    Blocks of 2x2 cells are normalized, overlapping by one cell.

    Args:
        images: uint8 RGB ``(N, H, W, 3)``, sides multiples of 8, at least 16.

    Returns:
        float32 ``(N, 36 * (H/8 - 1) * (W/8 - 1))``.

    Raises:
        InputError: a side is no multiple of 8.

    Source:
        Dalal, Triggs 2005, "Histograms of oriented gradients for human detection".
    """
    gray = _gray(images)
    height, width = gray.shape[1:]
    if height % _CELL or width % _CELL or min(height, width) < 2 * _CELL:
        raise InputError(f"HOG takes sides that are multiples of 8. Received: {height}x{width}.")
    cell, block = (_CELL, _CELL), (2 * _CELL, 2 * _CELL)
    describe = import_cv2().HOGDescriptor((width, height), block, cell, cell, _BINS)
    return _unit(np.stack([np.ravel(describe.compute(image)) for image in gray]))


def local_binary_patterns(images: np.ndarray) -> np.ndarray:
    """Histograms of local binary patterns in 8x8 fields of the image.

    Uniform patterns of 8 points at 2 pixels. The square root is taken, so that the cosine of
    two descriptors is the mean Bhattacharyya coefficient of their histograms.

    Args:
        images: uint8 RGB ``(N, H, W, 3)``, sides multiples of 8.

    Returns:
        float32 ``(N, 64 * 59)``.

    Raises:
        MissingPackageError: scikit-image is not installed.
        InputError: a side is no multiple of 8.

    Source:
        Ahonen, Hadid, Pietikäinen 2006, "Face description with local binary patterns".
    """
    try:
        from skimage.feature import local_binary_pattern
    except ImportError:
        raise MissingPackageError(
            "Local binary patterns need scikit-image: pip install 'siamlab[study]'."
        ) from None
    gray = _gray(images)
    count, height, width = gray.shape
    if height % _LBP_GRID or width % _LBP_GRID:
        raise InputError(
            f"The fields need sides that are multiples of 8. Received: {height}x{width}."
        )
    kinds = _LBP_POINTS * (_LBP_POINTS - 1) + 3
    codes = np.stack(
        [local_binary_pattern(one, _LBP_POINTS, _LBP_RADIUS, "nri_uniform") for one in gray]
    ).astype(np.int64)
    fields = codes.reshape(count, _LBP_GRID, height // _LBP_GRID, _LBP_GRID, -1)
    rows = fields.swapaxes(2, 3).reshape(count * _LBP_GRID**2, -1)
    places = rows + kinds * np.arange(len(rows))[:, None]
    histograms = np.bincount(places.ravel(), minlength=kinds * len(rows))
    return _unit(np.sqrt(histograms.reshape(count, -1)))


@dataclass(frozen=True, eq=False)
class Eigenfaces:
    """Principal components of training faces; call it with images.

    Attributes:
        pca: the fitted ``sklearn.decomposition.PCA``, whitened.
    """

    pca: Any

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """float32 ``(N, components)``, of length one; the images as those it was fitted on."""
        return _unit(self.pca.transform(raw_pixels(images)))


def fit_eigenfaces(images: np.ndarray, components: int = 128, seed: int = 0) -> Eigenfaces:
    """Learn eigenfaces from training people.

    Args:
        images: uint8 RGB ``(N, H, W, 3)`` of people who are not tested.
        components: number of components, whitened, so that all have equal weight.
        seed: of the randomized decomposition.

    Raises:
        InputError: fewer images than components.

    Source:
        Turk, Pentland 1991, "Eigenfaces for recognition"; Sirovich, Kirby 1987.
    """
    from sklearn.decomposition import PCA

    if len(images) <= components:
        raise InputError(f"{components} components need more images. Received: {len(images)}.")
    pca = PCA(components, whiten=True, svd_solver="randomized", random_state=seed)
    return Eigenfaces(pca.fit(raw_pixels(images)))


def classical_baselines(
    train: Collection, preprocessing: Preprocessing, images: int = 4000, seed: int = 0
) -> dict[str, Descriptor]:
    """All four baselines; the eigenfaces are fitted on training people.

    Args:
        train: people who are not tested.
        preprocessing: crop and size of the images that will be described.
        images: number of training images at most, drawn at random.
        seed: of that draw and of the fit.

    Returns:
        Name to descriptor.
    """
    paths = train.images
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(paths), min(images, len(paths)), replace=False)
    faces = found_images([paths[i] for i in np.sort(chosen)], preprocessing)
    return {
        "raw pixels": raw_pixels,
        "eigenfaces": fit_eigenfaces(faces, min(128, len(faces) - 1), seed),
        "local binary patterns": local_binary_patterns,
        "HOG": hog,
    }


@dataclass(frozen=True)
class Platt:
    """A similarity as a probability: ``1 / (1 + exp(-(slope * similarity + intercept)))``.

    Attributes:
        slope: of the logit.
        intercept: of the logit.
    """

    slope: float
    intercept: float

    def __call__(self, similarities: ArrayLike) -> np.ndarray:
        """float64 ``(N,)`` in [0, 1]."""
        logits = self.slope * np.asarray(similarities, np.float64) + self.intercept
        return 1 / (1 + np.exp(-np.clip(logits, -700, 700)))


def fit_platt(similarities: ArrayLike, labels: ArrayLike) -> Platt:
    """Fit :class:`Platt` on pairs of people who are not tested.

    Args:
        similarities: float ``(N,)``.
        labels: ``(N,)``, 1 genuine, 0 impostor; both kinds.

    Raises:
        InputError: one kind only.

    Source:
        Platt 1999, "Probabilistic outputs for support vector machines".
    """
    from sklearn.linear_model import LogisticRegression

    truth = np.asarray(labels)
    if len(np.unique(truth)) < 2:
        raise InputError("The fit needs genuine and impostor pairs. Received: one kind only.")
    values = np.asarray(similarities, np.float64)[:, None]
    # A large C: with one slope there is nothing to regularize.
    fitted = LogisticRegression(C=1e6).fit(values, truth)
    return Platt(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))


def pair_similarities(
    describe: Descriptor, pairs: PairSet, preprocessing: Preprocessing, batch: int = 512
) -> np.ndarray:
    """The cosine of both images' descriptors, each image described once.

    Args:
        describe: from uint8 images to rows of length one.
        pairs: the comparisons.
        preprocessing: crop and size.
        batch: images in memory at once.

    Returns:
        float32 ``(N,)``; -1, the least, where an image shows no face.

    Raises:
        ImageError: a file cannot be read; the message names it.
    """
    return describe_pairs(describe, pairs, preprocessing, batch).cosines


def evaluate_baselines(
    baselines: Mapping[str, Descriptor],
    validation: PairSet,
    test: PairSet,
    preprocessing: Preprocessing,
    rounds: int = 500,
) -> dict[str, Evaluation]:
    """Measure descriptors on pairs as a model is measured.

    Probability and threshold (equal errors) come from the validation pairs.

    Args:
        baselines: name to descriptor.
        validation: pairs of people who are not tested.
        test: pairs of others.
        preprocessing: crop and size.
        rounds: of resampling the test people.

    Returns:
        Name to evaluation.

    Raises:
        InputError: one kind of pairs only.
    """
    results = {}
    for name, describe in baselines.items():
        known = pair_similarities(describe, validation, preprocessing)
        platt = fit_platt(known, validation.labels)
        threshold = equal_error(validation.labels, platt(known))[1]
        scores = platt(pair_similarities(describe, test, preprocessing))
        results[name] = evaluate_pairs(test, scores, threshold, rounds=rounds)
    return results
