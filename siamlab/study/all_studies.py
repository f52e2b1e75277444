"""All studies of one collection, saved in a JSON file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from siamlab.data.splits import Split
from siamlab.errors import InputError
from siamlab.evaluation.own_people import spread_pairs
from siamlab.study.data_size import study_images_each, study_people
from siamlab.study.loss_comparison import StudyRun, study_losses
from siamlab.study.setting import StudySetting
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name

PARTS = {"losses": study_losses, "people": study_people, "images_each": study_images_each}
VALIDATION_SEED, TEST_SEED = 1, 2


@dataclass(frozen=True)
class Study:
    """The runs of all studies.

    Attributes:
        data: the collection in words.
        machine: processor and cores.
        setting: what all runs share.
        losses: runs that differ in the loss.
        people: runs that differ in the number of training people.
        images_each: runs that differ in the images of each training person.
    """

    data: str
    machine: str
    setting: StudySetting
    losses: tuple[StudyRun, ...] = ()
    people: tuple[StudyRun, ...] = ()
    images_each: tuple[StudyRun, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Study:
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: these are no values of a study.
        """
        try:
            runs = {part: tuple(StudyRun(**run) for run in values[part]) for part in PARTS}
            setting = StudySetting.from_dict(values["setting"])
            return cls(values["data"], values["machine"], setting, **runs)
        except (KeyError, TypeError) as error:
            raise InputError(f"These values are no study ({error}). Run it again.") from None


def load_study(path: Path) -> Study:
    """Read the file that :func:`run_studies` wrote.

    Raises:
        InputError: the file holds something else.
    """
    try:
        values = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is no study: it does not hold JSON ({error}).") from None
    return Study.from_dict(values)


def run_studies(
    split: Split,
    setting: StudySetting,
    data: str = "",
    path: Path | None = None,
    on_run: Callable[[str, StudyRun], None] = lambda part, run: None,
) -> Study:
    """Run all studies one after the other.

    Args:
        split: training, validation and test people.
        setting: sizes and steps; adapted to the training people by ``fitted``.
        data: the collection in words.
        path: the file, written after every run, so that nothing is lost when time is up.
        on_run: called with the study's name and each finished run.

    Raises:
        InputError: there are too few people or images.
    """
    setting = setting.fitted(split.train)
    study = Study(data or str(split.train.root.name), machine_name(), setting)
    validation = spread_pairs(split.validation, setting.pairs, VALIDATION_SEED)
    test = spread_pairs(split.test, setting.pairs, TEST_SEED)
    for part, run_part in PARTS.items():

        def keep(run: StudyRun, part: str = part) -> None:
            nonlocal study
            longer: dict[str, Any] = {part: (*getattr(study, part), run)}
            study = replace(study, **longer)
            if path is not None:
                write_text(path, json.dumps(study.to_dict(), indent=1) + "\n")
            on_run(part, run)

        run_part(split.train, validation, test, setting, keep)
    return study
