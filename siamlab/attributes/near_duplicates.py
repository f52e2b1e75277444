"""The same photograph twice: by its content, and by its embedding.

Input: image files and the unit embeddings of their faces. Output: which to keep. A copy on both
sides of a split would be recognized instead of judged, and the measured error would be too small.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from siamlab.images.digest import content_digests

# The cosine of two embeddings from which they are taken for one photograph, cut or compressed
# again. Of UTKFace's pairs that were looked at, six at each step, all from 0.99 on were one
# photograph, half of those at 0.985, a third at 0.98, and none below, where small children and
# other photographs of one person are.
NEAR = 0.98
_ROWS = 1024  # compared with all others at once


def keep_first(paths: Sequence[Path], embeddings: np.ndarray, near: float = NEAR) -> np.ndarray:
    """Of images that show the same photograph keep the first.

    Args:
        paths: N image files.
        embeddings: float32 ``(N, d)``, of length one.
        near: cosine from which two embeddings are the same photograph's.

    Returns:
        bool ``(N,)``.

    Raises:
        ImageError: a file cannot be read.
    """
    kept = np.zeros(len(paths), bool)
    kept[np.unique(content_digests(paths), return_index=True)[1]] = True
    for start in range(0, len(paths), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(paths)))
        cosines = embeddings[rows] @ embeddings[: rows[-1] + 1].T
        cosines[rows[:, None] <= np.arange(rows[-1] + 1)] = -1  # only with those before
        for row in rows[(cosines >= near).any(axis=1)]:
            before = np.flatnonzero(cosines[row - start] >= near)
            kept[row] &= not kept[before].any()
    return kept
