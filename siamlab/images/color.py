"""How colors add up to brightness."""

from __future__ import annotations

import numpy as np

# How much red, green and blue add to what the eye takes for brightness (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114])
