"""Cancelable templates: a secret rotation for each gallery (ISO/IEC 24745).

The rotation is orthonormal, so dot products and Euclidean distances between templates of one
gallery stay the same to rounding, and a model whose head weighs the squared distance equally
(``pretrained``, ``compact``) loses no accuracy. Templates of two galleries with different keys
cannot be compared, and a stolen gallery is worthless once it has another key. It is no one-way
function: who has the key turns templates back.
"""

from __future__ import annotations

import hashlib

import numpy as np


def rotation(key: bytes, dimensions: int) -> np.ndarray:
    """A random orthonormal matrix, always the same for a key.

    The Q of a QR decomposition of normal numbers, with the signs of R's diagonal, is uniformly
    distributed over all rotations and reflections (Mezzadri 2007).

    Args:
        key: secret, any length.
        dimensions: of the templates.

    Returns:
        float64 ``(dimensions, dimensions)``.
    """
    seed = np.frombuffer(hashlib.sha512(b"siamlab rotation" + key).digest(), np.uint32)
    normal = np.random.default_rng(seed).standard_normal((dimensions, dimensions))
    q, r = np.linalg.qr(normal)
    return q * np.sign(np.diag(r))


def protect(templates: np.ndarray, key: bytes) -> np.ndarray:
    """Rotate templates.

    Args:
        templates: float32 ``(N, dimensions)``; probes too, to be compared with them.
        key: the gallery's.

    Returns:
        float32 ``(N, dimensions)``.

    Example:
        >>> import numpy as np
        >>> from siamlab.gallery.cancelable import protect
        >>> a, b = np.random.default_rng(0).standard_normal((2, 128)).astype("f4")
        >>> turned = protect(np.stack([a, b]), b"secret")
        >>> bool(abs(turned[0] @ turned[1] - a @ b) < 1e-4)
        True
    """
    turned = templates.astype(np.float64) @ rotation(key, templates.shape[1])
    return turned.astype(np.float32)


def unprotect(templates: np.ndarray, key: bytes) -> np.ndarray:
    """Turn templates back, with the key."""
    turned = templates.astype(np.float64) @ rotation(key, templates.shape[1]).T
    return turned.astype(np.float32)
