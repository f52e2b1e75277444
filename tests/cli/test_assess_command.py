"""siamlab assess: a report, exit status 1 for a broken bar, one line for every error."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest

from siamlab.assessment import assessing
from siamlab.assessment.perturbations import PERTURBATIONS
from siamlab.attendance.register import Register
from siamlab.cli import main
from siamlab.data.collections import open_collection
from siamlab.data.lfw import write_pairs
from siamlab.data.pairs import draw_pairs
from siamlab.data.synthetic import write_people
from siamlab.faces.crop import Preprocessing
from siamlab.gallery import Gallery
from siamlab.models.embedding import build_embedding
from siamlab.models.saving import load_model, save_model
from siamlab.models.siamese import build_siamese
from siamlab.verification.result import Verification


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A tiny model, six drawn people, and twelve pairs of them."""
    root = tmp_path_factory.mktemp("assess")
    made = build_siamese(build_embedding("compact", (32, 32, 3), 0.25), "squared")
    kernel, bias = made.head.get_weights()
    made.head.set_weights([np.full_like(kernel, -20.0), np.full_like(bias, 6.0)])
    made.with_metadata(
        calibration={"threshold": 0.6, "target_fmr": 0.05},
        preprocessing=Preprocessing(size=32, fraction=0.6, detector="guide"),
    )
    save_model(made, root / "tiny.keras")
    people = write_people(root / "people", people=6, images=2, seed=8)
    write_pairs(root / "pairs.txt", draw_pairs(open_collection(people), 12, 0))
    (root / "groups.csv").write_text(
        "".join(f"person_{n:04d},{'odd' if n % 2 else 'even'}\n" for n in range(1, 7))
    )
    return root


@pytest.fixture
def assess(files, tmp_path):
    """Run the command on the pairs; the reports go to ``tmp_path / "reports"``."""

    def run(*more: object) -> int:
        given = ["--images", files / "people", "--pairs", files / "pairs.txt"]
        out = ["--out", tmp_path / "reports"]
        return main(["assess", *map(str, [files / "tiny.keras", *given, *out, *more])])

    return run


@pytest.fixture
def only_dark(monkeypatch):
    """One condition in place of all, to be quick."""
    chosen = partial(assessing.assess, perturbations=PERTURBATIONS[:1])
    monkeypatch.setattr(assessing, "assess", chosen)


def bars_file(folder, text: str):
    (folder / "bars.toml").write_text(f"[bars]\n{text}\n")
    return folder / "bars.toml"


def test_a_report_with_groups_then_compared_with_itself(assess, only_dark, files, tmp_path, capsys):
    assert assess("--groups", files / "groups.csv") == 0
    (path,) = (tmp_path / "reports").glob("*.json")
    found = json.loads(path.read_text())
    assert found["data"]["pairs"] == 12 and found["groups"] == {"even": 3, "odd": 3}
    assert path.with_suffix(".html").read_text().startswith("<!doctype html>")
    said = capsys.readouterr()
    assert f"saved {path}" in said.out and "dark@4" in said.out and not said.err
    assert assess("--against", path, "--bars", bars_file(tmp_path, "fmr = {max = 1}")) == 0
    assert "The same pairs were measured" in capsys.readouterr().out
    second = json.loads(path.with_name(f"{path.stem}_2.json").read_text())
    moved = {one["difference"] for one in second["against"]["changes"]}
    assert moved == {0.0, None}, "the same model on the same pairs; groups are gone"


def test_each_broken_bar_is_a_line_and_the_status_1(assess, only_dark, tmp_path, capsys):
    bars = bars_file(
        tmp_path,
        'auc = {max = 1}\nfmr = {min = 2}\n"attack.fgsm" = {max = 0.5}\ndark.fnmr = {max = -1}',
    )
    assert assess("--bars", bars) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("bar broken")]
    assert [line.split()[2] for line in lines] == ["fmr", "attack.fgsm", "dark.fnmr"]
    assert "could not be measured" in lines[1]


def test_without_images_people_are_drawn(files, tmp_path, monkeypatch):
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(assessing, "drawn_pairs", partial(assessing.drawn_pairs, 4))
    assert main(["assess", str(files / "tiny.keras")]) == 0
    (path,) = (tmp_path / "data" / "assessments").glob("*.json")
    found = json.loads(path.read_text())
    assert found["data"]["domain"] == "drawings" and found["data"]["people"] == 4
    assert [one["name"] for one in found["conditions"]] == [one.name for one in PERTURBATIONS]


@pytest.fixture
def art():
    """Imported before ``capsys`` is set up: it restarts logging, and absl then closes a stream that
    is not the standard error of that moment."""
    return pytest.importorskip("art", reason="the extra attacks is not installed")


def test_attacks_are_tried_on_the_pairs(art, assess, only_dark, tmp_path, capsys):
    assert (
        assess("--attacks", "--bars", bars_file(tmp_path, '"attack.pgd_dodging" = {max = 1}')) == 0
    )
    (path,) = (tmp_path / "reports").glob("*.json")
    found = json.loads(path.read_text())
    names = ["fgsm_impersonation", "pgd_impersonation", "fgsm_dodging", "pgd_dodging"]
    assert list(found["attacks"]) == names
    assert all(f"attack.{name}" in found["values"] for name in names)
    assert "attack.pgd_dodging" in capsys.readouterr().out
    assert "PGD, dodging, pixels changed by 4/255" in path.with_suffix(".html").read_text()


def test_without_their_package_attacks_are_refused_in_a_line(assess, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "art", None)
    assert assess("--attacks") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert 'pip install "siamlab[attacks]"' in line
    assert not (tmp_path / "reports").exists()


def test_the_drift_of_enrolled_people(assess, only_dark, files, tmp_path, capsys, monkeypatch):
    """Ada's score falls from 0.999 by a hundredth a day; Bob came once."""
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    gallery = Gallery(tmp_path / "data" / "gallery")
    model = load_model(files / "tiny.keras").model_id
    for name in ("Ada", "Bob"):
        gallery.enroll(name, np.ones((1, 4), np.float32), model, consent="drawn")
    register = Register(gallery, keep_scores=True)
    for day in range(10):
        now = datetime.now(UTC) + timedelta(days=day + 1)
        register.open_session(f"day {day}", now=now)
        for name in ("Ada", "Bob")[: 1 + (day == 0)]:
            score = np.float32([0.999 - 0.01 * day])
            yes = Verification(name, True, score, 0.6, 0.5, None, {}, fused=score[0], model=model)
            register.mark(f"day {day}", yes, now=now)
    assert assess("--gallery") == 0
    (path,) = (tmp_path / "reports").glob("*.json")
    drift = json.loads(path.read_text())["drift"]
    assert [(one["person"], one["records"], one["falling"]) for one in drift["people"]] == [
        ("Ada", 10, True)
    ]
    assert drift["left_out"] == 1
    assert "drift.falling" in capsys.readouterr().out


def test_a_register_without_scores_is_said(assess, only_dark, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    assert assess("--gallery") == 0
    assert "--keep-score" in capsys.readouterr().err


BAD = {
    "images alone": (["{tiny}", "--images", "{people}"], "together"),
    "no model": (["no.keras", "--images", "{people}", "--pairs", "{pairs}"], "No model"),
    "no bars": (["{tiny}", "--bars", "no.toml"], "no.toml cannot be read"),
    "unknown bar": (["{tiny}", "--bars", "{bars}"], "'acuracy' is no value of an assessment"),
    "no groups": (["{tiny}", "--groups", "no.csv"], "no.csv cannot be read"),
    "no report": (["{tiny}", "--against", "{pairs}"], "is not JSON"),
    "another format": (["{tiny}", "--against", "{old}"], "of format 0"),
    "nobody labeled": (
        ["{tiny}", "--images", "{people}", "--pairs", "{pairs}", "--groups", "{others}"],
        "None of the 6 people",
    ),
    "photographs": (
        ["{tiny}", "--images", "{people}", "--pairs", "{pairs}", "--against", "{photographs}"],
        "measured photographs, this one measures drawings",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(case, files, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind = '"kind": "siamlab assessment"'
    parts = '"date": "2026", "model": {"alignment": "box"}, "values": {}'
    texts = {
        "bars": "[bars]\nacuracy = {min = 1}\n",
        "old": f'{{{kind}, "format": 0}}',
        "others": "Ada,women\n",
        "photographs": f'{{{kind}, "format": 1, {parts}, "data": {{"domain": "photographs"}}}}',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    places = {name: tmp_path / name for name in texts} | {
        "tiny": files / "tiny.keras", "people": files / "people", "pairs": files / "pairs.txt",
    }  # fmt: skip
    arguments, message = BAD[case]
    given = [word.format(**places) for word in arguments]
    assert main(["assess", *given, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1, error
    assert not (tmp_path / "out").exists()
