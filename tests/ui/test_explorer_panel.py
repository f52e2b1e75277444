"""The panel of test pairs, driven as on a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeModel

from siamlab.data.pairs import PairSet
from siamlab.errors import ImageError
from siamlab.faces.crop import Preprocessing
from siamlab.images.write import write_image
from siamlab.ui.pair_explorer import PairExplorer
from siamlab.ui.panels import ExplorerPanel

SCORES = [0.9, 0.2, 0.7]  # a match, a false non-match, a false match


class LevelModel(FakeModel):
    """Of chips; its metadata says that the threshold is 0.6."""

    def __init__(self) -> None:
        super().__init__(threshold=0.6)
        self.metadata = self.metadata.__class__(
            preprocessing=Preprocessing(size=16, alignment="none"),
            calibration=self.metadata.calibration,
            versions={},
        )

    def embed(self, images: np.ndarray, batch: int = 64) -> np.ndarray:
        return super().embed(images)

    def score_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return 1 - np.abs(first[:, 0] - second[:, 0])


@pytest.fixture
def pairs(tmp_path: Path) -> PairSet:
    files = []
    for level in (50, 100, 200):
        chip = np.full((32, 32, 3), level, np.uint8)
        files.append(write_image(tmp_path / f"{level}.png", chip))
    first, second = (files[0], files[1], files[1]), (files[1], files[2], files[2])
    people = ("Ada", "Ben", "Ben")
    return PairSet(first, second, np.array([1, 1, 0]), people, ("Ada", "Ben", "<b>Cleo"))


def options(panel: ExplorerPanel) -> list[str]:
    return [label for label, _ in panel.pair.options]


def test_mistakes_come_first_and_the_worst_is_shown(pairs: PairSet):
    panel = ExplorerPanel(LevelModel(), pairs, SCORES)
    assert options(panel) == [
        "pair 1: FALSE NON-MATCH, score 0.200, Ben",
        "pair 2: FALSE MATCH, score 0.700, Ben and <b>Cleo",
        "pair 0: match, score 0.900, Ada",
    ]
    assert panel.pair.value == 1
    assert "3 of 3 pairs" in panel.status.value
    assert panel.image.value.startswith("<img alt='Two faces side by side, Ben and Ben. pair 1:")


def test_the_fields_choose(pairs: PairSet):
    panel = ExplorerPanel(LevelModel(), pairs, SCORES)
    panel.decisions.value = "mistakes"
    assert len(options(panel)) == 2
    panel.decisions.value = "all"
    panel.scores.value = (0.7, 0.95)
    assert [number for _, number in panel.pair.options] == [2, 0]
    panel.person.value = "Ada"
    assert panel.pair.value == 0
    shown = panel.image.value
    panel.scores.value = (0.0, 0.1)
    assert (panel.pair.value, panel.image.value) == (None, "")
    assert "0 of 3 pairs" in panel.status.value
    panel.scores.value = (0.0, 1.0)
    assert panel.image.value == shown


def test_names_are_text_and_not_html(pairs: PairSet):
    panel = ExplorerPanel(LevelModel(), pairs, SCORES)
    panel.pair.value = 2
    assert "&lt;b&gt;Cleo" in panel.image.value
    assert "<b>" not in panel.image.value


def test_a_pair_is_mapped_once_and_only_when_asked(pairs: PairSet):
    model = LevelModel()
    panel = ExplorerPanel(model, pairs, SCORES)
    assert [shape[0] for shape in model.embedded] == [83, 83]  # 81 places, and the pair itself
    panel.heat.value = False
    panel.heat.value = True
    assert len(model.embedded) == 2
    panel.heat.value = False
    panel.pair.value = 2
    assert len(model.embedded) == 2
    assert len(panel.picture().axes) == 2


def test_a_file_that_went_away_is_said(pairs: PairSet):
    pairs.first[1].unlink()
    panel = ExplorerPanel(LevelModel(), pairs, SCORES)
    assert panel.image.value == ""
    assert "100.png" in panel.status.value
    with pytest.raises(ImageError):
        PairExplorer(LevelModel(), pairs, SCORES).picture(1)


def test_the_text_for_a_page_without_widgets_is_the_same_in_every_run(pairs: PairSet):
    panel = ExplorerPanel(LevelModel(), pairs, SCORES)
    data, about = panel._repr_mimebundle_()
    assert data["text/plain"] == "ExplorerPanel(3 pairs)"
    assert data["image/png"].startswith(b"\x89PNG")
    assert about["image/png"]["alt"] == panel.picture().alt
