"""What the refusal of poor faces gives and costs: python benchmarks/quality.py --lfw PATH

One photograph of each of LFW's validation people, as it is and spoiled, all alike: dark, burnt,
blurred, covered, upside down. For each state: how many images show a face, how many of them are
refused and why, and what share of all pairs of different people would be verified at the default
operating point, without the refusals and with them. Writes quality.json beside this script.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from siamlab.assessment.covers import cover_eyes, cover_mouth
from siamlab.data.collections import open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.splits import split_by_name
from siamlab.errors import FaceError
from siamlab.faces.align import find_chip
from siamlab.faces.detectors import FaceBox, FaceDetector, open_detector
from siamlab.faces.quality import find_flaws
from siamlab.images.decode import read_image
from siamlab.models.embedder import FaceEmbedder
from siamlab.models.opening import open_embedder
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.system.opencv import import_cv2
from siamlab.verification.probe import model_inputs

Spoil = Callable[[np.ndarray, FaceBox, np.random.Generator], np.ndarray]


def gain(factor: float, noise: float = 0.0) -> Spoil:
    """More or less light, and a camera's noise."""

    def spoil(image: np.ndarray, box: FaceBox, rng: np.random.Generator) -> np.ndarray:
        values = image.astype(np.float64) * factor + rng.normal(0, noise, image.shape)
        return np.clip(values, 0, 255).astype(np.uint8)

    return spoil


def blur(sigma: float) -> Spoil:
    """A Gaussian blur of so many pixels; LFW's faces are about 110 wide."""
    return lambda image, box, rng: np.asarray(import_cv2().GaussianBlur(image, (0, 0), sigma))


STATES: dict[str, Spoil] = {
    "clean": lambda image, box, rng: image,
    "a quarter of the light": gain(0.25),
    "a tenth of the light, noise of 2": gain(0.1, 2),
    "three times the light": gain(3),
    "blurred by 3 pixels": blur(3),
    "blurred by 4 pixels": blur(4),
    "blurred by 6 pixels": blur(6),
    "eyes covered, 20 %": lambda image, box, rng: cover_eyes(image, box, 20, rng),
    "eyes covered, 30 %": lambda image, box, rng: cover_eyes(image, box, 30, rng),
    "mouth covered, 45 %": lambda image, box, rng: cover_mouth(image, box, 45, rng),
    "mouth covered, 60 %": lambda image, box, rng: cover_mouth(image, box, 60, rng),
    "on its side": lambda image, box, rng: np.ascontiguousarray(np.rot90(image)),
    "upside down": lambda image, box, rng: np.ascontiguousarray(image[::-1, ::-1]),
}


def measure(
    model: FaceEmbedder, images: list[np.ndarray], detector: FaceDetector, spoil: Spoil
) -> dict[str, object]:
    """One state: counts, and shares of all pairs."""
    chips, flaws = [], []
    for number, image in enumerate(images):
        try:
            _, box = find_chip(image, detector, "center")
            spoiled = spoil(image, box, np.random.default_rng(number))
            chip, _ = find_chip(spoiled, detector, "center")
        except FaceError:
            continue
        chips.append(chip)
        flaws.append(find_flaws(chip))
    threshold, _ = model.metadata.choose_threshold(None, "verification")
    rows = model.embed(model_inputs(chips, model.metadata.preprocessing)) if chips else np.zeros(0)
    usable = np.array([not one for one in flaws], bool)
    verified = accepted = 0
    for number, row in enumerate(rows[:-1]):
        match = model.score_pairs(row, rows[number + 1 :]) >= threshold
        verified += int(match.sum())
        accepted += int((match & usable[number] & usable[number + 1 :]).sum())
    pairs = len(images) * (len(images) - 1) / 2
    return {
        "images": len(images),
        "found": len(chips),
        "refused": int((~usable).sum()),
        "flaws": dict(Counter(name for one in flaws for name in one)),
        "verified_without_refusals": verified / pairs,
        "verified": accepted / pairs,
    }


def main() -> None:
    """Measure each state with each detector, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", type=Path, required=True, help="archive or folder")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--people", type=int, default=200)
    options = parser.parse_args()
    people = split_by_name(open_collection(options.lfw, cache=options.cache), PRETRAINED_SPLIT)
    images = [read_image(one.images[0]) for one in people.validation.people[: options.people]]
    model = open_embedder("pretrained")
    result: dict[str, object] = {"machine": machine_name(), "model": "pretrained"}
    for kind in ("yunet", "mmod"):
        detector = open_detector(kind)
        states = {}
        for name, spoil in STATES.items():
            states[name] = measure(model, images, detector, spoil)
            print(kind, name, states[name], flush=True)
        result[kind] = states
    write_text(Path(__file__).with_suffix(".json"), json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
