"""Two faces with the places that drive them apart."""

from __future__ import annotations

import numpy as np
import pytest

from siamlab.errors import InputError
from siamlab.plotting import plot_heat

IMAGES = (np.zeros((12, 12, 3), np.uint8), np.full((12, 12, 3), 200, np.uint8))


def heat(row: int, column: int) -> np.ndarray:
    made = np.zeros((12, 12))
    made[row : row + 2, column : column + 2] = 2.0
    return made


def test_the_images_and_their_maps_are_drawn_on_one_scale():
    figure = plot_heat(IMAGES, (heat(0, 0), heat(5, 10) / 4), "pair 3", ("Ada", "Ben"))
    left, right = (axes.images for axes in figure.axes[:2])
    np.testing.assert_array_equal(left[0].get_array(), IMAGES[0])
    np.testing.assert_array_equal(right[1].get_array(), heat(5, 10) / 4)
    assert left[1].get_clim() == right[1].get_clim() == (-2.0, 2.0)
    assert left[1].get_alpha()[6, 6] == 0  # where nothing happens the face is not veiled
    assert left[1].get_alpha().max() > 3 * right[1].get_alpha().max()


def test_the_words_for_those_who_do_not_see_it():
    figure = plot_heat(IMAGES, (heat(0, 0), -heat(5, 10)), "pair 3", ("Ada", "Ben"))
    assert figure.alt == (
        "Two faces side by side, Ada and Ben. pair 3. Of Ada, the top left drives them apart "
        "most. Of Ben, the middle right makes them alike most."
    )
    data, metadata = figure._repr_png_()
    assert data.startswith(b"\x89PNG")
    assert metadata == {"alt": figure.alt}


def test_without_maps():
    figure = plot_heat(IMAGES, title="pair 3")
    assert [len(axes.images) for axes in figure.axes] == [1, 1]
    assert figure.alt == "Two faces side by side, first and second. pair 3."


def test_a_long_title_has_two_lines():
    title = "pair 1054: FALSE MATCH, score 0.986, Luiz_Inacio_Lula_da_Silva and Serena_Williams"
    figure = plot_heat(IMAGES, title=title)
    assert figure.get_suptitle().split("\n") == [title[:66], title[67:]]
    assert title in figure.alt


def test_a_map_of_nothing_and_one_of_another_size():
    assert "most" not in plot_heat(IMAGES, (np.zeros((12, 12)),) * 2).alt
    with pytest.raises(InputError, match=r"size \(12, 12\). Received: \(3, 3\)"):
        plot_heat(IMAGES, (np.zeros((3, 3)),) * 2)
