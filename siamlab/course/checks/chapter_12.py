"""What answers to the exercises of chapter 12, privacy and attacks, must do."""

from __future__ import annotations

import hmac
from typing import Any

import numpy as np

from siamlab.course.exercises import Exercise, follows
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


def _log(answer: Any) -> str | None:
    entries = ["Ada enrolled", "Bob enrolled", "Bob exported"]
    noted = _digests(entries)
    for changed, expected in ((None, 3), (0, 0), (1, 1), (2, 2)):
        now = [f"{entry}!" if place == changed else entry for place, entry in enumerate(entries)]
        if (got := answer(now, noted, _KEY)) != expected:
            what = "nothing" if changed is None else f"entry {changed}"
            return f"With {what} changed it gives {got!r}; {expected} is expected."
    return None


def _digests(entries: list[str]) -> list[bytes]:
    last, found = bytes(32), []
    for entry in entries:
        last = hmac.digest(_KEY, last + entry.encode(), "sha256")
        found.append(last)
    return found


def _fgsm(image: np.ndarray, gradient: np.ndarray, epsilon: float) -> np.ndarray:
    moved: np.ndarray = np.clip(image + epsilon * np.sign(gradient), 0, 1)
    return moved


def _rates(passed: dict[str, int], shown: int, refused: int, people: int) -> tuple[float, float]:
    return max(count / shown for count in passed.values()), refused / people


CHECKS = {
    "12.1": Exercise(
        _rewrapping,
        "Open it with the old wrapping key, and seal what you find with the new one.",
        "No record was touched: a new passphrase costs one short record for each person.",
    ),
    "12.2": Exercise(
        _log,
        "Compute the digests of (12.3) anew and compare them one by one with those noted.",
        "Whoever changes an entry must change all later digests, and cannot without the key.",
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
