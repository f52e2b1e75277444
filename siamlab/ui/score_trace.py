"""The scores of the last seconds as a line, in SVG: it takes the page's own color.

The scale is that of the log-odds: scores crowd near 0 and 1, and thresholds lie among them.
"""

from __future__ import annotations

from collections import deque

from siamlab.models.metadata import log_odds
from siamlab.ui.html import score_text

WIDTH, HEIGHT = 300, 80
MOST = 14.0  # log-odds at the upper edge: a score of 0.999999


class ScoreTrace:
    """Remembers scores and draws them.

    Args:
        seconds: how far back.

    Example:
        >>> trace = ScoreTrace(seconds=10)
        >>> trace.add(0.0, 0.9)
        >>> trace.add(1.0, None)  # no face
        >>> trace.add(2.0, 0.7)
        >>> trace.add(2.5, 0.8)
        >>> [len(line) for line in trace.lines()]
        [1, 2]
    """

    def __init__(self, seconds: float = 10.0) -> None:
        self.seconds = seconds
        self._scores: deque[tuple[float, float | None]] = deque()

    def add(self, now: float, score: float | None) -> None:
        """Add a score in [0, 1], or ``None`` where there was nothing to score."""
        self._scores.append((now, score))
        while now - self._scores[0][0] > self.seconds:
            self._scores.popleft()

    def clear(self) -> None:
        """Forget all scores."""
        self._scores.clear()

    def lines(self) -> list[list[tuple[float, float]]]:
        """Times and scores that follow each other without a gap."""
        lines: list[list[tuple[float, float]]] = [[]]
        for now, score in self._scores:
            if score is not None:
                lines[-1].append((now, score))
            elif lines[-1]:
                lines.append([])
        return [line for line in lines if line]

    def svg(self, threshold: float) -> str:
        """The trace, newest score at the right, and the threshold as a dashed line."""
        end = self._scores[-1][0] if self._scores else 0.0
        drawn = "".join(self._polyline(line, end) for line in self.lines())
        level = _height(threshold)
        text = self._in_words(threshold)
        return (
            f"<svg role='img' aria-label='{text}' viewBox='0 0 {WIDTH} {HEIGHT}' "
            f"style='width:{WIDTH}px;max-width:100%;height:{HEIGHT}px;display:block;"
            "border:1px solid currentColor'>"
            f"<line x1='0' x2='{WIDTH}' y1='{level:.1f}' y2='{level:.1f}' stroke='currentColor' "
            f"stroke-dasharray='5 4'/>{drawn}</svg>"
            f"<div>scores of {self.seconds:.0f} s; dashed: threshold {score_text(threshold)}</div>"
        )

    def _polyline(self, line: list[tuple[float, float]], end: float) -> str:
        places = [(WIDTH * (1 - (end - now) / self.seconds), _height(score)) for now, score in line]
        if len(places) == 1:
            across, down = places[0]
            return f"<circle cx='{across:.1f}' cy='{down:.1f}' r='2' fill='currentColor'/>"
        points = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
        return f"<polyline points='{points}' fill='none' stroke='currentColor' stroke-width='2'/>"

    def _in_words(self, threshold: float) -> str:
        scores = [score for line in self.lines() for _, score in line]
        if not scores:
            return f"no scores in the last {self.seconds:.0f} seconds"
        return (
            f"scores of the last {self.seconds:.0f} seconds, from {score_text(min(scores))} to "
            f"{score_text(max(scores))}, threshold {score_text(threshold)}"
        )


def _height(score: float) -> float:
    share = (log_odds(score) + MOST) / (2 * MOST)
    return 3 + (HEIGHT - 6) * (1 - min(1.0, max(0.0, share)))
