"""``siamlab attend`` from open to summary: what it prints, its exit statuses, and its files."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeDetector, FakeModel, gray_frame

from siamlab.cli import attend_commands, main
from siamlab.gallery import Gallery
from siamlab.images.write import write_image
from siamlab.verification import verifier

pytestmark = pytest.mark.usefixtures("any_face_is_usable")  # even gray ones, here

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Run:
    """Runs a command in a workspace where Ada is enrolled; gives its status and its output."""
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    model = FakeModel(threshold=0.9)
    monkeypatch.setattr(attend_commands, "open_model", lambda _: model)
    monkeypatch.setattr(verifier, "open_detector", lambda _: FakeDetector())
    gallery = attend_commands._register().gallery
    verifier.Verifier(model, gallery).enroll("Ada", [gray_frame(100)], consent="drawn")
    for name, level in (("ada", 101), ("stranger", 220), ("nobody", 0)):
        write_image(tmp_path / f"{name}.png", gray_frame(level))

    def command(*arguments: object) -> tuple[int, str]:
        texts = [
            str(tmp_path / one) if str(one).endswith((".png", ".csv", ".svg")) else str(one)
            for one in arguments
        ]
        status = main(["attend", *texts])
        out = capsys.readouterr()
        return status, (out.out + out.err).strip()

    return command


def test_a_session_from_its_opening_to_its_summary(run: Run, tmp_path: Path) -> None:
    status, said = run("open", "Monday", "--starts", "00:00", "--grace", 1440)
    assert (status, said.startswith("session Monday, open since 20")) == (0, True)
    status, said = run("mark", "Monday", "Ada", "ada.png", "ada.png")
    assert (status, said.startswith("Ada: registered, present, 20")) == (0, True)
    status, said = run("mark", "Monday", "Ada", "ada.png")
    assert (status, said.startswith("Ada: already registered, present, 20")) == (0, True)
    status, said = run(
        "correct", "Monday", "Ada", "--status", "absent", "--reason", "left", "--time", "09:01"
    )
    assert (status, "Ada: absent" in said, "(left)" in said) == (0, True, True)
    assert run("close", "Monday")[0] == 0
    assert run("export", "Monday", "--out", "out.csv")[0] == 0
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["status"], row["counts"], row["score"]) for row in rows] == [
        ("present", "no", ""), ("absent", "yes", ""),
    ]  # fmt: skip
    assert run("open", "Tuesday")[0] == 0
    status, said = run("summary", "--out", "year.svg")
    assert status == 0
    assert said.split("\n")[:3] == [
        "Ada: 0 of 2", "session Monday: 0 of 1 people", "session Tuesday: 0 of 1 people",
    ]  # fmt: skip
    assert (tmp_path / "year.svg").is_file()
    assert (tmp_path / "year.png").is_file()
    assert run("summary", "Tuesday") == (0, "Ada: 0 of 1\nsession Tuesday: 0 of 1 people")
    status, said = run("summary", "Sunday")
    assert (status, "There is no session 'Sunday'; there are 'Monday', 'Tuesday'" in said) == (
        2,
        True,
    )


def test_erasing_names_the_files_of_the_register(run: Run, tmp_path: Path, capsys) -> None:
    run("open", "Monday")
    run("mark", "Monday", "Ada", "ada.png")
    assert run("export", "--out", "a.csv")[0] == run("export", "--out", "a.csv")[0] == 0
    assert run("summary", "--out", "year.svg")[0] == 0
    (tmp_path / "year.png").unlink()
    assert main(["gallery", "erase", "Ada"]) == 0
    assert [line.split(" was exported")[0] for line in capsys.readouterr().out.splitlines()] == [
        "erased Ada", str(tmp_path / "a.csv"), str(tmp_path / "year.svg"),
    ]  # fmt: skip


def test_exit_statuses_at_the_door(run: Run) -> None:
    run("open", "Monday")
    assert run("mark", "Monday", "Ada", "nobody.png")[0] == 3
    for _ in range(3):
        status, said = run("mark", "Monday", "Ada", "stranger.png")
        assert (status, said) == (1, "Ada not verified")  # no score
    status, said = run("mark", "Monday", "Ada", "ada.png")
    assert status == 3
    assert said.startswith("siamlab: Too many failed tries: try again in ")
    assert run("mark", "Monday", "Bob", "ada.png")[0] == 2
    assert run("mark", "Sunday", "Ada", "ada.png")[0] == 2
    status, said = run("summary", "--out", "year.png")
    assert (status, "ends in .svg" in said) == (2, True)


def test_the_operator_may_see_and_keep_the_score(run: Run, tmp_path: Path) -> None:
    run("open", "Monday")
    assert run("mark", "Monday", "Ada", "ada.png", "--keep-score")[0] == 0
    run("export", "--out", "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert 0.9 < float(row["score"]) < 1


def test_of_a_large_gallery_only_those_who_came_are_listed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attend_commands, "MOST_LISTED", 1)
    run("open", "Monday")
    run("mark", "Monday", "Ada", "ada.png")
    rows = np.ones((1, 2), np.float32)
    Gallery(tmp_path / "data" / "gallery").enroll("Bob", rows, "fake", consent="drawn")
    assert run("summary")[1].split("\n") == [
        "Ada: 1 of 1",
        "session Monday: 1 of 1 people",
        "2 are enrolled; who never came is not listed",
    ]
