"""What answers to the exercises of chapter 12, privacy and attacks, must do."""

from __future__ import annotations

from typing import Any

import numpy as np

from siamlab.course.exercises import Exercise, follows, near
from siamlab.errors import StorageError
from siamlab.gallery.sealing import new_key, seal, unseal

_KEY, _CONTEXT = b"k" * 32, b"Ada's key"


def _rewrapping(answer: Any) -> str | None:
    old, new = new_key(), new_key()
    wrapped = answer(seal(old, _KEY, _CONTEXT), old, new, _CONTEXT)
    if not isinstance(wrapped, bytes):
        return f"It gives {type(wrapped).__name__}; the wrapped key is bytes."
    if wrapped == _KEY:
        return "It gives the bare key. Seal it again, with the new wrapping key."
    try:
        found = unseal(new, wrapped, _CONTEXT)
    except StorageError:
        return "What it gives does not open with the new wrapping key and the same context."
    return None if found == _KEY else "It opens, but holds something else than the person's key."


def _fgsm(image: np.ndarray, gradient: np.ndarray, epsilon: float) -> np.ndarray:
    moved: np.ndarray = np.clip(image + epsilon * np.sign(gradient), 0, 1)
    return moved


def _rates(passed: dict[str, int], shown: int, refused: int, people: int) -> tuple[float, float]:
    return max(count / shown for count in passed.values()), refused / people


CHECKS = {
    "12.1": Exercise(
        _rewrapping,
        "Open it with the old wrapping key, and seal what you find with the new one.",
        "The records themselves were not touched: a new passphrase costs one short record a person.",
    ),
    "12.2": Exercise(
        near(693, 0.5, mistakes={692: "After 692 tries it is still a little below one half.",
                                 500: "Half of 1 / FMR is not it: tries can fail again and again."}),
        "1 - (1 - 0.001) to the power n is at least 0.5. Take logarithms.",
        "At 105 tries a day that is a week of standing before the door.",
    ),
    "12.3": Exercise(
        follows(
            _fgsm,
            (np.array([0.2, 0.5, 0.99]), np.array([-3.0, 0.001, 7.0]), 0.05),
            (np.array([0.01, 1.0]), np.array([-1.0, 0.0]), 0.1),
        ),
        "np.sign gives the direction of each pixel; an image stays in [0, 1].",
        "How large the gradient is does not matter, only its sign: each pixel moves all it may.",
    ),
    "12.4": Exercise(
        follows(
            _rates,
            ({"print": 1, "screen": 4, "mask": 2}, 20, 3, 50),
            ({"print": 0}, 10, 0, 10),
        ),
        "APCER is that of the worst kind of attack, not of all together.",
        "An average over kinds would hide the one that works.",
    ),
}
