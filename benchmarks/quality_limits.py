"""Errors against refusals, for each measure: python benchmarks/quality_limits.py --lfw PATH

One photograph of each of some LFW validation people, each spoiled to a random degree (blur, little
light, much light, fog), all in the same way. For each limit that a measure of ``faces/quality.py``
could have: the share of clean faces that it refuses, and the share of all pairs of strangers, of
those it lets through, who are verified at the default operating point. That is the idea of the
error-versus-discard curve of ISO/IEC 29794-1. Writes quality_limits.json beside this script, and
the figure quality_limits.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from quality import blur, gain  # beside this script

from siamlab.data.collections import open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.splits import split_by_name
from siamlab.errors import FaceError
from siamlab.faces import quality
from siamlab.faces.align import find_chip
from siamlab.faces.detectors import open_detector
from siamlab.images.decode import read_image
from siamlab.models.opening import open_embedder
from siamlab.plotting import save_figure
from siamlab.plotting.limit_plots import plot_limits
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.verification.probe import model_inputs

FIGURES = Path(__file__).resolve().parents[1] / "figures" / "full"


def fog(share: float) -> Callable[..., np.ndarray]:
    """So much of an even gray over the image."""
    return lambda image, box, rng: (image * (1 - share) + 128 * share).astype(np.uint8)


@dataclass(frozen=True)
class Measure:
    """A measure of a face, the limit it has, and how images are spoiled for it.

    Attributes:
        limit: in ``faces/quality.py``.
        high: a face is refused at or above the limit; else below it.
        spoil: a random number in [0, 1] to a way to spoil an image.
        limits: what the limit could be.
    """

    limit: float
    high: bool
    spoil: Callable[[float], Callable[..., np.ndarray]]
    limits: np.ndarray


MEASURES = {
    "sharpness": Measure(quality.LOST, False, lambda u: blur(0.1 + 6 * u), np.linspace(0, 0.2, 41)),
    "brightness": Measure(
        quality.NIGHT, False, lambda u: gain(10 ** (-1.5 * u), 2), np.linspace(0, 0.3, 41)
    ),
    "burnt": Measure(quality.WHITE, True, lambda u: gain(1 + 5 * u), np.linspace(0.02, 1, 50)),
    "contrast": Measure(quality.EMPTY, False, lambda u: fog(0.98 * u), np.linspace(0, 0.12, 49)),
}


def main() -> None:
    """Spoil, measure, compare all, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", type=Path, required=True, help="archive or folder")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--people", type=int, default=400)
    options = parser.parse_args()
    people = split_by_name(open_collection(options.lfw, cache=options.cache), PRETRAINED_SPLIT)
    images = [read_image(one.images[0]) for one in people.validation.people[: options.people]]
    model, detector = open_embedder("pretrained"), open_detector()
    threshold, _ = model.metadata.choose_threshold(None, "verification")

    def look(image: np.ndarray, name: str) -> tuple[float, np.ndarray] | None:
        try:
            chip, _ = find_chip(image, detector, "center")
        except FaceError:
            return None
        inputs = model_inputs([chip], model.metadata.preprocessing)
        return getattr(quality.face_quality(chip), name), model.embed(inputs)[0]

    result = {"machine": machine_name(), "detector": detector.name, "people": len(images)}
    for name, measure in MEASURES.items():
        rng = np.random.default_rng(0)
        clean = [seen[0] for image in images if (seen := look(image, name))]
        spoiled = [measure.spoil(rng.random())(image, None, rng) for image in images]
        seen = [one for image in spoiled if (one := look(image, name))]
        values, rows = np.array([one[0] for one in seen]), np.stack([one[1] for one in seen])
        scores = np.stack([model.score_pairs(row, rows) for row in rows])
        result[name] = against_refusals(measure, np.array(clean), values, scores >= threshold)
        print(name, result[name], flush=True)
    write_text(Path(__file__).with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    save_figure(plot_limits({name: result[name] for name in MEASURES}), "quality_limits", FIGURES)


def against_refusals(
    measure: Measure, clean: np.ndarray, values: np.ndarray, match: np.ndarray
) -> dict[str, object]:
    """For each limit: shares refused of clean and of spoiled faces, and of pairs verified."""
    rows = []
    for limit in measure.limits:
        keep = values < limit if measure.high else values >= limit
        pairs = match[np.ix_(keep, keep)][np.triu_indices(int(keep.sum()), 1)]
        refused = clean >= limit if measure.high else clean < limit
        rows.append((refused.mean(), 1 - keep.mean(), pairs.mean() if len(pairs) else 0.0))
    columns = np.array(rows).T.tolist()
    names = ("clean_refused", "spoiled_refused", "verified")
    return {
        "chosen": measure.limit,
        "refused_above": measure.high,
        "limit": measure.limits.tolist(),
        **dict(zip(names, columns, strict=True)),
    }


if __name__ == "__main__":
    main()
