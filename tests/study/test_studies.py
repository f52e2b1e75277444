"""Studies: measured points, equal use of images and steps, and files."""

from __future__ import annotations

import json
import runpy
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from siamlab.config import get_profile
from siamlab.data.collections import open_collection
from siamlab.data.pairs import draw_pairs
from siamlab.data.splits import Split, split_people
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError
from siamlab.models.embedding import build_embedding
from siamlab.study.all_studies import load_study, run_studies
from siamlab.study.data_size import (
    people_sample,
    same_images_each,
    study_images_each,
    study_people,
)
from siamlab.study.input_size import (
    limit_images,
    load_points,
    save_points,
    study_images,
    study_point,
    study_resolution,
)
from siamlab.study.loss_comparison import StudyRun, study_losses, train_and_measure
from siamlab.study.objectives import OBJECTIVES, RECIPE, find_objective, with_head
from siamlab.study.setting import StudySetting, doubling
from siamlab.study.training_run import rates_with_intervals
from siamlab.system.machine import machine_name

pytestmark = pytest.mark.usefixtures("shallow_compact")

TINY = StudySetting(
    size=24, width=0.125, steps=2, people=4, pairs=32, seeds=(0,), people_counts=(4, 8),
    images_each=(2, 4),
)  # fmt: skip


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_people(root, people=16, images=4, seed=4)
    return split_people(open_collection(root), (0.5, 0.0, 0.5), 0)


@pytest.fixture(scope="module")
def pairs(split):
    return draw_pairs(split.test, 32, 0)


class TestSize:
    def test_a_point_is_measured_saved_and_loaded(self, split, pairs, tmp_path):
        point = study_point(split.train, pairs, 24, steps=2, width=0.125)
        assert (point.size, point.images, point.steps) == (24, 32, 2)
        assert point.seconds > 0 and point.auc_low <= point.auc <= point.auc_high
        save_points([point], tmp_path / "points.json")
        again, machine = load_points(tmp_path / "points.json")
        assert again == (point,) and machine == machine_name()

    def test_each_image_is_used_equally_often(self, split, pairs, monkeypatch):
        """16 of 32 images are trained on for half the steps."""

        def asked(train, test, size, steps, width):
            return size, len(train.images), steps, width

        monkeypatch.setattr("siamlab.study.input_size.study_point", asked)
        points = study_images(split.train, pairs, (16, 32), size=24, steps=4, width=0.25)
        assert points == ((24, 16, 2, 0.25), (24, 32, 4, 0.25))
        points = study_resolution(split.train, pairs, (24, 32), steps=2, width=0.125)
        assert points == ((24, 32, 2, 0.125), (32, 32, 2, 0.125))

    def test_limit_images(self, split):
        assert len(limit_images(split.train, 17).images) == 16
        assert len(limit_images(split.train, 1).people) == 2, "a pair needs two people"

    def test_people_with_one_image_are_refused(self, tmp_path):
        write_people(tmp_path, people=3, images=1, seed=0)
        with pytest.raises(InputError, match="fewer than two people"):
            limit_images(open_collection(tmp_path), 3)


class TestSetting:
    def test_doubling_by_hand(self):
        """From 64 by twos; 512 * 2 * 1.4 is above 913, 64 * 2 * 1.4 is above 130."""
        assert doubling(64, 913) == (64, 128, 256, 512, 913)
        assert doubling(64, 130) == (64, 130)
        assert doubling(8, 8) == (8,)

    def test_is_fitted_to_the_people(self, split):
        fitted = replace(TINY, people=64, people_counts=()).fitted(split.train)
        assert (fitted.people, fitted.people_counts) == (8, (8,))
        assert TINY.fitted(split.train) == TINY
        with pytest.raises(InputError, match="four training people with 9 images"):
            replace(TINY, images_each=(2, 9)).fitted(split.train)

    def test_is_restored_from_plain_values(self):
        values = json.loads(json.dumps(asdict(TINY)))
        assert StudySetting.from_dict(values) == TINY

    def test_the_quick_profile_s_sizes(self):
        quick = get_profile("quick")
        setting = StudySetting.from_profile(quick)
        assert (setting.size, setting.steps) == (quick.compact_size, quick.chart_steps)

    def test_a_larger_part_contains_the_smaller_one(self, split):
        two, three = (same_images_each(split.train, count, 5) for count in (2, 3))
        for one, other in zip(two.people, three.people, strict=True):
            assert len(one.images) == 2 and set(one.images) < set(other.images)
        few, more = (people_sample(split.train, count, 5) for count in (3, 5))
        assert len(few) == 3 and set(few.names) < set(more.names)

    def test_the_seed_decides(self, split):
        def drawn(seed):
            return people_sample(same_images_each(split.train, 2, seed), 4, seed)

        assert drawn(1).images == drawn(1).images != drawn(2).images

    def test_too_many_are_refused(self, split):
        with pytest.raises(InputError, match=r"Nobody in .* has 5 images"):
            same_images_each(split.train, 5, 0)
        with pytest.raises(InputError, match="9 people are wanted, 8 "):
            people_sample(split.train, 9, 0)


class TestObjectives:
    def test_names_and_titles_differ(self):
        assert len({one.name for one in OBJECTIVES}) == len(OBJECTIVES) == 8
        assert len({one.title for one in OBJECTIVES}) == len(OBJECTIVES)
        with pytest.raises(InputError, match="named 'hinge'; choose one of bce_pairs"):
            find_objective("hinge")

    @pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
    def test_every_loss_fits_its_head(self, objective):
        """A batch of three people goes through head and loss; a loss for each image comes out."""
        embedding = build_embedding("compact", (16, 16, 3), 0.125)
        model = with_head(embedding, objective, 3)
        if objective.loss is None:
            assert model is embedding and objective.name == RECIPE
            return
        images = np.random.default_rng(0).random((6, 16, 16, 3)).astype("float32")
        value = np.asarray(objective.loss().call(np.repeat([0, 1, 2], 2), model(images)))
        assert value.shape == (6,) and np.isfinite(value).all() and value.max() > 0
        shared = {weight.path for weight in embedding.trainable_weights}
        assert shared <= {weight.path for weight in model.trainable_weights}


class TestQuality:
    def test_a_loss_with_a_head_trains_the_embedding_and_is_measured(self, split, pairs):
        run = train_and_measure("bce_all_pairs", split.train, pairs, pairs, TINY)
        assert (run.people, run.images, run.steps, run.images_each) == (8, 32, 2, 4.0)
        assert run.auc_low <= run.auc <= run.auc_high
        assert run.accuracy_low <= run.accuracy <= run.accuracy_high
        # The threshold comes from these very pairs: half the errors are of each kind.
        assert run.accuracy == pytest.approx(1 - run.eer, abs=1 / 32)

    def test_pairs_of_one_kind_are_refused(self, split, pairs):
        with pytest.raises(InputError):
            genuine = pairs.subset(pairs.labels == 1)
            rates_with_intervals(genuine, np.full(len(genuine), 0.5), 0.5, ("accuracy", "auc"))


def made_up(loss, train, validation, test, setting, seed=0) -> StudyRun:
    """Stands in for a training: its arguments, and made-up rates."""
    several = train.with_at_least(2)
    measured = dict.fromkeys(StudyRun.__dataclass_fields__, 0.5)
    asked = {"loss": loss, "seed": seed, "people": len(several), "images": len(several.images)}
    return StudyRun(**{**measured, **asked, "steps": setting.steps})


class TestStudies:
    @pytest.fixture(autouse=True)
    def no_training(self, monkeypatch):
        monkeypatch.setattr("siamlab.study.loss_comparison.train_and_measure", made_up)

    def test_losses_differ_in_the_loss_alone(self, split, pairs):
        setting = replace(TINY, seeds=(0, 1), losses=("triplet", "contrastive"))
        runs = study_losses(split.train, pairs, pairs, setting)
        assert [(run.loss, run.seed) for run in runs] == [
            ("triplet", 0), ("contrastive", 0), ("triplet", 1), ("contrastive", 1),
        ]  # fmt: skip
        assert {(run.people, run.images, run.steps) for run in runs} == {(8, 32, 2)}

    def test_people_have_two_images_each_and_equal_steps(self, split, pairs):
        runs = study_people(split.train, pairs, pairs, TINY)
        assert [(run.people, run.images, run.steps) for run in runs] == [(4, 8, 2), (8, 16, 2)]

    def test_images_are_of_the_same_people(self, split, pairs):
        runs = study_images_each(split.train, pairs, pairs, TINY)
        assert [(run.people, run.images, run.steps) for run in runs] == [(8, 16, 2), (8, 32, 2)]

    def test_a_known_run_is_not_trained_again(self, split, pairs, monkeypatch):
        setting = replace(TINY, losses=(RECIPE, "triplet"))
        known = [
            *study_losses(split.train, pairs, pairs, setting),
            *study_people(split.train, pairs, pairs, TINY),
        ]
        monkeypatch.delattr("siamlab.study.loss_comparison.train_and_measure")
        runs = study_images_each(split.train, pairs, pairs, TINY, known=known)
        assert [run is known[place] for run, place in zip(runs, (3, 0), strict=True)] == [True] * 2

    def test_runs_of_another_seed_or_loss_are_not_taken(self, split, pairs):
        known = study_images_each(split.train, pairs, pairs, TINY)
        for other in (replace(TINY, seeds=(7,)), replace(TINY, loss="triplet")):
            runs = study_images_each(split.train, pairs, pairs, other, known=known)
            assert not {id(run) for run in runs} & {id(run) for run in known}

    def test_studies_are_saved_after_every_run(self, split, tmp_path):
        path, seen = tmp_path / "study.json", []
        everyone = Split(split.train, split.test, split.test)
        study = run_studies(
            everyone, TINY, "drawn", path, lambda part, run: seen.append((part, load_study(path)))
        )
        assert [part for part, _ in seen] == ["losses"] * 8 + ["people"] * 2 + ["images_each"] * 2
        assert len(seen[2][1].losses) == 3 and not seen[2][1].people
        assert load_study(path) == study
        assert (study.data, study.machine, study.setting) == ("drawn", machine_name(), TINY)

    def test_another_file_is_refused(self, tmp_path):
        path = tmp_path / "other.json"
        path.write_text("{}")
        with pytest.raises(InputError, match="no study"):
            load_study(path)
        path.write_text("half {")
        with pytest.raises(InputError, match="does not hold JSON"):
            load_study(path)


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[2] / "benchmarks" / "study.py"
    return SimpleNamespace(**runpy.run_path(str(path)))


class TestBenchmark:
    def test_lfw_s_setting_and_the_quick_profile_s(self, script):
        given = script.arguments(["--lfw", "lfw", "--steps", "7", "--seeds", "3", "4"])
        setting = script.chosen_setting(given)
        assert (setting.size, setting.width, setting.steps) == (48, 0.5, 7)
        assert setting.seeds == (3, 4) and setting.images_each == (2, 3, 5, 8)
        quick = StudySetting.from_profile(get_profile("quick"))
        assert script.chosen_setting(script.arguments([])) == quick

    def test_a_row_holds_the_run(self, script, split):
        row = script.row(made_up("triplet", split.train, None, None, TINY))
        assert row["loss"] == "triplet" and row["95 %"] == "0.500 to 0.500"
