"""Measured studies: what a training gains from more pixels, images and people, or another loss.

Comes in: people to train on, pairs of other people. Goes out: frozen results, one for each
training run, and the JSON files they are kept in. :mod:`siamlab.studies.size` measures time
and quality against the size of the input; :mod:`siamlab.studies.quality` compares losses, and
numbers of people and of images of each, all runs of a study at the same number of steps.
"""

from siamlab.studies.measure import cosine_scores, machine_name
from siamlab.studies.objectives import (
    OBJECTIVES,
    RECIPE,
    Objective,
    find_objective,
    with_head,
)
from siamlab.studies.quality import (
    StudyRun,
    study_images_each,
    study_losses,
    study_people,
    train_and_measure,
)
from siamlab.studies.record import Study, load_study, run_studies, save_study
from siamlab.studies.setting import StudySetting, doubling, people_sample, same_images_each
from siamlab.studies.size import (
    StudyPoint,
    load_points,
    save_points,
    study_images,
    study_point,
    study_resolution,
    with_images,
)

__all__ = [
    "OBJECTIVES",
    "RECIPE",
    "Objective",
    "Study",
    "StudyPoint",
    "StudyRun",
    "StudySetting",
    "cosine_scores",
    "doubling",
    "find_objective",
    "load_points",
    "load_study",
    "machine_name",
    "people_sample",
    "run_studies",
    "same_images_each",
    "save_points",
    "save_study",
    "study_images",
    "study_images_each",
    "study_losses",
    "study_people",
    "study_point",
    "study_resolution",
    "train_and_measure",
    "with_head",
    "with_images",
]
