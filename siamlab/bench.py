"""Measurements of this machine, each as a ratio within one run.

Comes in: nothing but drawn people. Goes out: :class:`BenchResults`, printed by
``siamlab bench`` and by ``benchmarks/run.py``.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from siamlab.cameras import DrawnCamera
from siamlab.faces import Preprocessing, open_finder
from siamlab.gallery import Gallery
from siamlab.models import Siamese, build_embedding, build_siamese, mirrored
from siamlab.recipes import FACE_FRACTION
from siamlab.record import ModelRecord
from siamlab.studies import machine_name
from siamlab.verification import Verifier


@dataclass(frozen=True)
class BenchResults:
    """What was measured; times in seconds unless the name says otherwise.

    Attributes:
        machine: processor and cores.
        stored: templates that one probe is compared with.
        report_seconds: one probe the report's way, a ``predict`` per stored image.
        verifier_seconds: the same probe, one embedding and the head over stored templates.
        verification_ratio: the former over the latter.
        largest_difference: between the two ways' probabilities.
        matmul_gflops: float32 matrix multiplication, in GFLOP/s.
        step_seconds: one training step of Koch's network on 16 pairs.
        step_gflops: floating-point work of the step over its time, in GFLOP/s.
        step_share: share of the matrix-multiplication limit reached.
        live: frames a second of the live loop, and its parts in milliseconds, per network.
    """

    machine: str
    stored: int
    report_seconds: float
    verifier_seconds: float
    verification_ratio: float
    largest_difference: float
    matmul_gflops: float
    step_seconds: float
    step_gflops: float
    step_share: float
    live: dict[str, dict[str, float]]

    def to_json(self) -> str:
        """All fields."""
        return json.dumps(asdict(self), indent=1)

    def __str__(self) -> str:
        lines = [
            f"machine: {self.machine}",
            f"verification of one probe against {self.stored} stored images, Koch's network:",
            f"  the report's way {self.report_seconds:.2f} s, Verifier "
            f"{1000 * self.verifier_seconds:.1f} ms: {self.verification_ratio:.0f} times sooner, "
            f"probabilities differ by at most {self.largest_difference:.1e}",
            f"training step, 16 pairs: {self.step_seconds:.2f} s, {self.step_gflops:.0f} GFLOP/s, "
            f"{self.step_share:.0%} of the machine's {self.matmul_gflops:.0f} GFLOP/s",
        ]
        for name, parts in self.live.items():
            times = {name: value for name, value in parts.items() if name != "fps"}
            detail = ", ".join(f"{part} {value:.1f} ms" for part, value in times.items())
            lines.append(f"live loop, {name}, 640x480: {parts['fps']:.1f} frames/s ({detail})")
        return "\n".join(lines)


def median_seconds(run: Callable[[], Any], rounds: int = 5) -> float:
    """Median time of a call after one that is not counted."""
    run()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def fresh_model(arch: str, size: int) -> Siamese:
    """A network with random weights: speed does not depend on training."""
    record = ModelRecord(arch=arch, preprocessing=Preprocessing(size=size, fraction=FACE_FRACTION))
    embedding = build_embedding(arch, (size, size, 3))
    if arch == "compact":  # verified with the mirror image, as train_compact leaves it
        return build_siamese(mirrored(embedding), "squared", record)
    return build_siamese(embedding, "l1", record)


def measure_verification(model: Siamese, stored: int = 50) -> tuple[float, float, float]:
    """Seconds the report's way, seconds with stored templates, largest score difference."""
    rng = np.random.default_rng(0)
    shape = model.embedding.input_shape[1:]
    probe = rng.random((1, *shape), dtype=np.float32)
    images = rng.random((stored, *shape), dtype=np.float32)
    templates = model.embed(images)

    def report() -> np.ndarray:
        return np.array([model.predict([probe, image[None]], verbose=0)[0, 0] for image in images])

    def cached() -> np.ndarray:
        return model.score(model.embed(probe)[0], templates)

    difference = float(np.abs(report() - cached()).max())
    return median_seconds(report, 1), median_seconds(cached, 9), difference


def multiply_adds(model: Any) -> int:
    """Multiplications of one image's forward pass through a network's weighted layers."""
    total = 0
    for layer in model._flatten_layers():
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            places = int(np.prod(layer.output.shape[1:-1])) if len(kernel.shape) == 4 else 1
            total += places * int(np.prod(kernel.shape))
    return total


def measure_matmul(side: int = 3072) -> float:
    """GFLOP/s of one float32 matrix multiplication on Keras' backend."""
    from siamlab.backend import ops

    left = ops.convert_to_tensor(np.random.default_rng(0).random((side, side), dtype=np.float32))
    seconds = median_seconds(lambda: ops.convert_to_numpy(ops.matmul(left, left)[0, 0]))
    return 2 * side**3 / seconds / 1e9


def measure_step(model: Siamese, batch: int = 16) -> tuple[float, float]:
    """Seconds of a training step on ``batch`` pairs, and the GFLOP/s it reaches."""
    rng = np.random.default_rng(0)
    shape = (batch, *model.embedding.input_shape[1:])
    anchor, other = (rng.random(shape, dtype=np.float32) for _ in range(2))
    labels = rng.integers(0, 2, (batch, 1)).astype(np.float32)
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    seconds = median_seconds(lambda: model.train_on_batch([anchor, other], labels), 3)
    # Two towers; forward once, backward about twice; a multiplication and an addition each.
    work = 2 * batch * 3 * 2 * multiply_adds(model.embedding)
    return seconds, work / seconds / 1e9


def measure_live(model: Siamese, frames: int = 60, stored: int = 50) -> dict[str, float]:
    """Frames a second of detect, embed and score on a drawn person, with its parts."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, DrawnCamera(7) as camera:
        finder = open_finder("auto")
        verifier = Verifier(model, Gallery(folder), finder)
        seen: list[np.ndarray] = []
        while len(seen) < stored:
            frame = camera.read()
            if finder.find(frame):
                seen.append(frame)
        verifier.enrol("drawn", seen, rule="largest")
        # Drawn beforehand: a webcam fills its frames without help of the processor.
        film = [camera.read() for _ in range(frames)]
        parts: dict[str, list[float]] = {}
        began = time.perf_counter()
        for frame in film:
            for name, seconds in verifier.verify(frame, "drawn").seconds.items():
                parts.setdefault(name, []).append(seconds)
        fps = frames / (time.perf_counter() - began)
    medians = {name: 1000 * statistics.median(values) for name, values in parts.items()}
    return {"fps": round(fps, 1), **{name: round(value, 2) for name, value in medians.items()}}


def measure_all(say: Callable[[str], None] = print) -> BenchResults:
    """Run every measurement, a line before each.

    Args:
        say: receives a line of progress.
    """
    koch, compact = fresh_model("koch", 105), fresh_model("compact", 72)
    say("verification, the report's way and with stored templates ...")
    slow, fast, difference = measure_verification(koch)
    say("training step against matrix multiplication ...")
    gflops = measure_matmul()
    step_seconds, step_gflops = measure_step(koch)
    say("live loop ...")
    live = {"compact": measure_live(compact), "koch": measure_live(koch)}
    return BenchResults(
        machine=machine_name(),
        stored=50,
        report_seconds=round(slow, 4),
        verifier_seconds=round(fast, 5),
        verification_ratio=round(slow / fast, 1),
        largest_difference=difference,
        matmul_gflops=round(gflops, 1),
        step_seconds=round(step_seconds, 4),
        step_gflops=round(step_gflops, 1),
        step_share=round(step_gflops / gflops, 3),
        live=live,
    )
