"""Every way out of the command line: its status, one line, and no encoding that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fakes import unprivileged

from siamlab.cli import main
from siamlab.gallery import Gallery
from siamlab.models.embedding import build_embedding
from siamlab.models.saving import save_model
from siamlab.models.siamese import build_siamese

ROOT = Path(__file__).parents[2]
NAMES = ("Zoë", "Жанна", "人", "half \udcff")
# The command that the tests run, in place of one that takes long.
REPLACED = """
import sys
import siamlab.cli.gallery_commands as commands
from siamlab.cli import main
from siamlab.cli.output import say

def list_(options):
    {body}

commands.list_ = list_
sys.exit(main(["gallery", "list"]))
"""


@pytest.fixture
def child(tmp_path):
    """Runs Python in the checkout, on a gallery of people with all kinds of names."""

    def run(*words: str, program: str | None = None, **options) -> subprocess.CompletedProcess:
        begin = ["-m", "siamlab.cli"] if program is None else ["-c", program]
        environment = {**os.environ, "SIAMLAB_DATA": str(tmp_path)} | options.pop("env", {})
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        command = [sys.executable, *begin, *words]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False, **options)

    gallery = Gallery(tmp_path / "gallery")
    for name in NAMES:
        gallery.enroll(name, [[1.0]], "m", consent="drawn")
    return run


def one_line(done: subprocess.CompletedProcess) -> str:
    error = done.stderr.decode()
    assert error.startswith("siamlab") and error.count("\n") == 1, error
    return error


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1", "ascii"])
def test_no_encoding_fails(child, encoding):
    env = {"PYTHONIOENCODING": encoding}
    done = child("gallery", "list", env=env)
    assert done.returncode == 0 and not done.stderr
    said = done.stdout.decode(encoding)
    for name in NAMES:
        assert f"{name.encode(encoding, 'backslashreplace').decode(encoding)}: 1 templ" in said
    assert child("train", "--help", env=env).returncode == 0
    for words in (["gallery", "show", "Жана \udcfe"], ["bench", "--Ж\udcfe\n人"]):
        done = child(*words, env=env)
        assert done.returncode == 2 and b"\\udcfe" in done.stderr
        one_line(done)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("words", [["gallery", "list"], ["--help"], ["--version"]])
def test_a_full_device_is_one_line(child, words):
    with Path("/dev/full").open("w") as full:
        done = child(*words, stdout=full)
        assert done.returncode == 2
        assert one_line(done) == "siamlab: The output cannot be written: No space left on device.\n"
        assert child(*words, stderr=full).returncode == 0
        for wrong in (["gallery", "show", "Eve"], ["gallery"]):
            assert child(*wrong, stdout=full, stderr=full).returncode == 2


@pytest.mark.parametrize("status", [0, 1, 3])
def test_a_reader_that_has_gone_changes_no_verdict(child, status):
    program = REPLACED.format(body=f"say('a'); say('b'); return {status}")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = child(program=program, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (status, b"")


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_output_is_no_failure(child, closed):
    done = child("gallery", "list", preexec_fn=lambda: os.close(closed))
    assert done.returncode == 0
    done = child("gallery", "show", "Eve", preexec_fn=lambda: os.close(closed))
    assert done.returncode == 2 and not done.stdout


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            "raise KeyError('a\\n' + chr(0x416))",
            r"unexpected KeyError: 'a\nЖ' (SIAMLAB_DEBUG=1 shows where it happened)",
        ),
        ("raise OSError(28, 'No space left on device', 'some.file')",
         "some.file: No space left on device."),
        ("open('/')", "/: Is a directory."),
        ("raise RecursionError('too deep')",
         "unexpected RecursionError: too deep (SIAMLAB_DEBUG=1 shows where it happened)"),
    ],
)  # fmt: skip
def test_what_nobody_foresaw_is_status_2_and_one_line(child, body, line):
    program = REPLACED.format(body=body)
    done = child(program=program)
    assert done.returncode == 2 and not done.stdout
    assert one_line(done) == f"siamlab: {line}\n"
    shown = child(program=program, env={"SIAMLAB_DEBUG": "1"}).stderr
    assert shown.startswith(b"Traceback")


def test_jupyterlab_that_fails_is_not_a_no(capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path))
    monkeypatch.setattr("siamlab.cli.course_commands._run_lab", lambda *_: 1)
    assert main(["lab"]) == 2
    assert capfd.readouterr().err == (
        "siamlab: JupyterLab ended with status 1; its own lines say why.\n"
    )


UNREADABLE = (
    ["calibrate", "compact", "--images", "{}", "--out", "m.keras"],
    ["calibrate", "compact", "--images", "{}/inside", "--lfw", "{}", "--out", "m.keras"],
    ["verify", "Ada", "a.jpg", "--model", "{}/m.keras"],
    ["embed", "compact", "{}/a.jpg", "--out", "faces.npz"],
    ["fetch", "lfw", "--from", "{}/lfw.tgz"],
    ["fetch", "resnet", "--from", "{}/resnet.dat"],
    ["assess", "compact", "--bars", "{}/bars.toml"],
)


def test_what_cannot_be_read_is_one_line(capsys, monkeypatch):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)  # another user must come as far as the locked folder, and write --out
        (folder / "locked").mkdir()
        (folder / "loop").symlink_to("loop")
        (folder / "data").mkdir()
        (folder / "data").chmod(0o777)
        monkeypatch.setenv("SIAMLAB_DATA", str(folder / "data"))
        monkeypatch.chdir(folder)
        for words in UNREADABLE:  # loads what the commands need, which may be root's alone
            main([word.format("nowhere") for word in words])
        (folder / "locked").chmod(0)
        capsys.readouterr()
        for words in UNREADABLE:
            for what in ("locked", "loop"):
                with unprivileged():
                    status = main([word.format(what) for word in words])
                error = capsys.readouterr().err
                assert status == 2 and error.count("\n") == 1 and "unexpected" not in error, error
                assert what in error, error


@pytest.mark.parametrize("folder", ["~nobody-of-this-name", "loop", "file"])
def test_a_data_folder_that_cannot_be_is_one_line(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setenv("SIAMLAB_DATA", folder)
    for words in (["gallery", "list"], ["verify", "Ada", "a.jpg"]):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and folder in error and "unexpected" not in error


def test_a_model_of_the_workspace_with_a_threshold_in_words_is_one_line(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path))
    model = build_siamese(build_embedding("compact", (32, 32, 3), 0.125))
    model.with_metadata(calibration={"threshold": "high"})
    save_model(model, tmp_path / "models" / "siamese.keras")
    assert main(["verify", "Ada", "a.jpg"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "siamese.keras" in error and "no number: 'high'" in error


def test_fetch_from_an_image_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SIAMLAB_DATA", str(tmp_path / "data"))
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff no archive")
    assert main(["fetch", "lfw", "--from", str(tmp_path / "a.jpg")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "a.jpg cannot be unpacked" in error
