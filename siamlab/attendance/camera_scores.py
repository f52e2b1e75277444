"""The scores that the register kept, to look at how they change since enrollment.

Only tries that were accepted are registered: a fall is seen until it reaches the threshold, and
what lies below is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from siamlab.attendance.records import CAMERA
from siamlab.attendance.register import Register
from siamlab.errors import ModelError, NotEnrolledError


@dataclass(frozen=True)
class CameraScores:
    """Accepted tries, as :func:`siamlab.assessment.drift.measure_drift` takes them.

    Attributes:
        people: a name for each try.
        times: in seconds.
        scores: in [0, 1].
    """

    people: tuple[str, ...]
    times: tuple[float, ...]
    scores: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.people)


def read_camera_scores(register: Register, model_id: str) -> CameraScores:
    """The scores of people who are enrolled, since their last enrollment, of one model.

    Args:
        register: notes scores only where the operator allowed it.
        model_id: scores of other models mean something else.
    """
    found, since = [], _enrolled(register, model_id)
    for entry in register.entries():
        if entry.source != CAMERA or entry.score is None or entry.model != model_id:
            continue
        time = datetime.fromisoformat(entry.time).timestamp()
        if entry.person in since and time >= since[entry.person]:
            found.append((entry.person, time, entry.score))
    columns = tuple(zip(*found, strict=True)) if found else ((), (), ())
    return CameraScores(*columns)


def _enrolled(register: Register, model_id: str) -> dict[str, float]:
    """When each person was last enrolled with this model; to the second, as entries are."""
    found = {}
    for person in register.gallery.people():
        try:
            enrolled = register.gallery.get(person, model_id).enrolled
        except (ModelError, NotEnrolledError):
            continue
        found[person] = float(int(datetime.fromisoformat(enrolled).timestamp()))
    return found
