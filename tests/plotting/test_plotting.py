"""Plotting: figures show the data, leave no state, and save to equal bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from siamlab import plotting as pl
from siamlab.errors import InputError, StorageError
from siamlab.faces.detectors import FaceBox
from siamlab.models.embedding import build_embedding, mirrored
from siamlab.models.resnet import build_resnet
from siamlab.models.siamese import build_siamese
from siamlab.verification.result import Verification

LABELS = np.arange(200) % 2
SCORES = np.clip(np.random.default_rng(0).normal(0.35 + 0.3 * LABELS, 0.15), 0, 1)


def texts(figure: pl.Picture) -> list[str]:
    """Every visible text of a figure."""
    import matplotlib.text

    found = figure.findobj(matplotlib.text.Text)
    return [text.get_text() for text in found if text.get_visible() and text.get_text()]


def faces(count: int, size: int = 12) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


class TestStyle:
    def test_nothing_changes_outside(self) -> None:
        import matplotlib

        before = dict(matplotlib.rcParams)
        pl.plot_scores(LABELS, SCORES)
        assert dict(matplotlib.rcParams) == before

    def test_no_pyplot(self) -> None:
        """Pyplot would show figures twice and keep them; nothing here imports it."""
        code = (
            "import sys, siamlab.plotting as pl; "
            "pl.plot_scores([0, 1], [0.2, 0.8])._repr_png_(); "
            "print([m for m in ('matplotlib.pyplot', 'tensorflow', 'keras') if m in sys.modules])"
        )
        found = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert found.stdout.strip() == "[]"

    def test_a_notebook_shows_a_picture_once(self) -> None:
        formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
        data, _ = formatter.format(pl.plot_scores(LABELS, SCORES))
        assert set(data) == {"text/plain", "image/png"}
        assert data["image/png"].startswith(b"\x89PNG")

    def test_colors_differ_for_the_color_blind(self) -> None:
        """Okabe and Ito's eight colors, and right, wrong by more than color (see verdicts)."""
        assert len(set(pl.COLORS.values())) == 8
        assert pl.COLORS["blue"] == "#0072B2"


class TestSave:
    def test_equal_figures_give_equal_files(self, tmp_path: Path) -> None:
        for folder in ("one", "two"):
            figure = pl.plot_pairs(faces(2), faces(2), [0, 1], [0.2, 0.4], 0.5)
            svg, png = pl.save_figure(figure, "pairs", tmp_path / folder)
            assert (svg.name, png.name) == ("pairs.svg", "pairs.png")
        for name in ("pairs.svg", "pairs.png"):
            assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        text = (tmp_path / "one" / "pairs.svg").read_text()
        assert "<dc:date>" not in text
        assert b"Software" not in (tmp_path / "one" / "pairs.png").read_bytes()

    def test_a_name_is_no_path(self, tmp_path: Path) -> None:
        figure = pl.plot_images(faces(1))
        for name in ("", "a/b", "a\\b"):
            with pytest.raises(InputError, match="file name"):
                pl.save_figure(figure, name, tmp_path)

    def test_a_storage_error_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("")
        with pytest.raises(StorageError) as caught:
            pl.save_figure(pl.plot_images(faces(1)), "a", tmp_path / "taken")
        assert "\n" not in str(caught.value)


class TestImages:
    def test_grid(self) -> None:
        figure = pl.plot_images(faces(5), titles=list("abcde"), columns=3)
        assert [name for name in texts(figure) if name in "abcde"] == list("abcde")
        shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
        np.testing.assert_array_equal(shown[3], faces(5)[3])
        assert len(figure.axes) == 6
        assert figure.alt == "5 images: a, b, c, d, e."
        assert pl.plot_images(faces(2), alt="Ada, twice.").alt == "Ada, twice."

    def test_types_of_images(self) -> None:
        gray, color = np.full((4, 6), 0.5), np.ones((8, 4, 3), np.float32)
        figure = pl.plot_images([gray, color])
        assert figure.axes[0].images[0].get_array().shape == (4, 6, 3)
        assert figure.axes[1].images[0].get_array().max() == 255

    @pytest.mark.parametrize(
        "image", [np.zeros((4, 4, 4)), np.full((4, 4, 3), 200.0), np.zeros((0, 4, 3)), np.zeros(3)]
    )
    def test_wrong_images(self, image: np.ndarray) -> None:
        with pytest.raises(InputError, match=r"\(H, W, 3\)|float in \[0, 1\]"):
            pl.plot_images([image])

    def test_wrong_counts(self) -> None:
        with pytest.raises(InputError, match="Received: 0"):
            pl.plot_images([])
        with pytest.raises(InputError, match="Each image has a title"):
            pl.plot_images(faces(2), titles=["one"])


class TestPairs:
    def test_labels_without_scores(self) -> None:
        found = texts(pl.plot_pairs(faces(2), faces(2), [1, 0]))
        assert {"1: same person", "0: different people"} <= set(found)

    def test_decisions_and_truth(self) -> None:
        """Four pairs, one of each kind; the two mistakes say so in words."""
        figure = pl.plot_pairs(faces(4), faces(4), [1, 0, 1, 0], [0.9, 0.1, 0.2, 0.8], 0.5)
        assert figure.alt == "4 pairs of faces, 2 of the same person; 2 judged wrong."
        titles = [axes.get_title(loc="center") for axes in figure.axes[:4]]
        assert titles == [
            "verified\n0.90 ≥ 0.50",
            "not verified\n0.10 < 0.50",
            "WRONG: not verified\n0.20 < 0.50",
            "WRONG: verified\n0.80 ≥ 0.50",
        ]
        truths = [axes.texts[0].get_text() for axes in figure.axes[:4]]
        assert truths == ["truth: same person", "truth: different people"] * 2
        frames = [axes.patches[0].get_linewidth() for axes in figure.axes[:4]]
        assert frames[2] > frames[0]

    def test_a_score_at_or_just_below_the_threshold(self) -> None:
        figure = pl.plot_pairs(faces(2), faces(2), [1, 0], [0.5, 0.4999], 0.5)
        assert figure.axes[0].get_title(loc="center") == "verified\n0.50 ≥ 0.50"
        assert figure.axes[1].get_title(loc="center") == "not verified\n0.4999 < 0.5000"

    def test_a_threshold_near_one(self) -> None:
        """0.9982 with two digits is 1.00, which no score reaches; 0.9984 is 0.998 with three."""
        scores = [0.94, 0.9996, 0.9984]
        figure = pl.plot_pairs(faces(3), faces(3), [1, 1, 1], scores, 0.9982)
        titles = [axes.get_title(loc="center").split("\n")[1] for axes in figure.axes[:3]]
        assert titles == ["0.940 < 0.998", "1.000 ≥ 0.998", "0.9984 ≥ 0.9982"]
        one = pl.plot_pairs(faces(1), faces(1), [1], [1.0], 1.0)
        assert one.axes[0].get_title(loc="center") == "verified\n1.00 ≥ 1.00"

    def test_threshold_zero_is_a_threshold(self) -> None:
        figure = pl.plot_pairs(faces(1), faces(1), [1], [0.1], 0.0)
        assert "≥ 0.00" in figure.axes[0].get_title(loc="center")

    def test_wrong_arguments(self) -> None:
        with pytest.raises(InputError, match="Received: 2, 1, 2, no"):
            pl.plot_pairs(faces(2), faces(1), [1, 0])
        with pytest.raises(InputError, match="threshold=None"):
            pl.plot_pairs(faces(1), faces(1), [1], [0.4])


def verification(**changes: Any) -> Verification:
    values: dict[str, Any] = {
        "person": "Ada",
        "verified": True,
        "scores": np.array([0.9, 0.6, 0.2, 0.7], np.float32),
        "detection_threshold": 0.5,
        "verification_threshold": 0.5,
        "box": FaceBox(10, 5, 20),
        "seconds": {},
    }
    return Verification(**{**values, **changes})


class TestVerification:
    FRAME = np.zeros((48, 64, 3), np.uint8)

    def test_scores_of_the_templates(self) -> None:
        figure = pl.plot_verification(self.FRAME, verification())
        found = texts(figure)
        assert "Ada: verified" in found
        assert "3 of 4 templates match: 75% (50% needed)" in found
        heights = sorted(bar.get_height() for bar in figure.axes[1].patches)
        assert heights == pytest.approx([0.2, 0.6, 0.7, 0.9])
        assert figure.axes[0].patches[0].get_xy() == (10, 5)

    def test_unknown_verification(self) -> None:
        result = verification(verified=None, scores=np.zeros(0), box=None, reason="No face.")
        figure = pl.plot_verification(self.FRAME, result)
        assert str(result) in figure.alt
        found = texts(figure)
        assert {"Ada: unknown", "No face."} <= set(found)


class TestCurves:
    def test_areas_and_points_equal_the_evaluation(self) -> None:
        from siamlab.evaluation import area_under_roc, equal_error, operating_point

        figure = pl.plot_curves(LABELS, SCORES)
        found = texts(figure)
        eer, threshold = equal_error(LABELS, SCORES)
        assert f"AUC {area_under_roc(LABELS, SCORES):.3f}" in found
        assert f"EER {eer:.3f}" in found
        point = operating_point(LABELS, SCORES, threshold)
        marks = [
            line.get_xydata()[0] for line in figure.axes[0].lines if len(line.get_xdata()) == 1
        ]
        assert any(np.allclose(mark, (point.fmr, point.recall)) for mark in marks)

    def test_det_axes_are_normal_deviates(self) -> None:
        """The tick of 20 % stands at the standard normal's 0.2 quantile, -0.8416."""
        axes = pl.plot_curves(LABELS, SCORES).axes[1]
        ticks = dict(
            zip([t.get_text() for t in axes.get_xticklabels()], axes.get_xticks(), strict=True)
        )
        assert ticks["20"] == pytest.approx(-0.8416, abs=1e-4)
        assert ticks["40"] == pytest.approx(-0.2533, abs=1e-4)

    def test_several_models_and_own_axes(self) -> None:
        given = pl.new_figure(9, 4).subplots(1, 3)
        figure = pl.plot_curves(LABELS, {"a": SCORES, "b": 1 - SCORES}, {"mine": 0.4}, axes=given)
        assert figure is given[0].figure
        assert sum(text.startswith(("a: AUC", "b: AUC")) for text in texts(figure)) == 2
        assert texts(figure).count("mine") == 3

    def test_perfect_scores(self) -> None:
        figure = pl.plot_curves([0, 0, 1, 1], [0.0, 0.0, 1.0, 1.0])
        assert "EER 0.000" in texts(figure) and "AUC 1.000, EER 0.000" in figure.alt

    def test_wrong_arguments(self) -> None:
        with pytest.raises(InputError, match="genuine and impostor"):
            pl.plot_curves([1, 1], [0.2, 0.4])
        with pytest.raises(InputError, match="no scores"):
            pl.plot_curves([1, 0], {})
        with pytest.raises(InputError, match="three axes"):
            pl.plot_curves([1, 0], [0.2, 0.4], axes=pl.new_figure().subplots())

    def test_histograms_contain_all_pairs(self) -> None:
        figure = pl.plot_scores(LABELS, SCORES, {"calibrated": 0.61})
        share = np.mean(SCORES[LABELS == 1] >= 0.5)
        assert f"{share:.0%} of 100 genuine pairs" in figure.alt
        found = texts(figure)
        assert {"genuine (100)", "impostor (100)", "calibrated (0.610)"} <= set(found)
        assert any(np.allclose(line.get_xdata(), 0.61) for line in figure.axes[0].lines)
        assert "threshold (0.500)" in texts(pl.plot_scores([1], [0.3], 0.5))

    def test_reliability(self) -> None:
        figure = pl.plot_reliability([0, 0, 0, 1], [0.1, 0.3, 0.5, 1.0], bins=2)
        assert "0% genuine at 0.20, 50% genuine at 0.75" in figure.alt
        drawn = figure.axes[0].collections[0].get_offsets()
        np.testing.assert_allclose(drawn, [(0.2, 0.0), (0.75, 0.5)])
        assert "pairs; mean gap 0.225" in texts(figure)


def point(**values: float) -> SimpleNamespace:
    defaults = {"size": 48, "images": 100, "seconds": 10.0, "auc": 0.8}
    return SimpleNamespace(**{**defaults, "auc_low": 0.7, "auc_high": 0.85, **values})


METRICS = {"loss": [0.7, 0.5], "precision": [0.5, 0.6], "val_loss": [0.7, 0.6]}


class TestHistoryAndSize:
    @pytest.mark.parametrize("kind", ["ours", "keras", "mapping"])
    def test_history_in_each_form(self, kind: str) -> None:
        history = {
            "ours": SimpleNamespace(metrics=METRICS, seconds=[3.0, 2.0]),
            "keras": SimpleNamespace(history=METRICS),
            "mapping": METRICS,
        }[kind]
        figure = pl.plot_history(history)
        found = texts(figure)
        assert {"loss", "validation loss", "precision", "epoch"} <= set(found)
        assert ("Time: 5 s in all" in found) == (kind == "ours")
        assert figure.axes[0].lines[0].get_ydata().tolist() == [0.7, 0.5]
        assert "loss from 0.70 to 0.50, precision from 0.50 to 0.60" in figure.alt

    def test_legends_cross_no_curve(self) -> None:
        figure = pl.plot_history(METRICS)
        figure.canvas.draw()
        for axes in figure.axes:
            legend = axes.get_legend().get_window_extent()
            assert legend.y1 < axes.get_window_extent().y0, "it stands below its panel"

    def test_no_epochs(self) -> None:
        for history in ({}, {"loss": []}, SimpleNamespace(metrics={}, seconds=[])):
            with pytest.raises(InputError, match="no finished epoch"):
                pl.plot_history(history)
        with pytest.raises(InputError, match="Received: int"):
            pl.plot_history(3)

    def test_time_with_the_machine(self) -> None:
        sizes = [point(size=72, seconds=180.0), point(size=32)]
        figure = pl.plot_against_size(sizes, [point()], machine="A box, 2 cores")
        found = texts(figure)
        assert "measured on A box, 2 cores" in found
        assert {"side of the input (pixels)", "training time (seconds)", "3.0 min"} <= set(found)
        assert figure.axes[0].lines[0].get_xdata().tolist() == [32, 72]
        assert len(figure.axes) == 2

    def test_quality_with_intervals(self) -> None:
        figure = pl.plot_against_size(by_images=[point(images=10), point(images=20)], measure="auc")
        bars = figure.axes[0].collections[0].get_segments()
        np.testing.assert_allclose(bars[0][:, 1], [0.7, 0.85])
        assert figure.alt == "Quality against number of images: 0.8 at 10, 0.8 at 20."
        assert figure.axes[0].get_xlabel() == "training images (number)"
        with pytest.raises(InputError, match="measured points"):
            pl.plot_against_size(measure="auc")
        with pytest.raises(InputError, match="seconds or auc"):
            pl.plot_against_size([point()], measure="eer")


def run(**values: object) -> SimpleNamespace:
    defaults = {
        "loss": "triplet", "people": 8, "images_each": 2.0,
        "auc": 0.8, "auc_low": 0.7, "auc_high": 0.85,
        "accuracy": 0.7, "accuracy_low": 0.65, "accuracy_high": 0.74,
    }  # fmt: skip
    return SimpleNamespace(**{**defaults, **values})


class TestStudies:
    def test_losses_are_sorted_by_their_mean_auc(self) -> None:
        """Mean 0.8 and 0.75: the single run of 0.75 stands below two of 0.7 and 0.9."""
        runs = [run(auc=0.9), run(loss="bce", auc=0.75), run(auc=0.7)]
        figure = pl.plot_losses(runs, {"bce": "cross-entropy"}, machine="A box")
        rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert rows == ["cross-entropy", "triplet"]
        areas = [bar.lines[0].get_xydata()[0].tolist() for bar in figure.axes[0].containers]
        assert [area for area, _ in areas] == [0.75, 0.9, 0.7]
        assert areas[0][1] == 0 and areas[1][1] < 1 < areas[2][1]
        assert {
            "area under the ROC curve",
            "accuracy at the validation EER threshold",
            "guessing",
            "measured on A box",
        } <= set(texts(figure))

    def test_intervals_equal_those_of_the_run(self) -> None:
        axes = pl.plot_losses([run()]).axes
        for panel, ends in zip(axes, [(0.7, 0.85), (0.65, 0.74)], strict=True):
            (bar,) = panel.collections[0].get_segments()
            np.testing.assert_allclose(bar[:, 0], ends)
        assert "triplet 0.800 (0.700 to 0.850)." in pl.plot_losses([run()]).alt

    def test_people_and_images(self) -> None:
        by_people = [
            run(people=16, accuracy=0.8), run(accuracy=0.7), run(accuracy=0.6), run(people=32)
        ]  # fmt: skip
        by_images = [run(images_each=2.0), run(images_each=5.0)]
        figure = pl.plot_quality_against_people(by_people, by_images, machine="A box")
        assert "16 people with 2 images each 0.800 (" in figure.alt
        first, second = figure.axes
        (means,) = (line for line in first.lines if line.get_linestyle() == "-")
        np.testing.assert_allclose(means.get_xydata(), [(8, 0.65), (16, 0.8), (32, 0.7)])
        assert [label.get_text() for label in second.get_xticklabels()] == ["2", "5"]
        assert {
            "More people (2 images each)",
            "More images of each (8 people)",
            "training people (number)",
            "images of each training person (number)",
            "measured on A box",
        } <= set(texts(figure))

    def test_one_study_and_auc(self) -> None:
        runs = [run(), run(people=16, images_each=3.5)]
        figure = pl.plot_quality_against_people(runs, measure="auc")
        assert len(figure.axes) == 1
        assert "area under the ROC curve" in texts(figure)
        assert "More people (images each differ too)" in texts(figure)

    def test_wrong_arguments(self) -> None:
        with pytest.raises(InputError, match="measured runs"):
            pl.plot_losses([])
        with pytest.raises(InputError, match="measured runs"):
            pl.plot_quality_against_people()
        with pytest.raises(InputError, match=r"auc, accuracy.*'eer'"):
            pl.plot_quality_against_people([run()], measure="eer")


@pytest.fixture(scope="module")
def siamese_models() -> SimpleNamespace:
    """Koch's network and the compact one, narrow, and the strong one."""
    compact = mirrored(build_embedding("compact", (32, 32, 3), 0.25))
    return SimpleNamespace(
        resnet=build_siamese(build_resnet(), "squared"),
        koch=build_siamese(build_embedding("koch", width=0.0625)),
        compact=build_siamese(compact, "squared"),
    )


class TestArchitecture:
    def test_layers_of_koch(self, siamese_models: SimpleNamespace) -> None:
        """Valid convolutions and halving: 105, 96, 48, 42, 21, 18, 9, 6."""
        steps = pl.network_steps(siamese_models.koch.embedding)
        assert [step.kind for step in steps] == ["input", *["conv", "pool"] * 3, "conv", "dense"]
        assert [step.shape[0] for step in steps[:-1]] == [105, 96, 48, 42, 21, 18, 9, 6]
        assert steps[1].kernel == "10×10"
        assert (steps[2].kernel, steps[-1].then) == ("max 2×2", "flatten, sigmoid")
        assert steps[1].weights == 10 * 10 * 3 * 4 + 4

    def test_normalization_is_folded_into_its_layer(self, siamese_models: SimpleNamespace) -> None:
        """From 32 pixels: the stem halves them, and so do all levels but the first."""
        steps = pl.network_steps(siamese_models.compact.embedding)
        names = ["input", "stem", "level1 ×2", "level2", "level2", "level3", "level3", "level4"]
        assert [step.name for step in steps] == [*names, "code"]
        assert [step.shape[0] for step in steps[:8]] == [32, 16, 16, 8, 8, 4, 4, 2]
        assert (steps[1].kernel, steps[1].then) == ("3×3 /2", "norm, ReLU")
        assert steps[-1].then == "flatten, norm, unit length"

    def test_a_residual_block_is_one_step(self) -> None:
        keras = pytest.importorskip("keras")
        inputs = keras.Input((16, 16, 4))
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
        x = keras.layers.Conv2D(4, 3, padding="same")(x)
        shortcut = keras.layers.AveragePooling2D(2)(inputs)
        block = keras.layers.ReLU()(keras.layers.Add()([x, shortcut]))
        steps = pl.network_steps(keras.Model(inputs, keras.layers.Conv2D(2, 3)(block)))
        assert [step.kind for step in steps] == ["input", "block", "conv"]
        assert steps[1].kernel == "3×3 /2, 3×3"

    def test_every_weight_is_counted_once(self, siamese_models: SimpleNamespace) -> None:
        for model in (siamese_models.koch, siamese_models.compact):
            steps = pl.network_steps(model.embedding)
            assert sum(step.weights for step in steps) == model.embedding.count_params()

    def test_other_networks(self) -> None:
        keras = pytest.importorskip("keras")
        inputs = keras.Input((8, 8, 3))
        fork = keras.layers.Add()([inputs, keras.layers.Conv2D(3, 3, padding="same")(inputs)])
        pooled = keras.layers.GlobalAveragePooling2D()(fork)
        steps = pl.network_steps(keras.Model(inputs, keras.layers.Dense(5)(pooled)))
        assert [step.kind for step in steps] == ["input", "block", "pool", "dense"]
        assert steps[2].kernel == "mean of all"
        chain = keras.Sequential(
            [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.ReLU()]
        )
        assert [step.then for step in pl.network_steps(chain)] == ["", "ReLU"]

    def test_the_figure_contains_the_numbers(self, siamese_models: SimpleNamespace) -> None:
        model = siamese_models.koch
        figure = pl.draw_architecture(model)
        found = texts(figure)
        assert "shared weights; then |a − b| and one sigmoid unit" in figure.alt
        assert f"Two towers, one set of weights: {model.count_params():,} in all" in found
        assert {"10×10", "96×96×4", "1,204", "|a − b|", "same weights", "L1 distance"} <= set(found)
        assert {"anchor", "other"} <= set(found)
        found = texts(pl.draw_architecture(siamese_models.compact))
        assert {
            "(a − b)²",
            "stem",
            "embeds each image with its mirror image and averages both",
        } <= (set(found))

    def test_equal_blocks_in_a_row_are_one_column(self, siamese_models: SimpleNamespace) -> None:
        steps = pl.network_steps(siamese_models.resnet.embedding)
        blocks = [step for step in steps if step.kind == "block"]
        assert [step.channels for step in blocks] == [32, 64, 64, 128, 128, 256, 256, 256]
        names = [step.name for step in blocks]
        assert names[0].endswith("×3") and names[2].endswith("×3") and "×" not in names[-1]
        total = siamese_models.resnet.embedding.count_params()
        assert sum(step.weights for step in steps) == total

    def test_columns_do_not_overlap(self, siamese_models: SimpleNamespace) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        for model in vars(siamese_models).values():
            figure = pl.draw_architecture(model)
            renderer = FigureCanvasAgg(figure).get_renderer()
            boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
            for number, one in enumerate(boxes):
                for other in boxes[number + 1 :]:
                    assert not one.overlaps(other.padded(-1.5))

    def test_other_models_are_refused(self) -> None:
        with pytest.raises(InputError, match="int without embedding, distance, head"):
            pl.draw_architecture(3)
        with pytest.raises(InputError, match="functional or sequential"):
            pl.network_steps(object())


class TestTowers:
    def test_real_activations(self, siamese_models: SimpleNamespace) -> None:
        model = siamese_models.compact
        pair = faces(2, 32)
        figure = pl.draw_towers(model, pair[0], pair[1])
        codes = model.embed(pair.astype(np.float32) / 255)
        expected = float(model.score_pairs(codes[:1], codes[1:])[0])
        found = texts(figure)
        assert f"{expected:.2f}" in found
        assert figure.alt.endswith(f"the probability of the same person, {expected:.2f}.")
        assert {"stem", "level4", "embedding", "(a − b)²", "16×16×8"} <= set(found)
        # In both towers input, stem and seven blocks, two of them joined; two embeddings; what
        # joins them.
        assert len(figure.axes) == 2 * 8 + 2 + 1 + 1
        np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), pair[0])

    def test_one_image_twice(self, siamese_models: SimpleNamespace) -> None:
        """Equal images look equal at every step, and their difference is nothing."""
        image = faces(1, 105)[0].astype(np.float32) / 255
        figure = pl.draw_towers(siamese_models.koch, image, image)
        pictures = [np.asarray(axes.images[0].get_array()) for axes in figure.axes[:-1]]
        for column in range(1, 8):
            np.testing.assert_allclose(
                pictures[2 * column], pictures[2 * column + 1], atol=1e-4, equal_nan=True
            )
        assert np.nanmax(pictures[-1]) < 1e-4

    def test_wrong_size(self, siamese_models: SimpleNamespace) -> None:
        with pytest.raises(InputError, match=r"other has the shape \(32, 32, 3\)"):
            pl.draw_towers(siamese_models.compact, faces(1, 32)[0], faces(1, 30)[0])


def test_each_model_is_marked_at_its_own_threshold() -> None:
    labels = np.array([0, 0, 1, 1])
    scores = {"a": np.array([0.1, 0.6, 0.4, 0.9]), "b": np.array([0.2, 0.3, 0.7, 0.8])}
    figure = pl.plot_curves(labels, scores, {"a": 0.5, "b": 0.65})
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts.count("own threshold") == 1 and "a" not in texts
