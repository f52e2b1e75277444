"""Keras under other settings than siamlab's, and in forked processes."""

from __future__ import annotations

import gc
import json
import os
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from fakes import FakeDetector, FakeModel

from siamlab.config import open_workspace
from siamlab.data.synthetic import write_people
from siamlab.errors import InputError
from siamlab.gallery import Gallery
from siamlab.models.exported import ExportedModel
from siamlab.models.opening import open_embedder
from siamlab.system.backend import _garbage_left
from siamlab.verification.verifier import Verifier

ROOT = Path(__file__).parents[2]
SHAPES = """
import numpy as np
import siamlab
from siamlab.system.backend import keras

for arch, size in (("compact", 32), ("koch", 60)):
    network = siamlab.build_embedding(arch, (size, size, 3), 0.25)
    formats = {layer.data_format for layer in network.layers if hasattr(layer, "data_format")}
    print(formats, network.dtype, network.count_params())
model = siamlab.load_model("compact")
print(model.embed(np.full((1, 64, 64, 3), 0.25, np.float32)).round(4).tolist()[0][:3])
"""


def child(program: str, *words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *(["-c", program] if program else []), *words],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, check=False,
        timeout=300,
    )  # fmt: skip


def keras_home(folder: Path, settings: dict[str, str]) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "keras.json").write_text(json.dumps(settings))
    return str(folder)


def test_settings_of_other_work_change_no_network(tmp_path):
    """Koch's network with channels first would see an image of 3 columns and 60 colors."""
    plain = child(SHAPES, KERAS_HOME=keras_home(tmp_path / "plain", {}))
    other = {"image_data_format": "channels_first", "floatx": "float16", "epsilon": 1e-4}
    changed = child(SHAPES, KERAS_HOME=keras_home(tmp_path / "other", other))
    assert plain.stdout == changed.stdout and changed.stdout.count("{'channels_last'} float32") == 2
    assert (changed.returncode, changed.stderr) == (0, "")


BACKENDS = [name for name in ("torch", "openvino") if find_spec(name) is None]


@pytest.mark.parametrize("backend", [*BACKENDS, "theano"])
def test_a_missing_backend_is_one_line(backend, tmp_path):
    home = keras_home(tmp_path / "home", {"backend": backend})
    words = ["-m", "siamlab.cli", "embed", "compact", "a.jpg", "--out", "a.npz"]
    for environment in ({"KERAS_HOME": home}, {"KERAS_BACKEND": backend}):
        environment.setdefault("KERAS_BACKEND", "")
        done = child("", *words, **environment)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert backend in done.stderr and "KERAS_BACKEND=tensorflow" in done.stderr


FORKED = """
import os, signal, sys
import numpy as np
import siamlab

image = np.full((1, 32, 32, 3), 0.5, np.float32)
build = lambda: siamlab.build_siamese(siamlab.build_embedding("compact", (32, 32, 3), 0.25))
siamlab.save_model(build(), sys.argv[1])
model = siamlab.load_model(sys.argv[1])
model.embed(image)
works = {
    "embed": lambda: model.embed(image),
    "score": lambda: model.score_pairs(np.ones((1, 128)), np.ones((1, 128))),
    "call": lambda: model([image, image]),
    "load": lambda: siamlab.load_model(sys.argv[1]),
    "build": build,
}
for name, work in works.items():
    child = os.fork()
    if not child:
        signal.alarm(30)  # a child that hangs is killed, and fails
        try:
            work()
        except siamlab.SiamlabError as error:
            print(name, error, flush=True)
            os._exit(7)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
model.embed(image)
"""

FORKED_BEFORE = """
import os
import numpy as np
import siamlab.system.backend

child = os.fork()
if not child:
    siamlab.load_model("compact").embed(np.full((1, 64, 64, 3), 0.5, np.float32))
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
def test_a_forked_process_says_at_once_that_it_would_hang(tmp_path):
    done = child(FORKED, str(tmp_path / "m.keras"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1::2] == ["7"] * 5
    for name, line in zip(("embed", "score", "call", "load", "build"), lines[::2], strict=True):
        assert line.startswith(f"{name} This process was forked") and "'spawn'" in line


@needs_fork
def test_a_process_forked_before_any_model_works():
    assert child(FORKED_BEFORE).stdout == "0\n"


def test_what_belongs_to_one_process_is_not_pickled(tmp_path):
    gallery = Gallery(tmp_path / "gallery")
    verifier = Verifier(FakeModel(threshold=0.5), gallery, FakeDetector())
    for one in (verifier, gallery, object.__new__(ExportedModel)):
        with pytest.raises(InputError, match=r"not pickled: it holds .* in each process"):
            pickle.dumps(one)


def test_the_pages_example_of_spawn_works(tmp_path):
    page = (ROOT / "docs" / "how_to" / "processes.md").read_text()
    program = tmp_path / "program.py"
    program.write_text(page.split("```python\n")[1].split("```")[0])
    for name, image in zip(
        "ab", sorted(write_people(tmp_path / "p", 1, 2).rglob("*.jpg")), strict=True
    ):
        image.rename(tmp_path / f"{name}.jpg")
    workspace = open_workspace(tmp_path / "work")
    open_embedder("compact", workspace)  # the copy is made before the processes start
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, cwd=tmp_path, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SIAMLAB_DATA": str(workspace.root)},
        timeout=300,
    )  # fmt: skip
    assert done.stdout == "a.jpg (128,)\nb.jpg (128,)\n", done.stderr


@pytest.mark.parametrize("collects", [True, False])
def test_an_import_leaves_the_garbage_collector_as_it_was(collects, monkeypatch):
    asked = []
    monkeypatch.setattr(gc, "isenabled", lambda: collects)
    monkeypatch.setattr(gc, "disable", lambda: asked.append("off"))
    monkeypatch.setattr(gc, "enable", lambda: asked.append("on"))
    with pytest.raises(ImportError), _garbage_left():
        raise ImportError
    assert asked == (["off", "on"] if collects else ["off"])
