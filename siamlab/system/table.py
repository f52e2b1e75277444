"""Tables for the terminal, for notebooks and for Markdown pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Table:
    """Rows of text in aligned columns; ``str`` gives text, a notebook shows HTML.

    Attributes:
        rows: the cells of each row, as text.
        header: the columns' names; none when empty.
        align: ``<`` (left) or ``>`` (right) for each column; the last one serves for those after.
        gap: spaces between all columns, or after each column but the last.
        rule: whether the text has a line of dashes under the header.

    Example:
        >>> print(Table([("Koch", "0.75"), ("compact", "0.9")], ("model", "AUC"), "<>"))
        model     AUC
        Koch     0.75
        compact   0.9
    """

    rows: Sequence[Sequence[str]]
    header: Sequence[str] = ()
    align: str = "<"
    gap: int | Sequence[int] = 2
    rule: bool = False

    def _lines(self) -> list[Sequence[str]]:
        return [self.header, *self.rows] if self.header else list(self.rows)

    def _sides(self) -> list[str]:
        """The alignment of each column."""
        count = max(map(len, self._lines()), default=0)
        return list(self.align.ljust(count, self.align[-1])[:count])

    def __str__(self) -> str:
        lines, sides = self._lines(), self._sides()
        widths = [max(len(line[column]) for line in lines) for column in range(len(sides))]
        gaps = [self.gap] * len(sides) if isinstance(self.gap, int) else [*self.gap, 0]
        text = [
            "".join(
                f"{cell:{side}{width}}{' ' * gap}"
                for cell, side, width, gap in zip(line, sides, widths, gaps, strict=True)
            ).rstrip()
            for line in lines
        ]
        if self.rule:
            text.insert(1, "-" * (sum(widths) + sum(gaps[:-1])))
        return "\n".join(text)

    __repr__ = __str__

    def to_markdown(self) -> str:
        """The table for a Markdown page."""
        rule = ["---" if side == "<" else "---:" for side in self._sides()]
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.header, rule, *self.rows))

    def _repr_html_(self) -> str:
        styles = [" style='text-align:left'" if side == "<" else "" for side in self._sides()]

        def line(row: Sequence[str], tag: str) -> str:
            tags = ["th", *[tag] * (len(row) - 1)]  # a row's first cell names it
            cells = zip(tags, styles, row, strict=True)
            return f"<tr>{''.join(f'<{t}{s}>{escape(cell)}</{t}>' for t, s, cell in cells)}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        if self.header:
            body = f"<thead>{line(self.header, 'th')}</thead><tbody>{body}</tbody>"
        return f"<table>{body}</table>"
