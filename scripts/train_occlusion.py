"""Make the weights that see covered eyes and mouths: python scripts/train_occlusion.py --lfw PATH

Takes LFW's training people (those of the packaged weights) and drawn people, draws covers of many
shapes, colors and textures over eyes or mouths, looks for the faces again, and fits two logistic
regressions. Prints what share of other people's faces they take for covered.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.linear_model import LogisticRegression

from siamlab.assessment.covers import to_pixels
from siamlab.data.collections import open_collection
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.splits import split_by_name
from siamlab.data.synthetic import write_people
from siamlab.errors import FaceError
from siamlab.faces.align import align_face, find_chip
from siamlab.faces.crop import find_face
from siamlab.faces.detectors import FaceBox, FaceDetector, open_detector
from siamlab.faces.landmarks import find_landmarks
from siamlab.faces.occlusion import LOWER, UPPER, WEIGHTS, describe_face
from siamlab.images.decode import ImageFile, read_image
from siamlab.system.files import whole_file
from siamlab.system.opencv import import_cv2

EYES, LEFT, RIGHT = 0.308, 0.309, 0.675  # where an aligned face has its eyes
STRENGTH = 0.03  # inverse of the penalty; 0.003 and 0.3 part the validation people worse
Polygons = list[list[tuple[float, float]]]


def oval(x: float, y: float, width: float, height: float, corners: float = 2) -> list:
    """A superellipse: 2 is an ellipse, more corners make it a rounded box."""
    turns = np.linspace(0, 2 * np.pi, 24)
    across, down = (np.sign(f(turns)) * np.abs(f(turns)) ** (2 / corners) for f in (np.cos, np.sin))
    return [(x + width * a, y + height * d) for a, d in zip(across, down, strict=True)]


def over_eyes(rng: np.random.Generator) -> Polygons:
    """A bar, two lenses, a crooked bar, or a hat."""
    kind, high = rng.integers(5), rng.uniform(0.09, 0.2)
    if kind == 0:
        return [[(-0.1, EYES - high), (1.1, EYES - high), (1.1, EYES + high), (-0.1, EYES + high)]]
    if kind <= 2:
        width, height = rng.uniform(0.12, 0.2), rng.uniform(0.08, 0.17)
        corners, aside = rng.choice([2, 3, 4]), rng.uniform(-0.02, 0.02)
        down = EYES + rng.uniform(-0.01, 0.04)
        lenses = [oval(x + aside, down, width, height, corners) for x in (LEFT, RIGHT)]
        bridge = rng.uniform(0.01, 0.03)
        return [*lenses, [(0.3, EYES - bridge), (0.7, EYES - bridge), (0.7, EYES + bridge)]]
    if kind == 3:
        tilt = rng.uniform(-0.06, 0.06)
        top, bottom = EYES - high, EYES + high
        return [[(0.08, top - tilt), (0.92, top + tilt), (0.95, bottom + tilt), (0, bottom - tilt)]]
    return [[(-0.2, -0.3), (1.2, -0.3), (1.2, EYES + high), (-0.2, EYES + high)]]


def over_mouth(rng: np.random.Generator) -> Polygons:
    """A scarf, a mask, or a hand."""
    kind, top = rng.integers(3), rng.uniform(0.42, 0.68)
    if kind == 0:
        return [[(-0.1, top), (1.1, top), (1.1, 1.3), (-0.1, 1.3)]]
    if kind == 1:
        upper = [(0.0, top + 0.1), (0.48, top - 0.05), (1.0, top + 0.1)]
        return [[*upper, (0.9, 1.0), (0.5, 1.15), (0.1, 1.0)]]
    return [oval(0.48, 0.8, rng.uniform(0.3, 0.5), rng.uniform(0.2, 0.32))]


def texture(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Something to cover with: plain, noisy, shaded, or a blurred part of the photograph."""
    cv2 = import_cv2()
    height, width = image.shape[:2]
    kind = rng.integers(4)
    color = np.full(3, rng.integers(0, 80)) if rng.random() < 0.4 else rng.integers(0, 256, 3)
    if kind == 3:
        part = image[rng.integers(height // 2) :, rng.integers(width // 2) :]
        blurred = cv2.GaussianBlur(part, (0, 0), rng.uniform(1, 6))
        return np.asarray(cv2.resize(blurred, (width, height)), np.float64)
    plain = np.ones((height, width, 3)) * color
    if kind == 1:
        plain += rng.normal(0, rng.uniform(2, 15), plain.shape)
    if kind == 2:
        rows, columns = np.mgrid[:height, :width] / max(height, width)
        turn = rng.uniform(0, 2 * np.pi)
        plain += ((columns * np.cos(turn) + rows * np.sin(turn)) * rng.uniform(-80, 80))[..., None]
    return np.clip(plain, 0, 255)


def cover(
    image: np.ndarray, box: FaceBox, shapes: Polygons, rng: np.random.Generator
) -> np.ndarray:
    """Draw polygons in an aligned face's coordinates over the face in a photograph."""
    cv2 = import_cv2()
    mask = np.zeros(image.shape[:2], np.uint8)
    for shape in shapes:
        cv2.fillPoly(mask, [to_pixels(shape, box)], 255, cv2.LINE_AA)
    share = mask[..., None] / 255 * rng.choice([1, 1, 1, 0.93])
    return np.rint(image * (1 - share) + texture(image, rng) * share).astype(np.uint8)


def describe(
    paths: Sequence[ImageFile], detector: FaceDetector, seed: int
) -> dict[str, np.ndarray]:
    """Gradients of faces as they are, with covered eyes, and with a covered mouth."""
    rows: dict[str, list[np.ndarray]] = {"clean": [], "eyes": [], "mouth": []}
    drawings: dict[str, Callable[[np.random.Generator], Polygons]]
    drawings = {"eyes": over_eyes, "mouth": over_mouth}
    for number, path in enumerate(paths):
        image, rng = read_image(path), np.random.default_rng([seed, number])
        try:
            box = find_landmarks(image, find_face(image, detector, "center"))
        except FaceError:
            continue
        rows["clean"].append(describe_face(align_face(image, box)))
        for name, draw in drawings.items():
            covered = cover(image, box, draw(rng), rng)
            try:
                chip, _ = find_chip(covered, detector, "center")
            except FaceError:
                chip = align_face(covered, box)
            rows[name].append(describe_face(chip))
    return {name: np.array(found) for name, found in rows.items()}


def fit(parts: list[dict[str, np.ndarray]], name: str, blocks: slice) -> LogisticRegression:
    """One regression: this half of the face covered, or not."""
    other = {"eyes": "mouth", "mouth": "eyes"}[name]
    open_faces = np.concatenate([part[kind] for part in parts for kind in ("clean", other)])
    covered = np.concatenate([part[name] for part in parts])
    rows = np.concatenate([open_faces, covered])[:, blocks]
    labels = np.repeat([0, 1], [len(open_faces), len(covered)])
    return LogisticRegression(C=STRENGTH, max_iter=2000).fit(rows.reshape(len(rows), -1), labels)


def main() -> None:
    """Draw, fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", type=Path, required=True, help="archive or folder")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    options = parser.parse_args()
    people = split_by_name(open_collection(options.lfw, cache=options.cache), PRETRAINED_SPLIT)
    train = [person.images[-1] for person in people.train.people]
    np.random.default_rng(0).shuffle(train)
    judges = [person.images[-1] for person in people.validation.people]
    with TemporaryDirectory() as folder:
        drawn = open_collection(write_people(folder, people=300, images=1)).images
        seen, unseen = [], []
        for kind, count in (("yunet", 1600), ("mmod", 800)):
            detector = open_detector(kind)
            seen += [describe(train[:count], detector, 1), describe(drawn[:200], detector, 2)]
            unseen += [describe(judges, detector, 3), describe(drawn[200:], detector, 4)]
    arrays = {}
    for name, blocks in (("eyes", UPPER), ("mouth", LOWER)):
        model = fit(seen, name, blocks)
        for part, title in zip(unseen, ("yunet", "yunet drawn", "mmod", "mmod drawn"), strict=True):
            for kind in ("clean", name):
                logits = model.decision_function(part[kind][:, blocks].reshape(len(part[kind]), -1))
                spread = np.round(np.percentile(logits, [1, 5, 50, 95, 99, 99.8]), 2)
                print(f"{name} {title}, {kind}: 1, 5, 50, 95, 99, 99.8 % {spread}", flush=True)
        arrays[name] = model.coef_[0].astype(np.float16)
        arrays[f"{name}_bias"] = np.float32(model.intercept_[0])
    with whole_file(WEIGHTS) as file:
        np.savez(file, **arrays)


if __name__ == "__main__":
    main()
