"""All measurements of speed in one run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from siamlab.models.embedding import build_embedding
from siamlab.models.opening import open_embedder
from siamlab.study.speed.timing import fresh_model
from siamlab.study.speed.training_speed import InputCost, PairsRate, measure_input, measure_pairs
from siamlab.study.speed.verification_speed import (
    IN_KERAS,
    PACKAGED,
    measure_live,
    measure_one_core,
    measure_verification,
)
from siamlab.system.machine import machine_name
from siamlab.training.recipes import PEOPLE, SIZES


@dataclass(frozen=True)
class BenchmarkResults:
    """Measured speeds; times in seconds unless the name has another unit.

    Attributes:
        machine: processor and cores.
        stored: number of templates that one probe is compared with.
        report_seconds: one probe as in the report, a ``predict`` per stored image.
        verifier_seconds: the same probe, one embedding and the head over stored templates.
        verification_ratio: the former over the latter.
        largest_difference: between both probabilities.
        one_core_ms: one probe and stored templates on one core, per network, in milliseconds.
        matmul_gflops: float32 matrix multiplication, in GFLOP/s.
        step_seconds: one training step of Koch's network on 16 pairs.
        step_gflops: floating-point work of the step over its time, in GFLOP/s.
        step_share: share of ``matmul_gflops`` that the step reaches.
        pairs: the report's training loop against all pairs of a batch, per network.
        input: cost of files and augmentation in a training step, per network.
        live: frames a second of the live loop, and its parts in milliseconds, per network.
    """

    machine: str
    stored: int
    report_seconds: float
    verifier_seconds: float
    verification_ratio: float
    largest_difference: float
    one_core_ms: dict[str, float]
    matmul_gflops: float
    step_seconds: float
    step_gflops: float
    step_share: float
    pairs: dict[str, PairsRate]
    input: dict[str, InputCost]
    live: dict[str, dict[str, float]]

    def to_json(self) -> str:
        """All fields."""
        return json.dumps(asdict(self), indent=1)

    def __str__(self) -> str:
        lines = [
            f"machine: {self.machine}",
            f"verification of one probe against {self.stored} stored images, Koch's network:",
            f"  as in the report {self.report_seconds:.2f} s, Verifier "
            f"{1000 * self.verifier_seconds:.1f} ms: {self.verification_ratio:.0f} times faster, "
            f"probabilities differ by at most {self.largest_difference:.1e}",
            *(
                f"  {name} on one core: {milliseconds:.1f} ms"
                for name, milliseconds in self.one_core_ms.items()
            ),
            f"training step, 16 pairs: {self.step_seconds:.2f} s, {self.step_gflops:.0f} GFLOP/s, "
            f"{self.step_share:.0%} of the machine's {self.matmul_gflops:.0f} GFLOP/s",
        ]
        for name, rate in self.pairs.items():
            lines.append(
                f"pairs compared in training, {name}: the report's loop "
                f"{rate.report_pairs_per_second:.0f} a second, all pairs of {rate.images} images "
                f"{rate.pairs_per_second:.0f} a second: {rate.ratio:.0f} times as many, from "
                f"{rate.images_per_second / rate.report_images_per_second:.1f} times the images a "
                f"second ({rate.share:.0%} of the machine's speed)"
            )
        for name, cost in self.input.items():
            lines.append(
                f"input, {name}: a step takes {1000 * cost.step_seconds:.0f} ms from files with "
                f"augmentation, {1000 * cost.cached_step_seconds:.0f} ms from one batch in memory: "
                f"{cost.ratio - 1:+.1%}"
            )
        for name, parts in self.live.items():
            times = {name: value for name, value in parts.items() if name != "fps"}
            detail = ", ".join(f"{part} {value:.1f} ms" for part, value in times.items())
            lines.append(f"live loop, {name}, 640x480: {parts['fps']:.1f} frames/s ({detail})")
        return "\n".join(lines)


def run_benchmark(print_fn: Callable[[str], None] = print) -> BenchmarkResults:
    """Run every measurement.

    Args:
        print_fn: called with a line of progress before each.
    """
    koch, compact = (fresh_model(arch, SIZES[arch]) for arch in ("koch", "compact"))
    print_fn("verification, as in the report and with stored templates ...")
    slow, fast, difference = measure_verification(koch)
    print_fn("verification on one core ...")
    names = ("compact", PACKAGED, IN_KERAS, "koch")
    one_core = {name: round(measure_one_core(name, SIZES.get(name)), 2) for name in names}
    print_fn("live loop ...")
    models = {"compact": compact, PACKAGED: open_embedder(PACKAGED), "koch": koch}
    live = {name: measure_live(model) for name, model in models.items()}
    print_fn("pairs compared in training ...")
    rates = {}
    for arch in ("compact", "koch"):
        side = SIZES[arch]
        network = build_embedding(arch, (side, side, 3))
        rates[arch] = measure_pairs(network, images=2 * PEOPLE[arch], rounds=3)
    print_fn("input pipeline ...")
    side = SIZES["compact"]
    cost = measure_input(build_embedding("compact", (side, side, 3)), PEOPLE["compact"])
    return BenchmarkResults(
        machine=machine_name(),
        stored=50,
        report_seconds=round(slow, 4),
        verifier_seconds=round(fast, 5),
        verification_ratio=round(slow / fast, 1),
        largest_difference=difference,
        one_core_ms=one_core,
        matmul_gflops=rates["koch"].matmul_gflops,
        step_seconds=rates["koch"].report_step_seconds,
        step_gflops=rates["koch"].report_gflops,
        step_share=rates["koch"].report_share,
        pairs=rates,
        input={"compact": cost},
        live=live,
    )
