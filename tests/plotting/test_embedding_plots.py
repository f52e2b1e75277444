"""Maps, N-way charts and baselines show the data."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from test_plotting import texts

from siamlab import plotting as pl
from siamlab.errors import InputError
from siamlab.evaluation import Interval, evaluate_scores
from siamlab.study.oneshot import OneShot

RNG = np.random.default_rng(0)


def result(ways: int, accuracy: float, interval: bool = True) -> OneShot:
    shown = Interval(accuracy - 0.1, accuracy + 0.05) if interval else None
    return OneShot(ways, 100, accuracy, shown, None, {})


class TestMap:
    def test_classes_have_names_and_distinct_styles(self) -> None:
        labels = [name for name in "abcdefghi" for _ in range(3)] + ["z"]
        figure = pl.plot_map(RNG.normal(size=(28, 2)), labels, most=9)
        assert set("abcdefghi") <= set(texts(figure)) and "z" not in texts(figure)
        drawn = figure.axes[0].collections
        assert len(drawn) == 10 and len(drawn[0].get_offsets()) == 1, "z is gray"
        looks = {
            (tuple(c.get_facecolor()[0]), c.get_paths()[0].vertices.tobytes()) for c in drawn[1:]
        }
        assert len(looks) == 9

    def test_a_name_stands_at_one_of_its_points(self) -> None:
        places = np.array([[0, 0], [1, 0], [5, 0], [9, 9]], float)
        axes = pl.plot_map(places, ["Al_Bo", "Al_Bo", "Al_Bo", "Cy"]).axes[0]
        places_of = {note.get_text(): tuple(note.xy) for note in axes.texts}
        assert places_of == {"Al Bo": (1.0, 0.0), "Cy": (9.0, 9.0)}

    def test_names_do_not_cover_each_other(self) -> None:
        """Six classes of four images, all drawn from one place."""
        labels = [f"person {number}" for number in range(6) for _ in range(4)]
        notes = pl.plot_map(RNG.normal(size=(24, 2)), labels).axes[0].texts
        boxes = [note.get_window_extent() for note in notes]
        assert len(boxes) == 6
        assert not any(box.overlaps(other) for box, other in combinations(boxes, 2))

    def test_names_and_places_of_different_length(self) -> None:
        for places, labels in ((np.zeros((3, 2)), "ab"), (np.zeros((2, 3)), "ab"), ([], "")):
            with pytest.raises(InputError, match="N labels"):
                pl.plot_map(places, list(labels))


class TestOneShot:
    def test_a_panel_for_each_n_with_guessing(self) -> None:
        results = {
            "net": (result(5, 0.9), result(20, 0.8)),
            "px": (result(5, 0.4), result(20, 0.2)),
        }
        figure = pl.plot_oneshot(results, "Omniglot")
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["5-way", "20-way"]
        assert {"0.900", "0.200", "guessing", "net", "px", "Omniglot"} <= set(texts(figure))
        lines = [line.get_xdata() for line in figure.axes[1].lines]
        assert any(np.allclose(line, [0.7, 0.85]) for line in lines), "the interval"
        assert any(np.allclose(line, 1 / 20) for line in lines), "guessing"
        assert "20-way, guessing 0.05: net 0.800 (0.700 to 0.850); px 0.200" in figure.alt

    def test_a_dot_without_interval(self) -> None:
        axes = pl.plot_oneshot({"net": [result(5, 0.9, interval=False)]}).axes[0]
        assert len(axes.lines) == 2

    def test_methods_with_different_n(self) -> None:
        for results in ({}, {"a": []}, {"a": [result(5, 0.9)], "b": [result(20, 0.9)]}):
            with pytest.raises(InputError, match="same N"):
                pl.plot_oneshot(results)


class TestBaselines:
    def test_evaluations_and_their_dictionaries_draw_alike(self) -> None:
        names = [f"{i}" for i in range(30)]
        labels = np.arange(30) % 2
        second = [name if same else f"x{name}" for name, same in zip(names, labels, strict=True)]
        scores = np.clip(0.4 + 0.2 * labels + RNG.normal(0, 0.2, 30), 0, 1)
        found = evaluate_scores(labels, scores, 0.5, names, second, rounds=40)
        figures = [pl.plot_baselines({"HOG": one}) for one in (found, found.to_dict())]
        for figure in figures:
            assert {f"{found.auc:.3f}", f"{found.accuracy:.3f}", "HOG"} <= set(texts(figure))
        first, again = ([line.get_xdata() for line in f.axes[0].lines] for f in figures)
        assert all(np.allclose(one, other) for one, other in zip(first, again, strict=True))
        assert np.allclose(first[0], tuple(found.intervals["auc"]))

    def test_unknown_values_are_left_out(self) -> None:
        lonely = evaluate_scores([1, 1], [0.5, 0.9])
        axes = pl.plot_baselines({"a": lonely}, ("auc", "accuracy")).axes
        assert len(axes[0].lines) == 1 and len(axes[1].lines) == 2

    def test_unknown_statistics(self) -> None:
        with pytest.raises(InputError, match="auc, accuracy, eer"):
            pl.plot_baselines({})
        with pytest.raises(InputError, match="auc, accuracy, eer"):
            pl.plot_baselines({"a": {}}, ("beauty",))


def test_equal_charts_give_equal_files(tmp_path) -> None:
    for folder in ("one", "two"):
        figure = pl.plot_map(np.arange(12).reshape(6, 2), list("aabbcc"))
        pl.save_figure(figure, "map", tmp_path / folder)
    assert (tmp_path / "one/map.svg").read_bytes() == (tmp_path / "two/map.svg").read_bytes()
