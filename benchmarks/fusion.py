"""What several enrolled images and several frames gain: python benchmarks/fusion.py --lfw PATH

People of LFW with six images or more whom the model was not trained on. Frames are measured as
different photographs of a person (the most that fusion can gain), and as views of one photograph
(rotated, moved, relit, compressed: what a camera shows within a second).
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.data.augmentation import Augmentation, augment_batch, source_preprocessing
from siamlab.data.collections import Collection, Person, open_collection
from siamlab.data.faces import load_faces
from siamlab.data.pipeline import to_float
from siamlab.evaluation.own_people import unseen_people
from siamlab.models.saving import load_model
from siamlab.models.siamese import Siamese
from siamlab.study.several_images import FusionResult, measure_fusion

MOST_IMAGES = 12  # of a person
# A second before a camera: the head moves a little, the light hardly.
SECOND = Augmentation(
    flip=0.0, degrees=3.0, zoom=0.03, stretch=0.01, shift=0.02, gamma=0.05, contrast=0.05,
    brightness=0.02, tint=0.02, gray=0.0, saturation=0.05, blur=0.3, jpeg=0.5,
    side_light=0.05,
)  # fmt: skip


def chosen_people(model: Siamese, path: Path, least: int, seed: int) -> Collection:
    """People unseen in training with enough images, a part of each one's images."""
    people, known = unseen_people(model, open_collection(path).with_at_least(least))
    print(f"{len(people)} people with {least} images or more; left out: {known} trained on")
    rng = np.random.default_rng(seed)
    cut = tuple(
        Person(one.name, tuple(rng.permutation(np.array(one.images))[:MOST_IMAGES]))
        for one in people.people
    )
    return Collection(people.root, cut)


def embed_people(
    model: Siamese, people: Collection, views: int, seed: int
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, embeddings ``(M, D)`` and those of views ``(M, views, D)`` of images with a face."""
    preprocessing = model.metadata.preprocessing
    faces = load_faces(people.images, preprocessing)
    names = [name for name, found in zip(people.image_people, faces.found, strict=True) if found]
    source = load_faces(people.images, source_preprocessing(preprocessing)).images[faces.found]
    rng = np.random.default_rng(seed)
    seen = [model.embed(augment_batch(source, preprocessing, rng, SECOND)) for _ in range(views)]
    return names, model.embed(to_float(faces.images[faces.found])), np.stack(seen, axis=1)


def main() -> None:
    """Measure, print and write fusion.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="pretrained")
    parser.add_argument("--lfw", type=Path, required=True, help="an archive or a folder")
    parser.add_argument("--enroll", type=int, default=3, help="enrolled images (default: 3)")
    parser.add_argument("--frames", type=int, default=3, help="frames (default: 3)")
    parser.add_argument("--second", type=int, default=12, help="frames of one second (default: 12)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "fusion.json")
    options = parser.parse_args()
    model = load_model(options.model)
    least = options.enroll + options.frames
    people = chosen_people(model, options.lfw, least, options.seed)
    names, embeddings, second = embed_people(model, people, options.second, options.seed)
    threshold = model.metadata.choose_threshold()[0]

    def measure(frames: int, views: np.ndarray | None) -> tuple[FusionResult, ...]:
        return measure_fusion(
            embeddings, names, model.score_pairs, threshold,
            options.enroll, frames, views, seed=options.seed,
        )  # fmt: skip

    results = {
        "photographs": measure(options.frames, None),
        "one_second": measure(options.second, second),
    }
    for name, found in results.items():
        print(f"\n{name.replace('_', ' ')}", *found, sep="\n")
    values = {
        "model": options.model,
        "model_id": model.model_id,
        "threshold": threshold,
        "people": len(people),
        "images": len(names),
        "seed": options.seed,
        **{name: [one.to_dict() for one in found] for name, found in results.items()},
    }
    options.out.write_text(json.dumps(values, indent=2) + "\n")


if __name__ == "__main__":
    main()
