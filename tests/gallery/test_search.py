"""One-to-many search against brute force, and identification."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeDetector, FakeModel, gray_frame
from hypothesis import given, settings
from hypothesis import strategies as st

from siamlab.cli import main
from siamlab.errors import InputError, MissingPackageError, NotEnrolledError
from siamlab.faces.detectors import FaceBox
from siamlab.gallery import (
    Candidate,
    Gallery,
    Templates,
    VectorSearch,
    open_search,
)
from siamlab.images.write import write_image
from siamlab.models.embedding import build_embedding
from siamlab.models.exported import ExportedModel, ExportInfo
from siamlab.models.metadata import ModelMetadata
from siamlab.models.siamese import build_siamese
from siamlab.verification.identification import Identification, Identifier
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here

DIMENSIONS = 16


def made_model(
    distance: str = "squared", weights: np.ndarray | None = None, bias: float = 4.0
) -> ExportedModel:
    """A model that scores templates with the given weights of its head."""
    numbers = np.full(DIMENSIONS, -3.0) if weights is None else weights
    info = ExportInfo(
        "made", ModelMetadata(versions={}), (1, 1, 3), len(numbers), distance,
        tuple(map(float, numbers)), bias,
    )  # fmt: skip
    return ExportedModel(info, lambda images: images)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def drawn(people: int, seed: int = 0, most: int = 3, dimensions: int = DIMENSIONS) -> Templates:
    """One to ``most`` unit templates for each person, scattered around a direction."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, most + 1, people)
    own = np.repeat(unit(rng.standard_normal((people, dimensions))), counts, axis=0)
    matrix = unit(own + 0.2 * rng.standard_normal(own.shape))
    names = tuple(f"person {i}" for i in range(people))
    return Templates(names, np.cumsum(counts) - counts, matrix)


def by_hand(
    templates: Templates, model: ExportedModel, probe: np.ndarray
) -> list[tuple[float, int]]:
    """Each person's best score and its row, best person first."""
    ends = [*templates.starts[1:], len(templates)]
    best = []
    for start, end in zip(templates.starts, ends, strict=True):
        scores = [
            float(model.score_pairs(probe, row[None])[0]) for row in templates.matrix[start:end]
        ]
        best.append((max(scores), int(start) + int(np.argmax(scores))))
    return sorted(best, key=lambda pair: -pair[0])


MODELS = {
    "cosine": made_model(),
    "weighted": made_model(weights=-np.linspace(0.5, 5, DIMENSIONS)),
    "l1": made_model("l1", np.linspace(-3, 0.5, DIMENSIONS)),
}


@pytest.mark.parametrize("kind", MODELS)
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10_000), st.integers(1, 40))
def test_exact_search_equals_brute_force(kind: str, people: int, seed: int, top: int) -> None:
    templates, model = drawn(people, seed), MODELS[kind]
    probe = unit(np.random.default_rng(seed + 1).standard_normal(DIMENSIONS))
    rows = open_search(templates, model, "exact")(probe, top)
    truth = by_hand(templates, model, probe)[:top]
    assert len(rows) == min(top, people)
    scores = model.score_pairs(probe, templates.matrix[rows])
    np.testing.assert_allclose(scores, [score for score, _ in truth], atol=1e-6)
    assert len(set(np.searchsorted(templates.starts, rows, side="right"))) == len(rows)


def test_scoring_in_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    templates, model = drawn(50), MODELS["l1"]
    probe = templates.matrix[7]
    whole = open_search(templates, model, "exact")(probe, 50)
    monkeypatch.setattr("siamlab.gallery.search._CHUNK_FLOATS", 3 * DIMENSIONS + 1)
    np.testing.assert_array_equal(open_search(templates, model, "exact")(probe, 50), whole)


def test_people_with_equal_scores_keep_their_order() -> None:
    """Three people with the same template, and one with its opposite."""
    one = np.eye(1, DIMENSIONS, dtype=np.float32)[0]
    templates = Templates(("a", "b", "c", "d"), np.arange(4), np.stack([-one, one, one, one]))
    search = open_search(templates, made_model(), "exact")
    assert search(one, 4).tolist() == [1, 2, 3, 0]


def test_which_exported_models_rank_by_cosine() -> None:
    assert MODELS["cosine"].ranks_by_cosine
    assert not MODELS["weighted"].ranks_by_cosine
    assert not made_model("l1").ranks_by_cosine
    assert not made_model(weights=np.full(DIMENSIONS, 3.0)).ranks_by_cosine


def test_which_siamese_models_rank_by_cosine() -> None:
    """The best row is that of the model's highest score."""
    embedding = build_embedding("compact", (32, 32, 3), width=0.25)
    model = build_siamese(embedding, "squared")
    dimensions = embedding.output_shape[-1]
    model.head.set_weights([np.full((dimensions, 1), -4.0), np.array([3.0])])
    assert model.ranks_by_cosine
    templates = drawn(40, dimensions=dimensions)
    probe = unit(np.random.default_rng(5).standard_normal(dimensions))
    scores = model.score_pairs(probe, templates.matrix)
    rows = open_search(templates, model, "exact")(probe, 1)
    assert rows[0] == np.argmax(scores)
    model.head.set_weights([-np.arange(1.0, dimensions + 1)[:, None], np.array([3.0])])
    assert not model.ranks_by_cosine
    assert not build_siamese(embedding, "l1").ranks_by_cosine


def test_templates_that_are_not_unit_are_not_ranked_by_cosine() -> None:
    """By inner product the long template would win; by distance, and by score, the near one."""
    near, long = np.eye(2, DIMENSIONS, dtype=np.float32)
    long = long * 9 + near * 5
    templates = Templates(("near", "long"), np.arange(2), np.stack([near, long]))
    assert open_search(templates, made_model(), "exact")(near, 1).tolist() == [0]
    with pytest.raises(InputError, match="unit templates"):
        open_search(templates, made_model(), "vector")


def test_the_vector_index_finds_what_exact_search_finds() -> None:
    pytest.importorskip("faiss")
    templates = drawn(4000, dimensions=64)
    model = made_model(weights=np.full(64, -3.0))
    exact = open_search(templates, model, "exact")
    vector = open_search(templates, model, "vector")
    rng = np.random.default_rng(1)
    probes = unit(templates.matrix[:200] + 0.1 * rng.standard_normal((200, 64)))
    same = [vector(probe, 3)[0] == exact(probe, 3)[0] for probe in probes]
    assert np.mean(same) >= 0.99


@pytest.mark.parametrize("people", [1, 2, 7, 40])
def test_the_vector_index_of_a_small_gallery_is_exact(people: int) -> None:
    pytest.importorskip("faiss")
    templates, model = drawn(people), MODELS["cosine"]
    probe = unit(np.random.default_rng(3).standard_normal(DIMENSIONS))
    for top in (1, 5, 100):
        rows = open_search(templates, model, "vector")(probe, top)
        np.testing.assert_array_equal(rows, open_search(templates, model, "exact")(probe, top))


def test_many_templates_of_one_person_do_not_displace_other_people() -> None:
    """The 50 templates nearest to the probe are all of one person; four more are wanted."""
    pytest.importorskip("faiss")
    few = drawn(20, most=1)
    rng = np.random.default_rng(4)
    crowd = unit(few.matrix[0] + 0.01 * rng.standard_normal((50, DIMENSIONS)))
    templates = Templates(
        few.people, np.array([0, *range(50, 69)]), np.concatenate([crowd, few.matrix[1:]])
    )
    rows = VectorSearch(templates, rescored=10)(few.matrix[0], 5)
    truth = open_search(templates, MODELS["cosine"], "exact")(few.matrix[0], 5)
    np.testing.assert_array_equal(rows, truth)
    assert rows[0] < 50 <= min(rows[1:])


def test_a_vector_index_needs_a_model_that_ranks_by_cosine() -> None:
    with pytest.raises(InputError, match="compact"):
        open_search(drawn(5), MODELS["l1"], "vector")


def test_without_faiss_a_large_gallery_is_searched_exactly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr("siamlab.gallery.search.VECTOR_FROM", 1)
    templates = drawn(30)
    row = open_search(templates, MODELS["cosine"])(templates.matrix[5], 1)[0]
    assert row == 5
    with pytest.raises(MissingPackageError, match=r"siamlab\[search\]") as caught:
        open_search(templates, MODELS["cosine"], "vector")
    assert "\n" not in str(caught.value)


def test_auto_takes_a_vector_index_for_a_large_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    templates = drawn(30)
    monkeypatch.setattr("siamlab.gallery.search.VECTOR_FROM", len(templates))
    assert isinstance(open_search(templates, MODELS["cosine"]), VectorSearch)
    assert not isinstance(open_search(templates, MODELS["l1"]), VectorSearch)
    monkeypatch.setattr("siamlab.gallery.search.VECTOR_FROM", len(templates) + 1)
    assert not isinstance(open_search(templates, MODELS["cosine"]), VectorSearch)


def enrolled(gallery: Gallery, people: int = 12) -> Templates:
    templates = drawn(people)
    rows = np.split(templates.matrix, templates.starts[1:])
    gallery.enroll_many(zip(templates.people, rows, strict=True), "made", consent="drawn")
    return templates


@pytest.mark.parametrize("kind", ["auto", "exact", "vector"])
def test_candidates_have_the_scores_of_the_model(gallery: Gallery, kind: str) -> None:
    if kind == "vector":
        pytest.importorskip("faiss")
    templates, model = enrolled(gallery), MODELS["cosine"]
    probe = unit(templates.matrix[templates.starts[4]] + 0.1)
    found = Identifier(model, gallery, kind=kind).search(probe, top=4)
    assert found[0].person == "person 4"
    assert len({c.person for c in found}) == 4
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)
    for candidate in found:
        scores = model.score_pairs(probe, gallery.get(candidate.person).templates)
        assert candidate.template == np.argmax(scores)
        assert candidate.score == pytest.approx(scores.max(), abs=1e-6)


def test_a_search_follows_enrollments_and_erasures(gallery: Gallery) -> None:
    templates = enrolled(gallery)
    identifier = Identifier(MODELS["cosine"], gallery)
    probe = templates.matrix[0]
    assert identifier.search(probe, 1)[0].person == "person 0"
    Gallery(gallery.folder).erase("person 0")
    assert identifier.search(probe, 1)[0].person != "person 0"
    Gallery(gallery.folder).enroll("Zoe", probe[None], "made", consent="drawn")
    assert identifier.search(probe, 1)[0] == Candidate("Zoe", pytest.approx(0.982, abs=1e-3), 0)


def test_unusable_arguments_are_one_line(gallery: Gallery) -> None:
    with pytest.raises(InputError, match="kind='fast'"):
        Identifier(MODELS["cosine"], gallery, kind="fast")
    identifier = Identifier(MODELS["cosine"], gallery)
    with pytest.raises(NotEnrolledError):
        identifier.search(np.zeros(DIMENSIONS, np.float32))
    enrolled(gallery)
    with pytest.raises(InputError, match=r"\(16,\)\. Received: \(4,\)"):
        identifier.search(np.zeros(4, np.float32))
    with pytest.raises(InputError, match="top=0"):
        identifier.search(np.zeros(DIMENSIONS, np.float32), top=0)


ADA, BOB = Candidate("Ada <3", 0.9, 2), Candidate("Bob", 0.25, 0)


def test_the_best_candidate_is_the_answer_from_the_threshold_on() -> None:
    """A score equal to the threshold is enough; 0.9 >= 0.9."""
    box = FaceBox(1, 2, 30)
    found = Identification((ADA, BOB), 0.9, 7, box, {"search": 0.01})
    assert found.person == "Ada <3"
    assert str(found) == "Ada <3 (threshold 0.900)\n0.900  Ada <3\n0.250  Bob"
    assert "Ada &lt;3" in found._repr_html_()
    values = json.loads(found.to_json())
    assert values["candidates"][0] == {"person": "Ada <3", "score": 0.9, "template": 2}
    assert (values["person"], values["enrolled"], values["threshold"]) == ("Ada <3", 7, 0.9)
    assert values["box"] == list(box.as_ints())
    strict = Identification((ADA, BOB), 0.91, 7, box, {})
    assert strict.person is None
    assert str(strict).startswith("nobody of 7 people (threshold 0.910)\n0.900  Ada")


def gray_verifier(gallery: Gallery) -> Verifier:
    """Ann at gray 0.2 and 0.4, Ben at 0.6, Cid at 0.9."""
    verifier = Verifier(FakeModel(), gallery, FakeDetector(), detection_threshold=0.95)
    verifier.enroll("Ann", [gray_frame(51), gray_frame(102)], consent="drawn")
    verifier.enroll("Ben", [gray_frame(153)], consent="drawn")
    verifier.enroll("Cid", [gray_frame(230)], consent="drawn")
    return verifier


def test_identify_by_hand(gallery: Gallery) -> None:
    """A probe of 0.6 scores 0.8 with Ann's 0.4, 1.0 with Ben, 0.7 with Cid."""
    verifier = gray_verifier(gallery)
    found = verifier.identify(gray_frame(153), top=2)
    assert [(c.person, c.template) for c in found.candidates] == [("Ben", 0), ("Ann", 1)]
    np.testing.assert_allclose([c.score for c in found.candidates], [1.0, 0.8], atol=1e-6)
    assert (found.person, found.enrolled, found.threshold) == ("Ben", 3, 0.95)
    assert replace(found.box, landmarks=None) == FakeDetector().boxes[0]
    assert list(found.seconds) == ["detect", "embed", "search"]
    chip = verifier.identify(gray_frame(153), top=2, aligned=True)
    assert (chip.candidates, chip.box) == (found.candidates, None)


def test_a_stranger_is_not_identified(gallery: Gallery) -> None:
    """Gray 1.0 is 0.1 from Cid: 0.9 is below 0.95."""
    found = gray_verifier(gallery).identify(gray_frame(255))
    assert found.person is None
    assert [c.person for c in found.candidates] == ["Cid", "Ben", "Ann"]


def test_no_face_is_unknown_with_a_reason(gallery: Gallery) -> None:
    found = gray_verifier(gallery).identify(gray_frame(0))
    assert (found.person, found.candidates, found.box) == (None, (), None)
    assert found.reason and found.reason in str(found)


def test_the_identify_command(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    verifier = gray_verifier(gallery)
    monkeypatch.setattr("siamlab.cli.people_commands._open_verifier", lambda options: verifier)
    known, stranger = tmp_path / "known.png", tmp_path / "stranger.png"
    write_image(known, gray_frame(153))
    write_image(stranger, gray_frame(255))
    out = tmp_path / "found.json"
    assert main(["identify", str(known), "--top", "1", "--json", str(out)]) == 0
    assert capsys.readouterr().out.startswith("Ben (threshold 0.950)\n1.000  Ben\n")
    assert json.loads(out.read_text())["person"] == "Ben"
    assert main(["identify", str(stranger)]) == 1
    assert capsys.readouterr().out.startswith("nobody of 3 people")
    write_image(stranger, gray_frame(0))
    assert main(["identify", str(stranger)]) == 3
    assert capsys.readouterr().out.startswith("unknown who this is")
    with pytest.raises(SystemExit):
        main(["identify", str(known), "--top", "0"])


def test_a_search_of_an_unchanged_gallery_decrypts_no_template(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates = enrolled(gallery)
    identifier = Identifier(MODELS["cosine"], gallery)
    identifier.search(templates.matrix[0])
    monkeypatch.setattr("siamlab.gallery.store.read_all", None)
    assert identifier.search(templates.matrix[0], 1)[0].person == "person 0"
