"""Several frames and adversarial fine-tuning against PGD: python benchmarks/hardening.py --lfw PATH

The packaged ``pretrained``, pairs of LFW's test people, changes of at most 4/255 at the network's
input. *Several frames*: the change made for one frame is laid on others of the same face, moved by
a pixel or more, as a door that aligns each frame anew would see them. *Fine-tuning*: head and last
block learn from pairs of validation people as they are and attacked; the attacker then attacks the
new network. A control learns as long from the same pairs unattacked. Thresholds are those of an
FMR of 0.001 on other validation people, chosen anew for each network. Writes hardening.json beside
this script.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from attacks import rate, turned, two_faces
from PIL import Image

import siamlab
from siamlab.assessment.attacks import attack_pairs, score_each
from siamlab.data.collections import Collection, open_collection
from siamlab.data.faces import load_faces
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pairs import PairSet, draw_pairs, join_pairs
from siamlab.data.pipeline import to_float
from siamlab.data.splits import split_by_name
from siamlab.evaluation.evaluate import calibrate, evaluate
from siamlab.faces.crop import Preprocessing
from siamlab.images.decode import read_image
from siamlab.models.siamese import Siamese
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.system.opencv import import_cv2
from siamlab.training.fit import fine_tune
from siamlab.training.settings import TrainingSettings

CHIP = Preprocessing(size=250)  # the network sees its middle 150 pixels as they are
SEEN = slice(50, 200)
EPSILON, SEED = 4 / 255, 0
FRAMES = 5
ROUNDS = 3  # each attacks the network that the last one left


def cut(people: Collection, folder: Path, most: int = 4) -> Collection:
    """The aligned faces of a few images of each person, as files."""
    paths = [path for person in people.people for path in person.images[:most]]
    faces = load_faces(paths, CHIP)
    for path, face, found in zip(paths, faces.images, faces.found, strict=True):
        if found:
            place = folder / Path(path).parent.name / f"{Path(path).stem}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(face).save(place)
    return open_collection(folder)


def faces_of(model: Siamese, paths: list[Path]) -> np.ndarray:
    return load_faces(paths, model.metadata.preprocessing).images


def limit_of(model: Siamese) -> float:
    return float(model.metadata.choose_threshold(None, "fmr_0.001")[0])


def moved(faces: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Each face, shifted by up to so many pixels across and down."""
    cv2 = import_cv2()
    result = np.empty_like(faces)
    for face, (x, y), place in zip(
        faces, rng.uniform(-pixels, pixels, (len(faces), 2)), result, strict=True
    ):
        matrix = np.float32([[1, 0, x], [0, 1, y]])
        cv2.warpAffine(face, matrix, face.shape[1::-1], place, borderMode=cv2.BORDER_REPLICATE)
    return result


def share(hits: np.ndarray) -> dict[str, object]:
    return rate(int(hits.sum()), hits.size)


def several_frames(model: Siamese, probes: np.ndarray, templates: np.ndarray) -> dict[str, object]:
    """Strangers accepted by one frame, by others, and by three of five."""
    limit, rng = limit_of(model), np.random.default_rng(SEED)
    found = attack_pairs(model, probes, templates, "pgd", EPSILON, limit, seed=SEED)
    tried = found.tried
    change = found.images.astype(int) - probes
    rows = {"the frame that the change was made for": turned(found)}
    for pixels in (0.5, 1.0, 3.0):
        accepted = np.stack([
            score_each(model, np.clip(moved(probes, pixels, rng) + change, 0, 255).astype(np.uint8),
                       templates) >= limit
            for _ in range(FRAMES)
        ])[:, tried]  # fmt: skip
        name = f"the same change, frames moved by up to {pixels:g} pixels"
        rows[f"{name}: frames"] = share(accepted)
        rows[f"{name}: three of five"] = share(accepted.sum(axis=0) >= 3)
    frames = [moved(probes, 1.0, rng) for _ in range(FRAMES)]
    each = np.stack(
        [
            attack_pairs(model, one, templates, "pgd", EPSILON, limit).after >= limit
            for one in frames
        ]
    )[:, tried]
    rows["a change made for each frame: three of five"] = share(each.sum(axis=0) >= 3)
    return rows


def attacked(model: Siamese, pairs: PairSet, folder: Path, limit: float) -> PairSet:
    """The pairs with their second image changed so that the verdict turns."""
    templates = model.embed(to_float(faces_of(model, list(pairs.first))))
    probes = faces_of(model, list(pairs.second))
    second = list(pairs.second)
    for label, goal in ((0, "impersonation"), (1, "dodging")):
        rows = np.flatnonzero(pairs.labels == label)
        found = attack_pairs(
            model, probes[rows], templates[rows], "pgd", EPSILON, limit, goal, seed=SEED
        )
        for row, image in zip(rows, found.images, strict=True):
            chip = read_image(pairs.second[row]).copy()
            chip[SEEN, SEEN] = image
            second[row] = folder / f"{row}.png"
            Image.fromarray(chip).save(second[row])
    return replace(pairs, second=tuple(second))


def harden(model: Siamese, pairs: PairSet, held_out: PairSet, folder: Path, attack: bool) -> None:
    """Fine-tune on the pairs, and on the pairs attacked or once more."""
    limit = limit_of(model)
    for number in range(ROUNDS):
        place = folder / f"{attack}_{number}"
        place.mkdir()
        more = attacked(model, pairs, place, limit) if attack else pairs
        settings = TrainingSettings(epochs=2, seed=SEED + number, verbose=0)
        fine_tune(model, join_pairs(pairs, more).shuffled(SEED + number), held_out, settings)


def judged(model: Siamese, test: Collection, pairs: PairSet, count: int) -> dict[str, object]:
    """What PGD turns, and what the network is worth on clean pairs."""
    limit = limit_of(model)
    first, second = two_faces(model, test, count)
    templates = model.embed(to_float(second))
    row: dict[str, object] = {"threshold": limit}
    for goal, against in (("impersonation", np.roll(templates, 1, axis=0)), ("dodging", templates)):
        for of_255 in (1, 2, 4):
            found = attack_pairs(model, first, against, "pgd", of_255 / 255, limit, goal, seed=SEED)
            row[f"{goal}, {of_255}/255"] = turned(found)
    clean = evaluate(model, test, pairs, aligned=True).to_dict()
    row["accuracy"], row["auc"] = clean["accuracy"], clean["auc"]
    row["tar_at_far_0.01"] = clean["tar_at_far"]["0.01"]
    row["intervals"] = {
        name: clean["intervals"][name] for name in ("accuracy", "auc", "tar_at_far_0.01")
    }
    return row


def main() -> None:
    """Cut faces, fine-tune two copies, attack all, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", type=Path, required=True, help="archive or folder")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--pairs", type=int, default=24, help="of test people, attacked")
    parser.add_argument("--learn", type=int, default=128, help="pairs to fine-tune on")
    options = parser.parse_args()
    split = split_by_name(open_collection(options.lfw, cache=options.cache), PRETRAINED_SPLIT)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = sorted(split.validation.names)
        parts = {
            "learn": split.validation.select(names[::2]),
            "calibrate": split.validation.select(names[1::2]),
            "test": split.test,
        }
        people = {name: cut(part, folder / name) for name, part in parts.items()}
        learn = draw_pairs(people["learn"], options.learn, SEED)
        held_out = draw_pairs(people["calibrate"], 64, SEED)
        pairs = draw_pairs(people["test"], 600, SEED)
        rows: dict[str, object] = {}
        for name, attack in (
            ("as packaged", None), ("fine-tuned on clean pairs", False),
            ("fine-tuned on clean and attacked pairs", True),
        ):  # fmt: skip
            model = siamlab.load_model("pretrained")
            seen = replace(model.metadata.preprocessing, alignment="none")
            model.with_metadata(preprocessing=seen)
            calibrate(model, people["calibrate"], fmr=0.001, seed=SEED)
            if attack is None:
                first, second = two_faces(model, people["test"], options.pairs)
                strangers = np.roll(model.embed(to_float(second)), 1, axis=0)
                frames = several_frames(model, first, strangers)
                print(frames, flush=True)
            else:
                harden(model, learn, held_out, folder, attack)
                calibrate(model, people["calibrate"], fmr=0.001, seed=SEED)
            rows[name] = judged(model, people["test"], pairs, options.pairs)
            print(name, rows[name], flush=True)
    values = {
        "machine": machine_name(), "people": "LFW's test people", "model": "pretrained",
        "epsilon_of_255": 4, "learned_pairs": len(learn), "rounds": ROUNDS,
        "frames": frames, "fine_tuning": rows,
    }  # fmt: skip
    write_text(Path(__file__).with_suffix(".json"), json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
