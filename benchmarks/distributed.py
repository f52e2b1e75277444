"""Trainings with several processes, measured: python benchmarks/distributed.py [--width W]

The compact network learns from drawn people with one process and with two, which share each batch
(JAX on the processor). Written are the time of a step, the time to gather the embeddings of a
batch and to add the gradients, and the largest difference of the losses; then, on paper, what
several GPUs would give (:func:`paper`). Only one machine is at hand: processes compete for its
cores, so two are not expected to be quicker. On a machine with a GPU

    KERAS_BACKEND=jax python benchmarks/distributed.py --device

measures the step of each network there and makes the paper part anew from it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.cli.train_together import local_environments
from siamlab.data.collections import open_collection
from siamlab.data.synthetic import write_people
from siamlab.system.machine import machine_name
from siamlab.system.together import run_together

PEOPLE, IMAGES, DIMENSIONS = 64, 2, 128
BATCH = PEOPLE * IMAGES
STEPS, WARM = 50, 5


@dataclass(frozen=True)
class Machines:
    """What a step depends on.

    Attributes:
        arithmetic: additions and multiplications a second that a step reaches.
        links: bytes a second that a link carries each way, by how many devices there are.
        start: seconds until a message begins to arrive.
    """

    arithmetic: float
    links: dict[int, float]
    start: float


# Links and their delay are assumed, 8 GPUs in a host; arithmetic only until a GPU is measured.
GPUS = Machines(2e13, {8: 1.5e11, 64: 2e10}, 2e-5)
SIZES = {"compact": 64, "koch": 105}


def worker(people: Path, out: Path, width: float) -> None:
    """In each process: train, then time what the processes exchange."""
    from siamlab.faces.crop import Preprocessing
    from siamlab.models.embedding import build_embedding
    from siamlab.system.backend import set_seed
    from siamlab.training.distributed import joined_processes, share_of
    from siamlab.training.fit import train_people
    from siamlab.training.settings import TrainingSettings

    times: list[float] = []

    with joined_processes() as distribution:
        set_seed(0)
        embedding = build_embedding("compact", (64, 64, 3), width)
        settings = TrainingSettings(
            **{"steps": STEPS, "steps_per_epoch": 1, "people": PEOPLE, "verbose": 0},
            callbacks=(_clock(times),),
            distribution=distribution,
        )
        history = train_people(embedding, open_collection(people), Preprocessing(64, 0.6), settings)
        found: dict[str, Any] = {
            "step_seconds": statistics.median(np.diff(times[WARM:])),
            "losses": history.metrics["loss"],
            "operations": operations(embedding),
        }
        if distribution is not None:
            weights = build_embedding("compact", (64, 64, 3)).count_params()
            found |= exchanges(distribution.device_mesh.backend_mesh, weights)
        else:
            for name, size in SIZES.items():
                whole = build_embedding(name, (size, size, 3))
                found[name] = {
                    "weights": whole.count_params(),
                    "operations": operations(whole),
                    "dimensions": whole.output_shape[-1],
                }
        if share_of(distribution)[0] == 0:
            out.write_text(json.dumps(found))


def device_steps() -> dict[str, Any]:
    """The step of each network on the first device: its kind, seconds, operations a second.

    All pairs of a batch are compared, as in a training; the images lie in memory.
    """
    import jax

    from siamlab.models.embedding import build_embedding
    from siamlab.models.losses import SupervisedContrastive
    from siamlab.system.backend import keras, set_seed

    found: dict[str, Any] = {"device": jax.devices()[0].device_kind}
    labels = np.tile(np.repeat(np.arange(PEOPLE), IMAGES), STEPS)
    for name, size in SIZES.items():
        set_seed(0)
        times: list[float] = []
        network = build_embedding(name, (size, size, 3))
        unit = keras.layers.UnitNormalization()(network.output)
        model = keras.Model(network.input, unit)
        model.compile(keras.optimizers.AdamW(1e-4), SupervisedContrastive(), jit_compile=True)
        images = np.random.default_rng(0).random((len(labels), size, size, 3), np.float32)
        model.fit(images, labels, BATCH, verbose=0, shuffle=False, callbacks=[_clock(times)])
        seconds = statistics.median(np.diff(times[WARM:]))
        found[name] = {
            "step_seconds": seconds,
            "arithmetic": BATCH * operations(network) / seconds,
        }
    return found


def _clock(times: list[float]) -> Any:
    """A callback that notes when each step has ended."""
    from siamlab.system.backend import keras

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            float(logs["loss"])  # waits for the step
            times.append(time.perf_counter())

    return Clock()


def exchanges(mesh: Any, weights: int) -> dict[str, float]:
    """Seconds to gather the embeddings of a batch in each process, and to add gradients."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    count = mesh.devices.size
    whole, parts = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((), ("batch",)))

    def seconds(shape: tuple[int, int], work: Callable[[Any], Any]) -> float:
        own = np.ones((shape[0] // count, shape[1]), np.float32)
        array = jax.make_array_from_process_local_data(parts, own)
        run = jax.jit(work, out_shardings=whole)
        took = []
        for _ in range(STEPS):
            began = time.perf_counter()
            jax.block_until_ready(run(array))
            took.append(time.perf_counter() - began)
        return statistics.median(took[WARM:])

    return {
        "gather_seconds": seconds((BATCH, DIMENSIONS), lambda x: x),
        "gradients_seconds": seconds((count, weights), lambda x: x.sum(axis=0)),
    }


def operations(network: Any) -> float:
    """Additions and multiplications of an image, forward and back (three times forward)."""
    total = 0.0
    for layer in network.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            places = np.prod(layer.output.shape[1:-1], initial=1.0)
            total += 2 * float(np.prod(kernel.shape)) * places
    return float(3 * total)


def paper(network: dict[str, Any], each: int, count: int, of: Machines) -> dict[str, float]:
    """Seconds of a step of ``count`` devices that have ``each`` images.

    Gradients and embeddings go around a ring, gradients twice (reduce, then gather), embeddings
    on the way forward and their gradients on the way back. Nothing overlaps. All pairs are
    ``each`` rows of the whole batch's similarities on each device.
    """
    images, steps, numbers = each * count, count - 1, network["dimensions"]
    around = steps / count / of.links[count] if steps else 0.0
    parts = {
        "compute": each * network["operations"] / of.arithmetic,
        "pairs": 6 * each * images * numbers / of.arithmetic,
        "gather": 2 * (images * numbers * 4 * around + steps * of.start),
        "gradients": 2 * (network["weights"] * 4 * around + steps * of.start),
    }
    step = sum(parts.values())
    return {"count": count, "images": images, **parts, "per_second": images / step}


def growth(network: dict[str, Any], of: Machines) -> list[dict[str, float]]:
    """One, 8 and 64 devices: the batch divided among them, then as many images on each."""
    shared = [paper(network, BATCH // count, count, of) for count in (1, 8, 64)]
    return [*shared, *(paper(network, BATCH, count, of) for count in (8, 64))]


def as_measured(one: dict[str, Any], two: dict[str, Any], weights: int) -> Machines:
    """What the measured times say of these processes, in the terms of :func:`paper`.

    For two, a gather is a start and half of the bytes, and adding gradients is twice that.
    """
    halves = BATCH * DIMENSIONS * 4 / 2, weights * 4 / 2
    gather, half = two["gather_seconds"], two["gradients_seconds"] / 2
    link = (halves[1] - halves[0]) / max(half - gather, 1e-9)
    start = max(gather - halves[0] / link, 0.0)
    arithmetic = BATCH * one["operations"] / one["step_seconds"]
    return Machines(arithmetic, {8: link, 64: link}, start)


def on_paper(networks: dict[str, Any], device: dict[str, Any] | None) -> dict[str, Any]:
    """The growth of each network, with GPUs such as the measured one where there is one."""
    grown = {}
    for name, network in networks.items():
        measured = {} if device is None else {"arithmetic": device[name]["arithmetic"]}
        grown[name] = growth(network, replace(GPUS, **measured))
    return grown


def measure(people: Path, folder: Path, count: int, width: float) -> dict[str, Any]:
    """Run the workers."""
    out = folder / f"{count}.json"
    command = [sys.executable, __file__, "--worker", str(people), str(out), "--width", str(width)]
    ending = run_together(command, local_environments(count))
    if ending.status:
        raise SystemExit("\n".join(ending.lines))
    return dict(json.loads(out.read_text()))


def main() -> None:
    """Measure, print and write distributed.json."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--device", action="store_true", help="measure a GPU's steps only")
    parser.add_argument("--worker", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(*options.worker, options.width)
        return
    out = Path(__file__).with_suffix(".json")
    if options.device:
        found = json.loads(out.read_text())
        found["device"] = device_steps()
        write(out, found | on_paper(found["networks"], found["device"]))
        return
    with tempfile.TemporaryDirectory() as name:
        people = write_people(Path(name) / "people", people=PEOPLE, images=3, size=128, seed=1)
        one, two = (measure(people, Path(name), count, options.width) for count in (1, 2))
    apart = np.abs(np.subtract(one.pop("losses"), two.pop("losses")))
    networks = {name: one.pop(name) for name in SIZES}
    here = as_measured(one, two, networks["compact"]["weights"])
    device = json.loads(out.read_text()).get("device") if out.is_file() else None
    found = {
        **{"machine": machine_name(), "images": BATCH, "width": options.width, "steps": STEPS},
        "one": one,
        "two": two,
        "largest_difference": float(apart.max()),
        "first_difference": float(apart[:10].max()),
        "assumed": asdict(GPUS),
        "device": device,
        "networks": networks,
        "as_measured": asdict(here),
        "here": growth({**networks["compact"], "operations": one["operations"]}, here),
    }
    write(out, found | on_paper(networks, device))


def write(out: Path, found: dict[str, Any]) -> None:
    """Print and write the results."""
    text = json.dumps(found, indent=1)
    print(text)
    out.write_text(text + "\n")


if __name__ == "__main__":
    main()
