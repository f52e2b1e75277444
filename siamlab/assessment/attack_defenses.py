"""What a door can do to an image before it judges it, and an attacker who knows.

Each defense comes twice: as what is done, uint8 to uint8, and as a *front* for
:func:`siamlab.assessment.attacks.attack_pairs`, through which the attacker's gradient goes. JPEG
has no useful gradient, so its front passes it straight through (Athalye, Carlini and Wagner 2018,
"Obfuscated gradients give a false sense of security").
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from siamlab.assessment.attacks import Front
from siamlab.images.write import jpeg_bytes
from siamlab.system.backend import ops
from siamlab.system.opencv import import_cv2


@dataclass(frozen=True, eq=False)
class Defense:
    """One thing to do to images at the door.

    Attributes:
        name: in tables.
        apply: uint8 RGB ``(N, H, W, 3)`` to the same.
        front: the same for tensors in [0, 1], with a gradient.
    """

    name: str
    apply: Callable[[np.ndarray], np.ndarray]
    front: Front


def blur_defense(sigma: float) -> Defense:
    """A Gaussian blur of ``sigma`` pixels."""
    reach = int(np.ceil(3 * sigma))
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    line = (line / line.sum()).astype(np.float32)
    cross = np.zeros((len(line), 1, 3, 1), np.float32) + line[:, None, None, None]

    def front(images: Any) -> Any:
        down = ops.depthwise_conv(images, cross, padding="same")
        return ops.depthwise_conv(down, cross.transpose(1, 0, 2, 3), padding="same")

    def apply(images: np.ndarray) -> np.ndarray:
        cv2 = import_cv2()
        return np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in images])

    return Defense(f"blur, {sigma:g} pixels", apply, front)


def jpeg_defense(quality: int) -> Defense:
    """JPEG compression."""

    def apply(images: np.ndarray) -> np.ndarray:
        return np.stack([_jpeg(image, quality) for image in images])

    def compress(images: np.ndarray) -> np.ndarray:
        seen = np.clip(np.rint(images * 255), 0, 255).astype(np.uint8)
        return apply(seen).astype(np.float32) / np.float32(255)

    def front(images: Any) -> Any:
        import tensorflow as tf  # Keras has no way out of a graph; ART needs TensorFlow anyway

        compressed = tf.numpy_function(compress, [images], tf.float32)
        compressed.set_shape(images.shape)
        return images + ops.stop_gradient(compressed - images)

    return Defense(f"JPEG, quality {quality}", apply, front)


DEFENSES = (blur_defense(1.0), blur_defense(2.0), jpeg_defense(75), jpeg_defense(30))


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(jpeg_bytes(image, quality))).convert("RGB"))
