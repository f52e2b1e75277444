"""Photographs of faces in, what dlib's face ResNet sees in them out.

Output: the features of each face as it is and of its mirror image, and the embedding of the strong
model, by which copies are found. The network stays as it is.

An embedding is trained to be the same for one person at 20 and at 60, and so forgets age. What the
layers before it say is kept here too (:data:`LAYERS`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.data.faces import face_batches, load_faces
from siamlab.errors import EmptyFolderError
from siamlab.faces.align import FACE_SHARE
from siamlab.faces.crop import Preprocessing
from siamlab.models.resnet import DIMENSIONS, SIZE, load_resnet
from siamlab.system.backend import keras, layers, ops

# The first convolutions of the last two levels (3 x 3 x 256 and 256 numbers), and the embedding.
LAYERS = ("conv22", "conv28", "code")
BATCH = 64
Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class FaceFeatures:
    """What the network sees in N faces.

    Attributes:
        values: float16 ``(N, 2, d)``, of each face and of its mirror image.
        embeddings: float32 ``(N, 128)`` of length one: the strong model's.
        found: bool ``(N,)``; where no face was found, the whole image was taken.
    """

    values: np.ndarray
    embeddings: np.ndarray
    found: np.ndarray

    def __len__(self) -> int:
        return len(self.found)

    def select(self, rows: Any) -> FaceFeatures:
        """The features of some faces: numbers, or bool ``(N,)``."""
        return FaceFeatures(self.values[rows], self.embeddings[rows], self.found[rows])


def build_features() -> keras.Model:
    """dlib's face ResNet from images to the outputs of :data:`LAYERS`, side by side.

    Returns:
        A Keras model from float32 ``(batch, 150, 150, 3)`` in [0, 1] to ``(batch, d)``; the last
        128 numbers are dlib's embedding.

    Raises:
        ModelError: dlib's file is not here.
    """
    network = load_resnet()
    *earlier, code = (network.get_layer(name).output for name in LAYERS)
    parts = [*(layers.Flatten()(layers.ReLU()(values)) for values in earlier), code]
    return keras.Model(network.input, layers.Concatenate()(parts), name="features")


def read_features(paths: Sequence[Path], report: Report | None = None) -> FaceFeatures:
    """Find, align and embed the face in each image.

    Args:
        paths: image files. Where no face is found, the whole image is taken for one: a cut face
            of UTKFace is aligned already.
        report: called with (images done, images in all).

    Raises:
        EmptyFolderError: there are no paths.
        ImageError: a file cannot be read; the message names it.
        ModelError: dlib's file is not here.
    """
    network, parts = build_features(), []
    for images, found in read_faces(paths, SIZE, report=report):
        both = np.stack([_run(network, side) for side in (images, images[:, :, ::-1])], axis=1)
        code = both[:, :, -DIMENSIONS:].mean(axis=1)
        code /= np.linalg.norm(code, axis=1, keepdims=True)
        parts.append(FaceFeatures(both.astype(np.float16), code, found))
    names = ("values", "embeddings", "found")
    return FaceFeatures(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in names)
    )


def read_faces(
    paths: Sequence[Path], size: int, part: float = 1.0, report: Report | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Find and align the face in each image, some images at a time.

    Args:
        paths: image files.
        size: side of the faces, pixels.
        part: of the square that dlib's face ResNet sees, its central part.
        report: called with (images done, images in all).

    Yields:
        uint8 RGB ``(n, size, size, 3)``, and whether a face was found in each image.

    Raises:
        EmptyFolderError, ImageError: see :func:`read_features`.
    """
    if not paths:
        raise EmptyFolderError("There are no images to look at: an empty folder or selection.")
    face = Preprocessing(size, FACE_SHARE * part)
    whole = Preprocessing(size, part, alignment="none")  # UTKFace's images are such squares
    done = 0
    for faces in face_batches(paths, face, BATCH):
        images, lost = faces.images.copy(), np.flatnonzero(~faces.found).tolist()
        if lost:
            images[lost] = load_faces([paths[done + row] for row in lost], whole).images
        yield images, faces.found
        done += len(faces)
        if report is not None:
            report(done, len(paths))


def _run(network: keras.Model, images: np.ndarray) -> np.ndarray:
    seen = network.predict_on_batch(np.ascontiguousarray(images, np.float32) / np.float32(255))
    return np.asarray(ops.convert_to_numpy(seen))
