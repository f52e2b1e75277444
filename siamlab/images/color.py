"""Brightness of colors."""

from __future__ import annotations

import numpy as np

# Weights of red, green and blue in brightness (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114])
