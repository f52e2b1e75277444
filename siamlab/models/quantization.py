"""Weights in seven bits each: how a trained model fits into a package of a few megabytes.

Input: float arrays and a description. Output: one ``.npz`` file, checked by its SHA-256 when
it is read. Kernels keep one scale for each output channel and a small integer for each weight
(Jacob et al. 2018, section 2.1, symmetric); everything else stays float32.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.errors import ModelError
from siamlab.system.files import whole_file, write_text

# Seven bits: on each side of zero. The eighth of a byte would hardly be seen in the scores, and the
# file is compressed, so it costs.
STEPS = 63


def quantize(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round a kernel to integers of seven bits.

    Args:
        kernel: float ``(..., channels)``.

    Returns:
        int8 of the same shape, in [-63, 63], and float32 ``(channels,)``: what one step is worth.
        The error is half a step at the most.
    """
    largest = np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1)))
    step = np.where(largest > 0, largest / STEPS, 1.0).astype(np.float32)
    return np.rint(kernel / step).astype(np.int8), step


def dequantize(numbers: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The float32 kernel that :func:`quantize` rounded to."""
    return numbers.astype(np.float32) * step


def save_arrays(path: Path, arrays: Sequence[np.ndarray], about: dict[str, Any]) -> Path:
    """Write arrays and a description; the checksum goes beside them, into ``<name>.sha256``.

    Raises:
        StorageError: the file cannot be written; nothing half-written stays.
    """
    stored: dict[str, np.ndarray] = {
        "about": np.frombuffer(json.dumps(about).encode("ascii"), np.uint8)
    }
    for number, array in enumerate(arrays):
        name = f"{number:03d}"
        if array.ndim > 1:
            stored[name], stored[f"{name}_step"] = quantize(array)
        else:
            stored[name] = array.astype(np.float32)
    with whole_file(path) as part, part.open("wb") as file:  # savez adds .npz to a name
        np.savez_compressed(file, allow_pickle=False, **stored)
    write_text(_checksum_file(path), f"{sha256(path)}  {path.name}\n")
    return path


def load_arrays(path: Path) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Read what :func:`save_arrays` wrote.

    Returns:
        float32 arrays in their order, and the description.

    Raises:
        ModelError: the file is not what its checksum says, or the checksum is missing.
    """
    expected = _checksum_file(path)
    if not path.is_file() or not expected.is_file():
        raise ModelError(f"{path} and {expected.name} belong together; one of them is missing.")
    if sha256(path) != expected.read_text().split(maxsplit=1)[0]:
        raise ModelError(
            f"{path} is not what {expected.name} says: damaged. Install siamlab again."
        )
    with np.load(path, allow_pickle=False) as archive:
        about = json.loads(archive["about"].tobytes())
        arrays = []
        for name in sorted(name for name in archive.files if name.isdigit()):
            step = f"{name}_step"
            exact = step not in archive.files
            arrays.append(archive[name] if exact else dequantize(archive[name], archive[step]))
    return arrays, about


def _checksum_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
