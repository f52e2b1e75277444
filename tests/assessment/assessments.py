"""An assessment whose numbers were made up, for tests of what is done with them."""

from __future__ import annotations

from siamlab.assessment.by_condition import RATES, level_key
from siamlab.assessment.dated_report import Assessment
from siamlab.assessment.measured import Measured
from siamlab.assessment.perturbations import find_perturbation
from siamlab.evaluation import Interval

DARK = find_perturbation("dark")


def made_up(fnmr: float = 0.1, **changes) -> Assessment:
    """An assessment of one condition, with the FNMR given, 0.05 to each side."""
    keys = ["", level_key("dark"), *(level_key("dark", level) for level in DARK.levels)]
    one = Measured(fnmr, Interval(max(0, fnmr - 0.05), fnmr + 0.05), 20)
    values = {f"{key}{rate}": one for key in keys for rate in RATES}
    values |= {"auc": Measured(0.99, Interval(0.98, 1.0), 40), "eer": Measured(None)}
    given = {
        "date": "2026-11-27T09:30:00+01:00",
        "model": {
            "name": "pretrained", "arch": "resnet", "id": "abc", "alignment": "landmarks",
            "domain": "photographs",
        },
        "data": {
            "domain": "photographs", "pairs": 40, "genuine": 20, "impostor": 20, "people": 12,
            "images": 50, "digest": "d1", "detector": "mmod", "side": "second", "seed": 0,
        },
        "threshold": 0.9,
        "operating_point": "fmr_0.001",
        "values": values,
        "conditions": (DARK,),
        "notes": ("A note with <angles> & signs.",),
    }  # fmt: skip
    return Assessment(**{**given, **changes})
