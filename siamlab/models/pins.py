"""The SHA-256 of the model files in this package: ``scripts/pin_weights.py`` writes it anew.

They stand in the code, not beside the files: who exchanges a file can write its digest anew, too.
"""

from __future__ import annotations

PINS = {
    "pretrained.json": "dd6adc6f4553c4ea96eb2f1ce0ab4498e79f3a0eba7c17d1ccc9ebaf73201700",
    "compact.npz": "baaf91eb1f846db7ef874a317de6327a151ab5085ccf75390b812fda0905f985",
}
