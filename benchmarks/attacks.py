"""Attacks on the verdict and on stolen templates: python benchmarks/attacks.py --lfw PATH

Pairs of LFW's test people, the packaged ``pretrained`` at its threshold for verification: FGSM, PGD
and the Square Attack, defenses and attackers who know them, linking of two galleries, and pictures
drawn from templates. Without --lfw drawn people take part, at a threshold chosen on other drawn
people. Writes attacks.json beside this script.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import siamlab
from siamlab.assessment.attack_defenses import DEFENSES
from siamlab.assessment.attacks import GOALS, Attacked, attack_pairs, score_each
from siamlab.assessment.measured import wilson
from siamlab.assessment.stolen_templates import PICTURE, draw_faces, link, train_inversion
from siamlab.data.collections import Collection, open_collection
from siamlab.data.faces import load_faces
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.data.pipeline import to_float
from siamlab.data.splits import split_by_name
from siamlab.data.synthetic import write_people
from siamlab.evaluation.evaluate import calibrate
from siamlab.gallery.cancelable import protect
from siamlab.models.siamese import Siamese
from siamlab.system.files import write_text
from siamlab.system.machine import machine_name
from siamlab.system.opencv import import_cv2

EPSILONS = (1, 2, 4, 8)  # of 255
SEED = 0


def rate(hits: int, tries: int) -> dict[str, object]:
    """A share with its Wilson interval, and of how many."""
    return {"hits": hits, **wilson(hits, tries).to_dict()}


def turned(found: Attacked) -> dict[str, object]:
    return rate(int(found.turned.sum()), int(found.tried.sum()))


def two_faces(model: Siamese, people: Collection, count: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 faces ``(N, size, size, 3)`` of as many people, two of each."""
    chosen = people.with_at_least(2).people[: 2 * count]
    faces = load_faces([p.images[i] for p in chosen for i in (0, 1)], model.metadata.preprocessing)
    both = faces.found.reshape(-1, 2).all(axis=1)
    images = faces.images.reshape(-1, 2, *faces.images.shape[1:])[both][:count]
    return images[:, 0], images[:, 1]


def attack_all(
    model: Siamese, probes: np.ndarray, others: np.ndarray, threshold: float, square: int
) -> dict[str, object]:
    """Success of each attack, goal and epsilon, and of the defenses against PGD at 4/255."""
    templates = model.embed(to_float(others))
    strangers = np.roll(templates, 1, axis=0)
    against = {"impersonation": strangers, "dodging": templates}
    result: dict[str, object] = {}
    for kind in ("fgsm", "pgd", "square"):
        count = square if kind == "square" else len(probes)
        epsilons = (8, 16) if kind == "square" else EPSILONS
        for goal in GOALS[:1] if kind == "square" else GOALS:
            for epsilon in epsilons:
                found = attack_pairs(
                    model, probes[:count], against[goal][:count], kind, epsilon / 255, threshold,
                    goal, seed=SEED,
                )  # fmt: skip
                result[f"{kind}, {goal}, {epsilon}/255"] = turned(found)
                print(kind, goal, epsilon, turned(found), flush=True)
    for defense in DEFENSES:
        plain = attack_pairs(model, probes, strangers, "pgd", 4 / 255, threshold)
        knows = attack_pairs(
            model, probes, strangers, "pgd", 4 / 255, threshold, front=defense.front
        )
        clean = score_each(model, defense.apply(probes), templates) >= threshold
        before = score_each(model, defense.apply(probes), strangers)
        for name, found in (("does not know it", plain), ("knows it", knows)):
            after = score_each(model, defense.apply(found.images), strangers)
            seen = Attacked(found.images, before, after, threshold, "impersonation")
            result[f"{defense.name}, attacker {name}"] = turned(seen)
        result[f"{defense.name}, the right person accepted"] = rate(int(clean.sum()), len(clean))
        print(defense.name, flush=True)
    return result


def steal(
    model: Siamese, train: Collection, first: np.ndarray, second: np.ndarray, threshold: float,
    faces: int, epochs: int,
) -> dict[str, object]:  # fmt: skip
    """Linking and inversion."""
    a, b = model.embed(to_float(first)), model.embed(to_float(second))
    keys = {"no key": (a, b), "one key each": (protect(a, b"a"), protect(b, b"b")),
            "one key, known": (protect(a, b"a"), protect(b, b"a"))}  # fmt: skip
    linking = {}
    for name, (one, other) in keys.items():
        found = link(one, other)
        linking[name] = {"first_hit": rate(round(found.first_hit * found.people), found.people),
                         "eer": found.eer}  # fmt: skip
    known = load_faces([p.images[0] for p in train.people[:faces]], model.metadata.preprocessing)
    images = known.images[known.found]
    cv2 = import_cv2()
    small = np.stack([cv2.resize(i, (PICTURE, PICTURE), interpolation=cv2.INTER_AREA)
                      for i in images])  # fmt: skip
    network = train_inversion(model.embed(to_float(images)), small, epochs, SEED)
    side = model.metadata.preprocessing.size
    inversion = {}
    for name, stolen in (("no key", a), ("rotated, key unknown", protect(a, b"a"))):
        drawn = draw_faces(network, stolen)
        large = np.stack([cv2.resize(i, (side, side), interpolation=cv2.INTER_CUBIC)
                          for i in drawn])  # fmt: skip
        own, other = score_each(model, large, a), score_each(model, large, b)
        inversion[name] = {
            "accepted against the stolen template": rate(int((own >= threshold).sum()), len(own)),
            "accepted against another image": rate(int((other >= threshold).sum()), len(other)),
        }
    return {"linking": linking, "inversion": {"faces": len(images), "epochs": epochs} | inversion}


def main() -> None:
    """Attack, steal, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lfw", type=Path, help="archive or folder; without it drawn people")
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="unpacked here")
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--square", type=int, default=5, help="pairs of the Square Attack")
    parser.add_argument("--faces", type=int, default=2000, help="that the thief trains with")
    parser.add_argument("--epochs", type=int, default=30, help="of the thief's training")
    options = parser.parse_args()
    model = siamlab.load_model("pretrained")
    if options.lfw is None:
        folder = write_people(options.cache / "drawn", people=400, images=2, seed=5)
        split = split_by_name(open_collection(folder), PRETRAINED_SPLIT)
        calibrate(model, split.validation, fmr=0.01, seed=SEED)
    else:
        split = split_by_name(open_collection(options.lfw, options.cache), PRETRAINED_SPLIT)
    threshold, point = model.metadata.choose_threshold(None, "fmr_0.001")
    first, second = two_faces(model, split.test, options.pairs)
    more = two_faces(model, split.test, 200)
    values = {
        "machine": machine_name(),
        "people": "LFW's test people" if options.lfw else "drawn people",
        "model": "pretrained", "threshold": threshold, "operating_point": point,
        "attacks": attack_all(model, first, second, threshold, options.square),
        **steal(model, split.train, *more, threshold, options.faces, options.epochs),
    }  # fmt: skip
    name = "attacks.json" if options.lfw else "attacks_drawn.json"
    write_text(Path(__file__).with_name(name), json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
