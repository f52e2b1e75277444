"""The color of each verdict, in pictures and on pages."""

from __future__ import annotations

# RGB: verified, not verified, unknown.
VERDICT_COLORS: dict[bool | None, tuple[int, int, int]] = {
    True: (26, 127, 55),
    False: (180, 35, 24),
    None: (90, 90, 90),
}
