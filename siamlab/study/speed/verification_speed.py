"""Speed of verification: one probe against stored images, on one core, and in the live loop."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from siamlab.capture.cameras import DrawnCamera
from siamlab.errors import SiamlabError
from siamlab.faces.detectors import open_detector
from siamlab.gallery import Gallery
from siamlab.models.embedder import FaceEmbedder
from siamlab.models.opening import open_embedder
from siamlab.models.saving import load_model
from siamlab.models.siamese import Siamese
from siamlab.study.speed.timing import fresh_model, median_seconds
from siamlab.verification.verifier import Verifier


def measure_verification(model: Siamese, stored: int = 50) -> tuple[float, float, float]:
    """Seconds as in the report and with stored templates, and the largest score difference."""
    rng = np.random.default_rng(0)
    shape = model.embedding.input_shape[1:]
    probe = rng.random((1, *shape), dtype=np.float32)
    images = rng.random((stored, *shape), dtype=np.float32)
    templates = model.embed(images)

    def report() -> np.ndarray:
        return np.array([model.predict([probe, image[None]], verbose=0)[0, 0] for image in images])

    def cached() -> np.ndarray:
        return model.score_pairs(model.embed(probe)[0], templates)

    difference = float(np.abs(report() - cached()).max())
    return median_seconds(report, 1), median_seconds(cached, 9), difference


PACKAGED = "pretrained"
IN_KERAS = f"{PACKAGED} in Keras"  # without its exported copy


def probe_milliseconds(name: str, size: int | None, stored: int = 50, rounds: int = 50) -> float:
    """One probe chip, embedded and compared with stored templates, in this process.

    Args:
        name, size, stored: see :func:`measure_one_core`.
        rounds: number of measurements.
    """
    if size is not None:
        model: FaceEmbedder = fresh_model(name, size)
    else:
        model = load_model(PACKAGED) if name == IN_KERAS else open_embedder(name)
    rng = np.random.default_rng(0)
    side = model.metadata.preprocessing.size
    probe = rng.random((1, side, side, 3), dtype=np.float32)
    templates = rng.random((stored, model.embed(probe).shape[1]), dtype=np.float32)
    return 1000 * median_seconds(
        lambda: model.score_pairs(model.embed(probe)[0], templates), rounds
    )


ONE_CORE = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from siamlab.study.speed.verification_speed import probe_milliseconds
size = int(sys.argv[2]) or None
print(probe_milliseconds(sys.argv[1], size, int(sys.argv[3])))
"""
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)


def measure_one_core(name: str, size: int | None, stored: int = 50) -> float:
    """Milliseconds of one probe against stored templates, in a process limited to one core.

    Args:
        name: ``koch`` or ``compact`` with random weights in Keras; or ``pretrained``, its
            exported copy, or ``pretrained in Keras``.
        size: side of the input in pixels; ``None`` for ``pretrained``.
        stored: number of templates.

    Raises:
        SiamlabError: the process failed; the message is its own.
    """
    out = subprocess.run(
        [sys.executable, "-c", ONE_CORE, name, str(size or 0), str(stored)],
        env={**os.environ, **ONE_THREAD, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    if out.returncode != 0:
        raise SiamlabError(f"One core was not measured: {out.stderr.strip().splitlines()[-1]}")
    return float(json.loads(out.stdout.splitlines()[-1]))


def measure_live(model: FaceEmbedder, frames: int = 60, stored: int = 50) -> dict[str, float]:
    """Frames per second of detection, embedding and scoring on a drawn person, and the parts."""
    with tempfile.TemporaryDirectory() as folder, DrawnCamera(7) as camera:
        detector = open_detector("auto")
        verifier = Verifier(model, Gallery(folder), detector)
        seen: list[np.ndarray] = []
        while len(seen) < stored:
            frame = camera.read()
            if detector.detect(frame):
                seen.append(frame)
        verifier.enroll("drawn", seen, rule="largest", consent="drawn")
        # Drawn beforehand: a webcam's frames cost the processor nothing.
        film = [camera.read() for _ in range(frames)]
        parts: dict[str, list[float]] = {}
        began = time.perf_counter()
        for frame in film:
            for name, seconds in verifier.verify(frame, "drawn").seconds.items():
                parts.setdefault(name, []).append(seconds)
        fps = frames / (time.perf_counter() - began)
    medians = {name: 1000 * statistics.median(values) for name, values in parts.items()}
    return {"fps": round(fps, 1), **{name: round(value, 2) for name, value in medians.items()}}
