"""Calibrate a model's threshold on people it has not seen: the user's own, and strangers.

The model's metadata gets the :class:`~siamlab.evaluation.calibration.Calibration`; the
:class:`PeopleCalibration` shows the errors of each group of people and what the pairs cannot show.
"""

from siamlab.evaluation.own_people.messages import one_in
from siamlab.evaluation.own_people.pair_groups import (
    GROUPS,
    MOST_PAIRS,
    draw_groups,
    fair_genuine,
    spread_pairs,
)
from siamlab.evaluation.own_people.people_calibration import PeopleCalibration, calibrate_people
from siamlab.evaluation.own_people.selection import find_strangers, open_own_people, unseen_people

__all__ = [
    "GROUPS",
    "MOST_PAIRS",
    "PeopleCalibration",
    "calibrate_people",
    "draw_groups",
    "fair_genuine",
    "find_strangers",
    "one_in",
    "open_own_people",
    "spread_pairs",
    "unseen_people",
]
