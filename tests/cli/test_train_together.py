"""``siamlab train --processes 2``: one killed, both ended with one line, and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from jax_processes import ROOT, jax_environment

from siamlab.cli import main
from siamlab.data.synthetic import write_people
from siamlab.models.saving import load_model
from siamlab.system.together import Ending
from siamlab.training.checkpoint_files import latest_checkpoint

PROC = Path("/proc")
TRAIN = ("train", "--images", "people", "--processes", "2", "--epochs", "1", "--out")


def worker(parent, number):
    """The process id of a worker, by its environment."""
    wanted = f"KERAS_DISTRIBUTION_PROCESS_ID={number}".encode()
    for child in (PROC / f"{parent}/task/{parent}/children").read_text().split():
        if wanted in (PROC / child / "environ").read_bytes().split(b"\0"):
            return int(child)
    raise AssertionError(f"no worker {number}")


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
@pytest.mark.skipif(not PROC.is_dir(), reason="only Linux lists a process' children in /proc")
def test_a_killed_worker_ends_both_with_one_line_and_the_training_resumes(tmp_path):
    people = write_people(tmp_path / "people", people=6, images=2, size=96, seed=2)
    out, folder = tmp_path / "model.keras", tmp_path / "model.checkpoints"
    # Four people with eight images, one batch: 101 steps are two epochs of the history.
    command = [
        *(sys.executable, "-m", "siamlab.cli", "train", "--images", str(people)),
        *("--arch", "koch", "--size", "60", "--width", "0.02", "--epochs", "101"),
        *("--processes", "2", "--out", str(out)),
    ]
    environment = jax_environment(tmp_path)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    parent = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
    until = time.monotonic() + 300
    while latest_checkpoint(folder) is None and time.monotonic() < until:
        assert parent.poll() is None, parent.communicate()
        time.sleep(0.02)
    first, second = worker(parent.pid, 0), worker(parent.pid, 1)
    os.kill(second, signal.SIGKILL)
    _, error = parent.communicate(timeout=60)
    assert parent.returncode == 2 and error.count("\n") == 1
    assert error.startswith("siamlab: Process 1 of 2 (counted from 0) was ended by SIGKILL")
    assert f"What was trained is kept in {folder}: run the same command with --resume." in error
    assert not (PROC / str(first)).exists() and not out.exists()
    assert latest_checkpoint(folder).name == "epoch-0001.npz"

    done = subprocess.run([*command, "--resume"], cwd=ROOT, env=environment, **pipes)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("resumed at epoch 2\n") and done.stdout.count("saved") == 1
    assert not folder.exists()
    assert len(load_model(out).metadata.people) == 4


def ending(monkeypatch, number, status, *lines):
    """Let the processes end in a certain way; the commands and environments that they had."""
    seen = []

    def ended(command, environments):
        seen.extend([command, environments])
        return Ending(number, status, lines)

    monkeypatch.setattr("siamlab.cli.train_together.run_together", ended)
    return seen


def test_each_process_has_the_command_and_a_number(monkeypatch, tmp_path):
    seen = ending(monkeypatch, 0, 0)
    assert main([*TRAIN, str(tmp_path / "m.keras")]) == 0
    command, environments = seen
    assert command[-2:] == ["--processes", "1"] and command[3:5] == ["train", "--images"]
    numbers = [one["KERAS_DISTRIBUTION_PROCESS_ID"] for one in environments]
    assert numbers == ["0", "1"] and {one["KERAS_BACKEND"] for one in environments} == {"jax"}
    (address,) = {one["KERAS_DISTRIBUTION_JOB_ADDRESSES"] for one in environments}
    assert address.startswith("127.0.0.1:")


def test_a_workers_own_line_is_the_commands(monkeypatch, tmp_path, capsys):
    lines = ("I0000 a line of a library", "siamlab: Too few people.")
    ending(monkeypatch, 1, 2, *lines)
    assert main([*TRAIN, str(tmp_path / "m.keras")]) == 2
    assert capsys.readouterr().err == "siamlab: Too few people.\n"


def test_a_worker_without_a_line_is_described(monkeypatch, tmp_path, capsys):
    ending(monkeypatch, 1, 1, "Traceback", "MemoryError", "")
    assert main([*TRAIN, str(tmp_path / "m.keras")]) == 2
    line = "siamlab: Process 1 of 2 (counted from 0) ended with status 1: MemoryError\n"
    assert capsys.readouterr().err == line


def test_without_jax_one_line_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("siamlab.cli.train_together.find_spec", lambda name: None)
    assert main([*TRAIN, str(tmp_path / "m.keras")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and 'pip install "siamlab[jax]"' in error
