"""A model assessed on LFW's test people: python benchmarks/assessment.py --lfw PATH

What ``siamlab assess MODEL --images PATH --pairs FILE`` measures, on pairs of people on whom
nothing was trained and no threshold chosen. Writes assessment.json beside this script (with
YuNet's file, named in SIAMLAB_YUNET, give another ``--out``), and the page where ``--page`` says.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from siamlab.assessment.assessing import assess
from siamlab.assessment.assessment_page import render_page
from siamlab.data.collections import open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pairs import draw_pairs
from siamlab.data.splits import split_by_name
from siamlab.models.saving import load_model
from siamlab.system.files import write_text


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--lfw", type=Path, required=True, help="an archive or a folder")
    parser.add_argument("--model", default="pretrained")
    parser.add_argument("--count", type=int, default=400, help="pairs (default: 400)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--page", type=Path, help="write the page here too")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    options = arguments(given)
    collection = open_collection(options.lfw, cache=options.cache)
    test = split_by_name(collection, PRETRAINED_SPLIT).test
    pairs = draw_pairs(test, options.count, options.seed)
    found = assess(
        load_model(options.model), test, pairs, options.model,
        progress=lambda done, whole: print(f"{done} of {whole}", flush=True),
    )  # fmt: skip
    command = (
        f"python benchmarks/assessment.py --lfw LFW --model {options.model} --count "
        f"{options.count} --seed {options.seed}"
    )
    write_text(options.out, json.dumps({"command": command, **found.to_dict()}, indent=1) + "\n")
    if options.page is not None:
        write_text(options.page, render_page(found))
    for name, one in found.values.items():
        print(f"{name:24} {one}")


if __name__ == "__main__":
    main()
