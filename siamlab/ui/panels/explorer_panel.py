"""The panel of test pairs: a model's mistakes, large, and where the distance comes from."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets
from numpy.typing import ArrayLike

from siamlab.data.pairs import PairSet
from siamlab.errors import SiamlabError
from siamlab.evaluation.pair_filter import DECISIONS
from siamlab.models.embedder import FaceEmbedder
from siamlab.ui.html import figure_html
from siamlab.ui.pair_explorer import PairExplorer
from siamlab.ui.panels.base import row
from siamlab.ui.panels.page import LIVE, PANEL, PanelPage

ANYBODY = "anybody"
# What no visible label says.
LABELS = {
    ".noUi-handle-lower": {"aria-label": "Lowest score"},
    ".noUi-handle-upper": {"aria-label": "Highest score"},
    ".siamlab-pairs select": {"aria-label": "Pairs"},
}


class ExplorerPanel:
    """Fields that choose pairs, their list, and the chosen pair large.

    Args:
        model, pairs, scores, threshold: see :class:`~siamlab.ui.pair_explorer.PairExplorer`.
        decisions: which pairs are listed at first; mistakes come before the rest.

    Attributes:
        explorer: does the work; can be used from code.

    Example:
        ```python
        ExplorerPanel(model, pairs, score_pairs(model, pairs))
        ```
    """

    def __init__(
        self,
        model: FaceEmbedder,
        pairs: PairSet,
        scores: ArrayLike,
        threshold: float | None = None,
        decisions: str = "all",
    ) -> None:
        self.explorer = PairExplorer(model, pairs, scores, threshold)
        self.decisions = ipywidgets.Dropdown(
            options=list(DECISIONS), value=decisions, description="Show"
        )
        self.scores = ipywidgets.FloatRangeSlider(
            value=(0, 1), min=0, max=1, step=0.01, description="Score", continuous_update=False
        )
        self.person = ipywidgets.Dropdown(options=[ANYBODY, *pairs.people], description="Person")
        self.heat = ipywidgets.ToggleButton(
            value=True,
            description="Heat map",
            tooltip="Where the distance of the two faces comes from",
        )
        self.pair = ipywidgets.Select(
            options=[], rows=6, layout=ipywidgets.Layout(width="auto", margin="5px")
        )
        self.image = ipywidgets.HTML()
        self.status = ipywidgets.HTML()
        self._shown: Any = None
        fields = row(self.decisions, self.scores, self.person, self.heat)
        self.status.add_class("siamlab-status")
        self.pair.add_class("siamlab-pairs")
        attributes = {".siamlab-status .widget-html-content": LIVE, **LABELS}
        page = PanelPage("Explorer of test pairs", attributes, {})
        self.box = ipywidgets.VBox([fields, self.status, self.pair, self.image, page])
        self.box.add_class(PANEL)
        for field in (self.decisions, self.scores, self.person):
            field.observe(lambda _: self._choose(), "value")
        self.heat.observe(lambda _: self._draw(), "value")
        self.pair.observe(lambda _: self._draw(), "value")
        self._choose()

    def picture(self) -> Any:
        """The chosen pair as a figure, for readers without widgets; ``None`` if none is chosen."""
        number = self.pair.value
        return None if number is None else self.explorer.picture(number, self.heat.value)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # Plain text without ids, so that it is the same in every run; the picture is for readers
        # of a stored notebook, whose widget has no kernel.
        bundle = {**(self.box._repr_mimebundle_() or {}), "text/plain": repr(self)}
        if self._shown is None:
            return bundle, {}
        about = {"image/png": {"alt": self._shown.alt}}
        return {**bundle, "image/png": self._shown.to_png()}, about

    def __repr__(self) -> str:
        return f"ExplorerPanel({len(self.explorer.pairs)} pairs)"

    def _choose(self) -> None:
        """List the pairs that the fields ask for, and show the first."""
        person = None if self.person.value == ANYBODY else self.person.value
        # Half a step more: the slider shows and means two digits.
        low, high = self.scores.value
        half = self.scores.step / 2
        numbers = self.explorer.choose(self.decisions.value, low - half, high + half, person)
        self._say(f"{len(numbers)} of {len(self.explorer.pairs)} pairs")
        options = [(self.explorer.describe(number), number) for number in numbers.tolist()]
        self.pair.options = options  # clears the choice, and so the picture
        self.pair.index = 0 if options else None

    def _draw(self) -> None:
        try:
            self._shown = self.picture()
        except SiamlabError as error:
            self._shown = None
            self._say(str(error))
        self.image.value = "" if self._shown is None else figure_html(self._shown)

    def _say(self, text: str) -> None:
        self.status.value = html.escape(text)
