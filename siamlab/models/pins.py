"""The SHA-256 of the model files in this package: ``scripts/pin_weights.py`` writes it anew.

They stand in the code, not beside the files: who exchanges a file can write its digest anew, too.
"""

from __future__ import annotations

PINS = {
    "pretrained.json": "2578402686910116137078d93b5277786ae01e51d5d578ef22949be21f021f64",
    "compact.npz": "1c9b65de786d075c511317c461a10a108dfccabcb9ee395a72eef691b4ca70a4",
}
