"""Read 10,000 malformed images, and give some of each kind to the shell's commands.

    python benchmarks/malformed.py [--count 10000] [--seed 0]

Writes malformed.json beside this script: for each kind how many gave a picture and how many one
line, what else happened (nothing may), the slowest, and the memory. Any traceback, warning, line on
standard error, hang or stray file is an ``unexpected`` entry, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from malformed_images import EITHER, ERROR, KINDS, RESULT, Case, contents, special_files
from PIL import Image

from siamlab.data.synthetic import write_people
from siamlab.errors import ImageError
from siamlab.images.decode import read_image
from siamlab.system.machine import machine_name

ROOT = Path(__file__).parents[1]
SECONDS = 20
SHELL = [sys.executable, "-m", "siamlab.cli"]
LARGEST = {"RGB": "jpg", "RGBA": "png", "I;16": "png", "L": "jpg"}  # modes at 8000 x 8000


class TooLongError(BaseException):
    """A read that does not come back; not an Exception, which the reader turns into a line."""


def _too_long(*_: object) -> None:
    raise TooLongError


def peak_megabytes() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def read(path: Path) -> str:
    """``result``, ``error``, or what else happened."""
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read_image(path)
    except ImageError as error:
        return ERROR if str(error).isprintable() else f"more than a line: {error!r}"
    except TooLongError:
        return f"more than {SECONDS} seconds"
    except Exception as error:
        return repr(error)
    finally:
        signal.alarm(0)
    return RESULT


def read_all(cases: list[Case], folder: Path) -> dict[str, Any]:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    unexpected: list[str] = []
    times: list[tuple[float, str]] = []
    before = peak_megabytes()
    kept, log = os.dup(2), folder.parent / "stderr"
    with log.open("wb") as file:
        os.dup2(file.fileno(), 2)
        for case in cases:
            path = folder / case.name
            path.write_bytes(case.content)
            began = time.perf_counter()
            outcome = read(path)
            times.append((time.perf_counter() - began, case.kind))
            kinds[case.kind][outcome] += 1
            if outcome not in (RESULT, ERROR) or case.expected not in (EITHER, outcome):
                unexpected.append(f"{case.kind}, {path.name}: {outcome}")
            path.unlink()
        for what, path in special_files(folder):
            kinds[f"special: {what}"][outcome := read(path)] += 1
            if outcome != ERROR:
                unexpected.append(f"{what}: {outcome}")
        os.dup2(kept, 2)
    if log.stat().st_size:
        unexpected.append(f"standard error: {log.read_bytes()[:300]!r}")
    return {
        "files": sum(sum(counts.values()) for counts in kinds.values()),
        "kinds": {kind: dict(sorted(kinds[kind].items())) for kind in sorted(kinds)},
        "slowest": [{"seconds": round(s, 3), "kind": k} for s, k in sorted(times)[:-6:-1]],
        "seconds": round(sum(seconds for seconds, _ in times), 1),
        "megabytes_before": before,
        "megabytes_peak": peak_megabytes(),
        "unexpected": unexpected,
    }


def largest(mode: str, folder: Path) -> dict[str, Any]:
    """The largest picture that is read (64 megapixels), in a process of its own."""
    path = folder / f"largest.{LARGEST[mode]}"
    Image.new(mode, (8000, 8000)).save(path)
    code = (
        "import sys, time, resource\nfrom siamlab.images.decode import read_image\n"
        "began = time.perf_counter()\nread_image(sys.argv[1])\n"
        "print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    seconds, kilobytes = map(float, out.stdout.split())
    return {"mode": mode, "seconds": round(seconds, 2), "megabytes_peak": round(kilobytes / 1024)}


def run_shell(cases: list[Case], folder: Path) -> dict[str, Any]:
    """One file of each kind through ``compare``, some through ``embed`` and ``evaluate``."""
    here, home, data = folder / "here", folder / "home", folder / "data"
    here.mkdir()
    home.mkdir()
    drawn = write_people(folder / "people", people=6, images=2, seed=1)
    good = str(next(iter(sorted(drawn.rglob("*.jpg")))))
    strange = folder / "strange"
    strange.mkdir()
    files = {}
    for case in cases:
        files.setdefault(case.kind, strange / case.name)
        if files[case.kind].name == case.name:
            (strange / case.name).write_bytes(case.content)
    files |= {f"special: {what}": path for what, path in special_files(strange)}
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    unexpected: list[str] = []
    slowest = 0.0

    def run(command: str, what: str, *arguments: str) -> None:
        nonlocal slowest
        if any("\0" in argument for argument in arguments):  # no shell can pass that
            return
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "SIAMLAB_DATA": str(data),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run(
            [*SHELL, command, *arguments],
            capture_output=True, cwd=here, env=environment, timeout=300,
        )  # fmt: skip
        slowest = max(slowest, time.perf_counter() - began)
        statuses[command][str(done.returncode)] += 1
        bad = done.returncode == 2
        if done.returncode not in (0, 1, 2, 3) or done.stderr.count(b"\n") != bad:
            unexpected.append(f"{command}, {what}: {done.returncode} {done.stderr[-300:]!r}")
        if left := [path.name for path in here.iterdir()]:
            unexpected.append(f"{command}, {what}: left {left}")
        # Keras and Matplotlib keep settings of theirs at home.
        if left := {path.name for path in home.iterdir()} - {".keras", ".config", ".cache"}:
            unexpected.append(f"{command}, {what}: left {sorted(left)} at home")

    run("compare", "good", good, good)
    slowest = 0.0  # that one made the quick copy of the model
    for what, path in files.items():
        run("compare", what, good, "--", str(path))
    for what in ("random bytes", "special: pipe", "strange name"):
        run("embed", what, "compact", "--out", str(data / "out.npz"), good, str(files[what]))
    (folder / "pairs.txt").write_text("person_0001\t1\t2\nperson_0001\t1\tperson_0002\t1\n")
    bad = drawn / "person_0001" / "person_0001_0001.jpg"
    for what in ("random bytes", "decompression bomb", "special: pipe"):
        bad.unlink()
        bad.symlink_to(files[what])
        arguments = "--images", str(drawn), "--pairs", str(folder / "pairs.txt")
        run("evaluate", what, "compact", *arguments)
    return {
        "statuses": {command: dict(sorted(found.items())) for command, found in statuses.items()},
        "slowest_seconds": round(slowest, 1),
        "unexpected": unexpected,
    }


def main() -> int:
    """Read, run, write malformed.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _too_long)
    cases = list(contents(options.count, options.seed))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "files").mkdir()
        (folder / "shell").mkdir()
        found = {
            "machine": machine_name(),
            "pillow": Image.__version__,
            "seed": options.seed,
            "read": read_all(cases, folder / "files"),
            "largest": [largest(mode, folder) for mode in LARGEST],
            "shell": run_shell(cases[: 4 * len(KINDS)], folder / "shell"),
        }
    text = json.dumps(found, indent=1, ensure_ascii=True) + "\n"
    (Path(__file__).parent / "malformed.json").write_text(text)
    unexpected = [*found["read"]["unexpected"], *found["shell"]["unexpected"]]
    print(
        f"{found['read']['files']} files read, {len(unexpected)} unexpected", *unexpected, sep="\n"
    )
    return bool(unexpected)


if __name__ == "__main__":
    sys.exit(main())
