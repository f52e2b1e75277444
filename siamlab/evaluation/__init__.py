"""Metrics of verification: operating points, curves, thresholds, intervals, calibration.

Labels (1 genuine, 0 impostor) and scores (probabilities in [0, 1], higher = same person) are
arrays of shape ``(N,)``; :func:`score_pairs` computes the scores of pairs of image files with a
model. Results are frozen dataclasses.

The decision rule, here and everywhere in siamlab: a pair is a match when
``score >= threshold``. FMR is the share of impostor pairs that match, FNMR the share of
genuine pairs that do not (ISO/IEC 19795-1).
"""

from siamlab.evaluation.calibration import Calibration, calibrate_scores
from siamlab.evaluation.curves import (
    Curve,
    PrecisionRecall,
    Reliability,
    area_under_roc,
    brier_score,
    det,
    precision_recall,
    reliability,
    roc,
)
from siamlab.evaluation.group_rates import Confusion, GroupRate, group_rate, worst_confusion
from siamlab.evaluation.intervals import (
    STATISTICS,
    Interval,
    bootstrap_all,
    bootstrap_people,
    person_weights,
    quantiles,
    threshold_statistic,
)
from siamlab.evaluation.occlusion_map import OcclusionMap, map_occlusion
from siamlab.evaluation.own_people.selection import split_unseen
from siamlab.evaluation.pair_filter import filter_pairs
from siamlab.evaluation.quality_groups import quality_groups
from siamlab.evaluation.rates import (
    OperatingPoint,
    balanced_threshold,
    check_scores,
    equal_error,
    operating_point,
    threshold_at_fmr,
)
from siamlab.evaluation.report import (
    Evaluation,
    comparison_table,
    evaluate_pairs,
    evaluate_scores,
)
from siamlab.evaluation.scoring import (
    PredictionTable,
    describe_pairs,
    embed_pairs,
    prediction_table,
    score_pairs,
    worst_mistakes,
)

__all__ = [
    "STATISTICS",
    "Calibration",
    "Confusion",
    "Curve",
    "Evaluation",
    "GroupRate",
    "Interval",
    "OcclusionMap",
    "OperatingPoint",
    "PrecisionRecall",
    "PredictionTable",
    "Reliability",
    "area_under_roc",
    "balanced_threshold",
    "bootstrap_all",
    "bootstrap_people",
    "brier_score",
    "calibrate_scores",
    "check_scores",
    "comparison_table",
    "describe_pairs",
    "det",
    "embed_pairs",
    "equal_error",
    "evaluate_pairs",
    "evaluate_scores",
    "filter_pairs",
    "group_rate",
    "map_occlusion",
    "operating_point",
    "person_weights",
    "precision_recall",
    "prediction_table",
    "quality_groups",
    "quantiles",
    "reliability",
    "roc",
    "score_pairs",
    "split_unseen",
    "threshold_at_fmr",
    "threshold_statistic",
    "worst_confusion",
    "worst_mistakes",
]
