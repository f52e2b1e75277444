"""Calibration on the user's own people and strangers, with the errors of each group of them."""

from siamlab.evaluation.own_people.pair_groups import MOST_PAIRS, spread_pairs
from siamlab.evaluation.own_people.people_calibration import PeopleCalibration, calibrate_people
from siamlab.evaluation.own_people.selection import find_strangers, open_own_people, unseen_people

__all__ = [
    "MOST_PAIRS",
    "PeopleCalibration",
    "calibrate_people",
    "find_strangers",
    "open_own_people",
    "spread_pairs",
    "unseen_people",
]
