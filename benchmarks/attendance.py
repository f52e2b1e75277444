"""The register under load, saved beside this script: python benchmarks/attendance.py

Thirty drawn people come one after another before one drawn camera; 20,000 are enrolled in an
encrypted gallery, all but the thirty with random templates. Each states a name; five frames decide
(``Door``), and the register notes it. What is timed is the work: the drawn camera's own time stands
apart, and nobody walks. Then a year is registered (200 sessions of thirty people), exported and
drawn.

Drawn people look alike to a network that knows photographs, so the number of people confirmed says
nothing of its accuracy. Other load makes all of it slower: the load average is saved too, and
processor seconds beside the wall clock's.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from siamlab.attendance.register import Register
from siamlab.attendance.summary import summarize, write_csv
from siamlab.capture.cameras import open_camera
from siamlab.config import open_workspace
from siamlab.gallery import Gallery
from siamlab.models.opening import open_embedder
from siamlab.plotting.attendance_plots import plot_attendance
from siamlab.plotting.style import save_figure
from siamlab.system.machine import machine_name
from siamlab.ui.panels.attendance_panel import FRAMES
from siamlab.verification.door import Door
from siamlab.verification.result import Verification
from siamlab.verification.verifier import Verifier

PASSPHRASE = "correct horse battery"
PUPILS = 30
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
Times = dict[str, list[float]]


def main() -> None:
    """Measure, print and write attendance.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--enrolled", type=int, default=20_000)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": machine_name(), "load": [os.getloadavg()[0]]}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        model = open_embedder("pretrained", open_workspace(root / "workspace"))
        gallery = Gallery(root / "gallery", PASSPHRASE)
        verifier = Verifier(model, gallery)
        results["enroll_seconds"] = seconds(lambda: enroll(verifier, options.enrolled))
        results["lesson"] = lesson(Verifier(model, Gallery(gallery.folder, PASSPHRASE)))
        results["year"] = year(Gallery(gallery.folder, PASSPHRASE), options.sessions, root)
        results["enrolled"] = len(gallery.people())
    results["load"].append(os.getloadavg()[0])
    print(json.dumps(results, indent=2))
    options.out.write_text(json.dumps(results, indent=2) + "\n")


def name(pupil: int) -> str:
    return f"pupil {pupil:02d}"


def enroll(verifier: Verifier, enrolled: int) -> None:
    """Thirty drawn people by two frames each, and others with random templates."""
    for pupil in range(PUPILS):
        with open_camera(f"drawn:{pupil}") as camera:
            verifier.enroll(name(pupil), [camera.read(), camera.read()], consent="drawn")
    dimensions = verifier.gallery.get(name(0), verifier.model_id).templates.shape[1]
    rng = np.random.default_rng(0)

    def others() -> Iterator[tuple[str, np.ndarray]]:
        for number in range(enrolled - PUPILS):
            rows = rng.standard_normal((2, dimensions)).astype(np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            yield f"person {number:05d}", rows

    verifier.gallery.enroll_many(others(), verifier.model_id, consent="drawn")


def lesson(verifier: Verifier) -> dict[str, Any]:
    """Thirty people at the door, one after another."""
    register, door = Register(verifier.gallery), Door(verifier)
    times: Times = defaultdict(list)
    unlock = seconds(lambda: register.open_session("lesson"))
    outcome: dict[str, int] = defaultdict(int)
    busy = time.process_time()
    for pupil in range(PUPILS):
        with open_camera(f"drawn:{pupil}") as camera:
            began = time.perf_counter()
            frames = [camera.read() for _ in range(FRAMES)]
            times["camera"].append(time.perf_counter() - began)
        began = time.perf_counter()
        verification = door.verify(frames, name(pupil))
        times["verify"].append(time.perf_counter() - began)
        for part, spent in verification.seconds.items():
            times[f"{part}_of_a_frame"].append(spent)
        outcome[verification.verdict] += 1
        if verification.verified:
            began = time.perf_counter()
            register.mark("lesson", verification)
            times["register"].append(time.perf_counter() - began)
    work = sum(times["verify"]) + sum(times["register"])
    return {
        "people": PUPILS,
        "frames_of_each": FRAMES,
        "verdicts": dict(outcome),
        "open_session_seconds": unlock,  # with Argon2id, once in a program
        "milliseconds": milliseconds(times),
        "seconds_in_all": work,
        "cpu_seconds_in_all_with_drawing": time.process_time() - busy,
        "share_of_5_minutes": work / 300,
    }


def year(gallery: Gallery, sessions: int, folder: Path) -> dict[str, Any]:
    """Many sessions registered, then read, exported and drawn."""
    register = Register(gallery)
    scores = np.array([0.9], np.float32)
    yes = Verification("", True, scores, 0.5, 0.5, None, {}, fused=1.0, model="drawn")
    times: Times = defaultdict(list)
    for day in range(sessions):
        begins = MONDAY + timedelta(days=day)
        title = f"day {day:03d}"
        times["open"].append(seconds(partial(register.open_session, title, "09:00", now=begins)))
        for pupil in range(PUPILS):
            if (day + 7 * pupil) % 11 == 0:  # some are absent, and some late
                continue
            now = begins + timedelta(seconds=11 * pupil + (400 if (day + pupil) % 13 == 0 else 0))
            answer = replace(yes, person=name(pupil))
            times["mark"].append(seconds(partial(register.mark, title, answer, now)))
    again = Register(Gallery(gallery.folder, PASSPHRASE))
    again.sessions()  # opens the vault
    began = time.perf_counter()
    entries = again.entries()
    read = time.perf_counter() - began
    write = seconds(lambda: write_csv(folder / "year.csv", entries))
    table = summarize(entries)
    figure = seconds(
        lambda: save_figure(
            plot_attendance(table.people, table.sessions, table.status), "year", folder
        )
    )
    return {
        "sessions": sessions,
        "entries": len(entries),
        "open_milliseconds": milliseconds(times)["open"],
        "mark_milliseconds": milliseconds(times)["mark"],
        "mark_milliseconds_last_session": 1000 * float(np.median(times["mark"][-PUPILS + 3 :])),
        "read_seconds": read,
        "csv_seconds": write,
        "csv_bytes": (folder / "year.csv").stat().st_size,
        "picture_seconds": figure,
        "picture_bytes": (folder / "year.svg").stat().st_size,
    }


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def milliseconds(times: Times) -> dict[str, dict[str, float]]:
    """Median, and 95 of 100 are quicker than the second number."""
    return {
        key: {"median": 1000 * float(np.median(v)), "p95": 1000 * float(np.quantile(v, 0.95))}
        for key, v in times.items()
    }


if __name__ == "__main__":
    main()
