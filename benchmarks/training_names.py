"""Who was trained on: what a list of names opens, by how a model file keeps them.

    python benchmarks/training_names.py --images lfw-deepfunneled.tgz

An attacker holds a list of names and asks which of them a model was trained on. Two cases: LFW's
training people (four fifths of a public list, by a public rule) and a class of 30 among a school's
1,000 pupils. Recall is the share of the training people who are found, precision the share of those
found who were trained on; guessing everybody has recall 1 and the precision of the first line.
Writes training_names.json beside this script.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.data.collections import DIGEST_LENGTH, person_digest
from siamlab.data.negatives import PRETRAINED_SPLIT
from siamlab.evaluation.intervals import wilson_interval
from siamlab.models.metadata import ModelMetadata, digests, people_marks

SPACE = 16**DIGEST_LENGTH
KEYS = 1_000  # that the attacker tries
SLOW = {"n": 1 << 14, "r": 8, "p": 1}  # scrypt, 16 MB, as passwords are kept


def names_of(archive: Path) -> list[str]:
    """The people of an archive, without unpacking it."""
    with tarfile.open(archive) as tar:
        return sorted({Path(name).parent.name for name in tar.getnames() if name.endswith(".jpg")})


def short_digests(bits: int) -> tuple[Callable[[Sequence[str]], set[int]], Callable[[str], int]]:
    """Digests cut so short that strangers share them: deniable, like a Bloom filter's."""

    def cut(name: str) -> int:
        return int(person_digest(name), 16) % (1 << bits)

    return lambda people: {cut(name) for name in people}, cut


def judged(found: set[str], trained: set[str]) -> dict[str, Any]:
    hits = len(found & trained)
    result: dict[str, Any] = {"found": len(found), "recall": round(hits / len(trained), 4)}
    if found:
        result["precision"] = round(hits / len(found), 4)
        interval = wilson_interval(hits, len(found))
        result["precision_interval"] = [round(end, 4) for end in interval]
    return result


def attack(names: list[str], trained: set[str], rng: np.random.Generator) -> dict[str, Any]:
    """What each way of keeping the names gives away to who holds the list."""
    plain = ModelMetadata(people=digests(trained), versions={})
    keyed = ModelMetadata(people=people_marks(trained, os.urandom(32)), versions={})
    tried = [rng.bytes(32) for _ in range(KEYS)]
    some = names[:50]  # under each tried key
    opened = set(keyed.known_people(names, bytes(32)))
    opened |= {name for key in tried for name in keyed.known_people(some, key)}
    results = {
        "guessing everybody": judged(set(names), trained),
        "plain digests (0.3.0)": judged(set(plain.known_people(names, bytes(32))), trained),
        "marks under the workspace's key": judged(opened, trained),
    }
    for share in (2, 10, 100):
        bits = max(1, round(np.log2(len(trained) * share)))
        keep, cut = short_digests(bits)
        kept = keep(sorted(trained))
        found = {name for name in names if cut(name) in kept}
        strangers = [name for name in names if name not in trained]
        named = sum(name in found for name in strangers) / len(strangers)
        results[f"digests of {bits} bits"] = {
            **judged(found, trained), "strangers_named": round(named, 4)
        }  # fmt: skip
    return results


def main() -> None:
    """Attack both lists, time the slow hash, write training_names.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="LFW's archive")
    names = names_of(parser.parse_args().images)
    bound = PRETRAINED_SPLIT[0]
    trained = {name for name in names if int(person_digest(name), 16) / SPACE < bound}
    rng = np.random.default_rng(0)
    school = [names[place] for place in rng.permutation(len(names))[:1_000]]
    began = time.perf_counter()
    for name in names[:20]:
        hashlib.scrypt(name.encode(), salt=b"salt of the file", **SLOW)
    slow = (time.perf_counter() - began) / 20
    found = {
        "lfw": {
            "names": len(names),
            "trained": len(trained),
            **attack(names, trained, rng),
        },
        "school": {"names": 1_000, "trained": 30, **attack(school, set(school[:30]), rng)},
        "slow_hash": {
            "seconds_a_name": round(slow, 3),
            "seconds_for_the_list": round(slow * len(names)),
            "recall": 1.0,
            "note": "the honest check of a list costs as much as the attack",
        },
    }
    text = json.dumps(found, indent=1) + "\n"
    (Path(__file__).parent / "training_names.json").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
