"""A model's threshold, set on people it has not seen: the user's own, and strangers beside them.

Input: a model, the user's people, and LFW strangers where there are any. Output: the
:class:`~siamlab.evaluation.calibration.Calibration` in the model's metadata, and :class:`PeopleCalibration`,
which says what the threshold will cost the user and what it cannot promise.
"""

from siamlab.evaluation.own_people.messages import one_in
from siamlab.evaluation.own_people.pair_groups import (
    GROUPS,
    MOST_PAIRS,
    draw_groups,
    fair_genuine,
    spread_pairs,
)
from siamlab.evaluation.own_people.selection import find_strangers, open_own_people, unseen_people
from siamlab.evaluation.own_people.threshold import (
    PeopleCalibration,
    calibrate_model,
    calibrate_people,
)

__all__ = [
    "GROUPS",
    "MOST_PAIRS",
    "PeopleCalibration",
    "calibrate_model",
    "calibrate_people",
    "draw_groups",
    "fair_genuine",
    "find_strangers",
    "one_in",
    "open_own_people",
    "spread_pairs",
    "unseen_people",
]
