"""A tiny model assessed on drawn people, end to end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from siamlab.assessment.assessing import AttackRate, assess, drawn_pairs, pairs_digest
from siamlab.assessment.bars import known_values
from siamlab.assessment.drift import measure_drift
from siamlab.assessment.measured import Measured
from siamlab.assessment.perturbations import PERTURBATIONS
from siamlab.evaluation.evaluate import evaluate
from siamlab.faces.crop import Preprocessing
from siamlab.models.embedding import build_embedding
from siamlab.models.metadata import digests
from siamlab.models.siamese import build_siamese


@pytest.fixture(scope="module")
def model():
    made = build_siamese(build_embedding("compact", (32, 32, 3), 0.25), "squared")
    kernel, bias = made.head.get_weights()
    made.head.set_weights([np.full_like(kernel, -20.0), np.full_like(bias, 6.0)])
    calibration = {"threshold": 0.6, "target_fmr": 0.05}
    preprocessing = Preprocessing(size=32, fraction=0.6, detector="guide")
    return made.with_metadata(arch="compact", calibration=calibration, preprocessing=preprocessing)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIAMLAB_DATA", str(tmp_path_factory.mktemp("data")))
        yield drawn_pairs(people=5)


def test_drawn_people_are_drawn_once_and_completed(drawn):
    collection, pairs = drawn
    assert collection.domain == "drawings" and (len(collection), len(pairs)) == (5, 10)
    image = collection.images[0]
    kept = image.read_bytes(), image.stat().st_mtime_ns
    assert pairs_digest(drawn_pairs(people=5)[1]) == pairs_digest(pairs)
    assert (image.read_bytes(), image.stat().st_mtime_ns) == kept
    collection.images[3].unlink()
    drawn_pairs(people=5)
    assert collection.images[3].is_file() and image.read_bytes() == kept[0]


def test_everything_in_one_assessment(model, drawn):
    collection, pairs = drawn

    def attacks(given, given_pairs, threshold):
        assert given is model and given_pairs is pairs and threshold == 0.6
        return [AttackRate("fgsm", "FGSM at 2/255", Measured(0.5, None, 10))]

    groups = {name: "one" if name < "person_0004" else "two" for name in pairs.people[:-1]}
    drift = measure_drift(["Ada"] * 9, np.arange(9) * 1e6, np.full(9, 0.9), 0.6)
    found = assess(
        model, collection, pairs, "tiny.keras", groups=groups, attacks=attacks, drift=drift,
        now=datetime(2026, 11, 27, 9, tzinfo=UTC),
    )  # fmt: skip
    assert found.date == "2026-11-27T09:00:00+00:00"
    assert (found.threshold, found.operating_point) == (0.6, "fmr_0.05")
    assert found.groups == {"one": 3, "two": 1} and found.attacks == {"fgsm": "FGSM at 2/255"}
    # Every name that a bar may have is a value, and no value has another name.
    others = {"attack.fgsm", *(f"group.{g}.{r}" for g in ("one", "two") for r in ("fmr", "fnmr"))}
    assert set(found.values) == set(known_values()) | others
    # What the report says of the pairs as they are is what an evaluation says of them.
    whole = evaluate(model, collection, pairs, 0.6)
    for name in ("accuracy", "fmr", "fnmr", "auc", "eer"):
        assert found.values[name].value == pytest.approx(getattr(whole, name)), name
    assert found.data["detector"] == "guide" and found.model["name"] == "tiny.keras"
    notes = " ".join(found.notes)
    assert "These people are drawn" in notes and "1 of the 5 people have no label" in notes
    assert "threshold was chosen on photographs" in notes
    assert found.to_dict()["conditions"][0]["name"] == PERTURBATIONS[0].name


def test_the_same_assessment_twice_finds_the_same(model, drawn):
    one, other = (assess(model, *drawn, perturbations=PERTURBATIONS[:2]) for _ in range(2))
    assert one.values == other.values


def test_notes_of_a_model_that_was_trained_on_them_and_never_calibrated(model, drawn, monkeypatch):
    collection, pairs = drawn
    monkeypatch.setitem(collection.__dict__, "domain", "photographs")  # a cached property
    changed = replace(model.metadata, people=digests(pairs.people[:2]), calibration=None)
    monkeypatch.setattr(model, "metadata", changed)
    notes = " ".join(assess(model, collection, pairs, perturbations=()).notes)
    assert "trained on 2 of these 5 people" in notes and "never calibrated" in notes
    assert "drawn" not in notes


def test_the_digest_tells_other_pairs_and_labels(drawn):
    _, pairs = drawn
    assert pairs_digest(pairs) != pairs_digest(pairs.subset(range(9)))
    assert pairs_digest(pairs) != pairs_digest(pairs.subset(range(10)[::-1]))
