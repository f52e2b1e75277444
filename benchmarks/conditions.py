"""What hard conditions and alignment change: python benchmarks/conditions.py --lfw PATH

Pairs of LFW's test people, on whom nothing was trained. The first photograph of each pair stays as
it is, like one that was enrolled; the second is changed before its face is looked for, in the ways
of ``siamlab assess`` (:mod:`siamlab.assessment.perturbations`), one strength of each. The same
pairs are judged under each condition; those of "turned" are other ones, whose heads look in the
most different directions. Each model is used with aligned faces, ``pretrained`` also with faces
that are only cut out, as siamlab 0.2 did. Writes conditions.json beside this script.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.assessment.perturbations import Perturbation, find_perturbation
from siamlab.data.collections import Collection, open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.data.pipeline import to_float
from siamlab.data.splits import split_by_name
from siamlab.errors import NoFaceError
from siamlab.evaluation import evaluate_pairs
from siamlab.faces.align import find_chip
from siamlab.faces.crop import Preprocessing, preprocess
from siamlab.faces.detectors import (
    CHIP_SCALE,
    FaceDetector,
    Landmarks,
    guide_box,
    open_detector,
)
from siamlab.images.decode import read_image
from siamlab.models.saving import load_model
from siamlab.models.siamese import Siamese
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name

STRICT = "fmr_0.001"  # the operating point of verification
CANDIDATES = 4  # times as many pairs are looked at for those that differ most in direction


@dataclass(frozen=True)
class Condition:
    """One change of the second photograph.

    Attributes:
        perturbation: what happens to it; ``None`` for nothing.
        level: how strongly.
        name: of photographs that stay as they are.
    """

    perturbation: Perturbation | None = None
    level: float = 0.0
    name: str = "as it is"

    @property
    def title(self) -> str:
        """In words."""
        kind = self.perturbation
        return self.name if kind is None else f"{kind.title.lower()}, {kind.label(self.level)}"

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """From uint8 RGB ``(H, W, 3)`` of LFW's geometry to uint8 RGB."""
        if self.perturbation is None:
            return image
        return self.perturbation.apply(image, guide_box(image.shape), self.level, rng)


LEVELS = (
    ("side_light", 6), ("dark", 4), ("blur", 2), ("blur", 4), ("small", 40), ("roll", 20),
    ("jpeg", 20),
)  # fmt: skip
CONDITIONS = (
    Condition(),
    *(Condition(find_perturbation(name), level) for name, level in LEVELS),
)
TURNED = Condition(name="heads turned most differently")


@dataclass(frozen=True)
class System:
    """A model and how its faces are cut.

    Attributes:
        name: in the file.
        model: embeds and scores.
        preprocessing: the model's own, or with another alignment.
    """

    name: str
    model: Siamese
    preprocessing: Preprocessing


def systems_of(names: Sequence[str]) -> list[System]:
    """Each model with aligned faces, the first also with faces cut out by their box."""
    loaded = [load_model(name) for name in names]
    found = [
        System(Path(name).stem, model, model.metadata.preprocessing)
        for name, model in zip(names, loaded, strict=True)
    ]
    # Of a chip that was cut by its box, the box shows what the center of an aligned chip does.
    by_box = replace(found[0].preprocessing, alignment="box", fraction=1 / CHIP_SCALE)
    return [*found, System(f"{found[0].name}, not aligned", loaded[0], by_box)]


def read_face(
    image: np.ndarray, detector: FaceDetector, preprocessing: Preprocessing
) -> np.ndarray | None:
    """The model's input, uint8; ``None`` where no face is found."""
    try:
        chip, _ = find_chip(image, detector, "center", preprocessing.alignment)
    except NoFaceError:
        return None
    return preprocess(chip, preprocessing)


def embed_all(system: System, images: Sequence[np.ndarray], detector: FaceDetector) -> np.ndarray:
    """Embeddings ``(N, D)``, with rows of NaN where no face is found."""
    faces = [read_face(image, detector, system.preprocessing) for image in images]
    found = np.array([face is not None for face in faces])
    rows = np.full((len(images), system.model.embedding.output_shape[-1]), np.nan, np.float32)
    if found.any():
        inputs = np.stack([face for face in faces if face is not None])
        rows[found] = system.model.embed(to_float(inputs))
    return rows


def judge(system: System, first: np.ndarray, second: np.ndarray, pairs: PairSet) -> dict[str, Any]:
    """Rates at both operating points; a pair without a face counts as "no"."""
    missing = np.isnan(second).any(axis=1)
    judged = ~(missing | np.isnan(first).any(axis=1))
    scores = np.zeros(len(pairs), np.float32)
    if judged.any():
        scores[judged] = system.model.score_pairs(first[judged], second[judged])
    balanced, strict = (
        evaluate_pairs(pairs, scores, system.model.metadata.choose_threshold(None, point)[0])
        for point in ("balanced", STRICT)
    )
    rates = {
        "auc": (balanced, "auc"),
        "accuracy": (balanced, "accuracy"),
        "fmr_strict": (strict, "fmr"),
        "fnmr_strict": (strict, "fnmr"),
    }
    return {
        "model": system.name,
        "no_face": int(missing.sum()),
        **{title: getattr(result, name) for title, (result, name) in rates.items()},
        "intervals": {
            title: None if result.intervals[name] is None else list(result.intervals[name])
            for title, (result, name) in rates.items()
        },
    }


def turn(landmarks: Landmarks) -> float:
    """How far a head looks to a side: the nose from the middle of the eyes, in eye distances.

    Along the line through the eyes, so that a tilted head is not taken for a turned one.
    """
    points = np.array(landmarks.points)
    if landmarks.kind == "dlib":  # two corners of each eye, the right one in the image first
        right, left, nose = points[:2].mean(axis=0), points[2:4].mean(axis=0), points[4]
    else:
        left, right, nose = points[0], points[1], points[2]
    between = right - left
    return float((nose - (left + right) / 2) @ between / (between @ between))


def turned_pairs(
    test: Collection, count: int, detector: FaceDetector, seed: int
) -> tuple[PairSet, float]:
    """Pairs whose heads are turned most differently, and the median difference of :func:`turn`."""
    drawn = draw_pairs(test, CANDIDATES * count, seed)
    known: dict[Path, float] = {}
    for path in drawn.images:
        try:
            _, box = find_chip(read_image(path), detector, "center")
        except NoFaceError:
            continue
        assert box.landmarks is not None
        known[path] = turn(box.landmarks)
    differences = np.array(
        [
            abs(known.get(one, np.nan) - known.get(other, np.nan))
            for one, other in zip(drawn.first, drawn.second, strict=True)
        ]
    )
    chosen = most_different(drawn.labels, differences, count)
    return drawn.subset(chosen), float(np.median(differences[chosen]))


def most_different(labels: np.ndarray, differences: np.ndarray, count: int) -> np.ndarray:
    """Rows with the largest differences, half genuine and half impostor; unknown ones never."""
    order = np.argsort(-np.nan_to_num(differences, nan=-1.0), kind="stable")
    order = order[~np.isnan(differences[order])]
    halves = [order[labels[order] == kind][: count // 2] for kind in (1, 0)]
    return np.sort(np.concatenate(halves))


def measure_pairs(
    systems: Sequence[System],
    pairs: PairSet,
    conditions: Sequence[Condition],
    detector: FaceDetector,
    seed: int,
) -> list[dict[str, Any]]:
    """A row for each condition and system."""
    enrolled = [read_image(path) for path in pairs.first]
    first = [embed_all(system, enrolled, detector) for system in systems]
    probes = [read_image(path) for path in pairs.second]
    rows = []
    for condition in conditions:
        rng = np.random.default_rng(seed)
        changed = [condition.change(image, rng) for image in probes]
        for system, templates in zip(systems, first, strict=True):
            row = judge(system, templates, embed_all(system, changed, detector), pairs)
            rows.append({"condition": condition.title, **row})
            print(
                f"{condition.title:34} {system.name:24} AUC {row['auc']:.4f}  accuracy "
                f"{row['accuracy']:.3f}  {STRICT}: FMR {row['fmr_strict']:.3f}, FNMR "
                f"{row['fnmr_strict']:.3f}  no face {row['no_face']}",
                flush=True,
            )
    return rows


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--lfw", type=Path, required=True, help="an archive or a folder")
    parser.add_argument("--models", nargs="+", default=["pretrained", "compact"])
    parser.add_argument("--count", type=int, default=500, help="pairs (default: 500)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    options = arguments(given)
    collection = open_collection(options.lfw, cache=options.cache)
    test = split_by_name(collection, PRETRAINED_SPLIT).test
    detector = open_detector()
    systems = systems_of(options.models)
    pairs = draw_pairs(test, options.count, options.seed)
    rows = measure_pairs(systems, pairs, CONDITIONS, detector, options.seed)
    others, difference = turned_pairs(test, options.count, detector, options.seed)
    rows += measure_pairs(systems, others, [TURNED], detector, options.seed)
    found = {
        "machine": machine_name(),
        "detector": detector.name,
        "pairs": len(pairs),
        "people": len(pairs.people),
        "turned_pairs": len(others),
        "turned_difference": round(difference, 3),
        "seed": options.seed,
        "rows": rows,
    }
    write_text(options.out, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
