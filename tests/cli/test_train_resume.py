"""``siamlab train``, killed and resumed: nothing is lost, and nothing is overwritten silently."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from siamlab.cli import main
from siamlab.data.synthetic import write_people
from siamlab.errors import StorageError
from siamlab.models.saving import load_model
from siamlab.training.checkpoint_files import latest_checkpoint

ROOT = Path(__file__).parents[2]
SMALL = ("--arch", "koch", "--recipe", "report", "--size", "64", "--width", "0.05")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_people(tmp_path_factory.mktemp("resume") / "people", people=10, images=3, seed=2)


def command(images, out, *more):
    return ["train", "--images", str(images), *SMALL, "--out", str(out), *more]


def start(images, out, *more):
    # One thread: the order of floating-point sums is then the same in every run.
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    words = [sys.executable, "-m", "siamlab.cli", *command(images, out, *more)]
    return subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kill_after_a_checkpoint(process, folder):
    until = time.monotonic() + 120
    while latest_checkpoint(folder) is None and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def interrupted(*_, **__):
    raise KeyboardInterrupt


def weights(path):
    return load_model(path).get_weights()


def test_a_killed_training_goes_on_to_the_same_model(images, tmp_path, capsys):
    broken, whole = tmp_path / "broken.keras", tmp_path / "whole.keras"
    folder = tmp_path / "broken.checkpoints"
    epochs = ("--epochs", "12", "--seed", "3")
    kill_after_a_checkpoint(start(images, broken, *epochs), folder)
    assert not broken.exists() and latest_checkpoint(folder).name < "epoch-0012.npz"
    unbroken = start(images, whole, *epochs)

    # Without --resume nothing begins, and nothing is touched.
    before = {path: path.read_bytes() for path in folder.glob("epoch-*")}
    assert main(command(images, broken, *epochs)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and f"{folder} holds an unfinished training" in error
    assert "--resume" in error
    assert {path: path.read_bytes() for path in folder.glob("epoch-*")} == before

    reached = int(latest_checkpoint(folder).stem.removeprefix("epoch-"))
    resumed = start(images, broken, *epochs, "--resume")
    out, error = resumed.communicate()
    assert resumed.returncode == 0, error
    assert f"resumed at epoch {reached + 1}\n" in out and "Epoch 12/12" in out
    assert not folder.exists(), "checkpoints are removed when the model is saved"
    unbroken.communicate()
    assert unbroken.returncode == 0
    for left, right in zip(weights(broken), weights(whole), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)


def test_a_training_by_the_clock_goes_on_when_its_time_is_over(
    images, tmp_path, capsys, monkeypatch
):
    """Interrupted before the model was saved: it is, and nothing is trained again."""
    out, folder = tmp_path / "timed.keras", tmp_path / "timed.checkpoints"
    with monkeypatch.context() as patch:
        patch.setattr("siamlab.models.saving.write_whole", interrupted)
        assert main(command(images, out, "--minutes", "0.05")) == 130
    assert latest_checkpoint(folder) is not None
    capsys.readouterr()
    assert main(command(images, out, "--minutes", "0.001", "--resume")) == 0
    assert "nothing is left to train after epoch" in capsys.readouterr().out
    assert load_model(out).metadata.threshold is not None and not folder.exists()


def test_what_was_trained_is_kept_and_named_when_saving_fails(
    images, tmp_path, capsys, monkeypatch
):
    out = tmp_path / "model.keras"

    def full(*_, **__):
        raise StorageError("Cannot write it: the disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr("siamlab.models.saving.write_whole", full)
        assert main(command(images, out, "--epochs", "1")) == 2
    error = capsys.readouterr().err
    folder = tmp_path / "model.checkpoints"
    assert error.count("\n") == 1 and "the disk is full" in error
    assert f"What was trained is kept in {folder}" in error and "--resume" in error
    assert main(command(images, out, "--epochs", "1", "--resume")) == 0
    assert "nothing is left to train after epoch 1" in capsys.readouterr().out
    assert out.is_file() and not folder.exists()


def test_other_settings_start_anew_and_say_why(images, tmp_path, capsys, monkeypatch):
    out = tmp_path / "model.keras"
    with monkeypatch.context() as patch:
        patch.setattr("siamlab.models.saving.write_whole", interrupted)
        assert main(command(images, out, "--epochs", "1", "--resume")) == 130
    told = capsys.readouterr().out
    assert f"no checkpoint in {out.with_suffix('.checkpoints')}: the training begins" in told
    assert f"What was trained is kept in {out.with_suffix('.checkpoints')}" in told
    assert main(command(images, out, "--epochs", "1", "--seed", "8", "--resume")) == 0
    # Another seed draws other pairs of other people.
    told = capsys.readouterr().out
    assert "started anew, because the data changed; the settings changed: seed" in told


def test_copies_among_the_images_are_counted_in_a_line(tmp_path, capsys):
    people = write_people(tmp_path / "people", people=6, images=2, seed=2)
    first, second, other = sorted(people.glob("*/*.jpg"))[:3]
    for copy in (second, other):
        copy.write_bytes(first.read_bytes())
    assert main(command(people, tmp_path / "model.keras", "--epochs", "1")) == 0
    line = "2 of 12 images are copies of others, 1 of them under another person's name\n"
    assert line in capsys.readouterr().out
