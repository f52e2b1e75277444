"""Kill programs that write, and look for what is lost: python benchmarks/killed.py

A child process enrolls, captures, erases, encrypts anew, brings over a former gallery, or keeps the
attendance register, in a loop; it tells before and after each step, and is killed (SIGKILL) at a
random moment. Then the gallery is opened and compared with what the child had told: every step that
it called done must be found, the one step that it was in must be found whole or not at all, nothing
else may differ, and the audit must hold. The gallery is encrypted, with a cheap passphrase.

A child that runs ``siamlab train`` is killed in the same way, and started again with ``--resume``,
until the model is there: every checkpoint that was written must be found, every file must be whole,
and the model must be the one that a training without interruption gives.

Killing a process is no power cut: what the system had taken over reaches the disk.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import random
import shutil
import signal
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.attendance.register import Register
from siamlab.data.synthetic import write_people
from siamlab.errors import NotEnrolledError, PassphraseError, StorageError
from siamlab.gallery import Gallery, vault
from siamlab.gallery.captures import VaultCaptures
from siamlab.gallery.consent import give_consent
from siamlab.gallery.erased import read_erased
from siamlab.gallery.rights import audit_gallery, purge
from siamlab.gallery.sealing import Argon2
from siamlab.images.decode import read_image
from siamlab.system.machine import machine_name
from siamlab.verification.result import Verification

vault.KDF = Argon2(1, 1, 8)
PASSPHRASES = ("first passphrase", "second passphrase", None)
CONSENT = give_consent("2999-12-31", by="killed")
MODEL, SIZE = "m1", (20, 256)
# A step of a child: before it, and after it.
Tell = Callable[[str, Any], None]


def templates(value: float) -> np.ndarray:
    return np.full(SIZE, value, np.float32)


@dataclass
class Round:
    """What a child told before it was killed.

    Attributes:
        done: steps that it had finished.
        open: the step that it was in, if any.
    """

    done: list[Any]
    open: Any = None


@dataclass
class Trial:
    """One kind of writing: what the child does, and what must be found afterwards.

    Attributes:
        folder: of the gallery.
        truth: what must be found.
        found: how often what was found.
        faults: what must not be, a sentence each.
    """

    folder: Path
    longest = 0.12  # seconds until the child is killed
    truth: dict[str, Any] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def gallery(self) -> Gallery:
        return Gallery(self.folder, PASSPHRASES[0])

    def prepare(self) -> None:
        """Before a round."""

    def work(self, tell: Tell) -> None:
        """What the child does."""
        raise NotImplementedError

    def check(self, told: Round) -> None:
        """Compare with what the child told."""
        raise NotImplementedError

    def expect(self, good: bool, sentence: str) -> None:
        if not good:
            self.faults.append(sentence)

    def count(self, is_new: bool) -> None:
        self.found["new state after a step cut short" if is_new else "old state"] += 1

    def audit(self, gallery: Gallery) -> None:
        for problem in audit_gallery(gallery).problems:
            self.faults.append(f"audit: {problem}")


class Enrolling(Trial):
    """Five people are enrolled again and again."""

    def work(self, tell: Tell) -> None:
        gallery = self.gallery()
        for number in itertools.count(sum(self.found.values()) * 10_000 + 1):
            step = (f"person {number % 5}", number)
            tell("begin", step)
            gallery.enroll(step[0], templates(number), MODEL, consent="drawn", replace=True)
            tell("done", step)

    def check(self, told: Round) -> None:
        gallery = self.gallery()
        self.truth |= dict(told.done)
        for name in gallery.people():
            rows = gallery.get(name).templates
            whole = rows.shape == SIZE and rows.min() == rows.max()
            self.expect(whole, f"{name} has half-written templates")
            value = float(rows[0, 0])
            if told.open is not None and name == told.open[0]:
                self.count(value == told.open[1])
                if value == told.open[1]:
                    self.truth[name] = told.open[1]
            self.expect(value == self.truth.get(name), f"{name} is {value}, not what was told")
        self.expect(set(gallery.people()) == set(self.truth), "people are missing")
        self.audit(gallery)


class Capturing(Trial):
    """Images of one person are added."""

    def captures(self) -> VaultCaptures:
        return VaultCaptures(self.gallery(), "Ada", CONSENT)

    def prepare(self) -> None:
        if len(self.truth) > 200:  # begin anew, so that a round stays short
            self.truth.clear()
            shutil.rmtree(self.folder)

    def work(self, tell: Tell) -> None:
        captures = self.captures()
        for number in itertools.count():
            level = number % 200 + 20
            tell("begin", level)
            image = captures.add("anchor", np.full((32, 32, 3), level, np.uint8))
            tell("done", (image.name, level))

    def check(self, told: Round) -> None:
        captures = self.captures()
        self.truth |= dict(told.done)
        images = {image.name: image for image in captures.images()}
        new = set(images) - set(self.truth)
        self.expect(len(new) <= (told.open is not None), f"{len(new)} images appeared")
        if told.open is not None:
            self.count(bool(new))
        self.truth |= dict.fromkeys(new, told.open)
        self.expect(set(images) == set(self.truth), "images are missing or too many")
        for name in [*dict(told.done), *new]:
            level = float(read_image(images[name]).mean())
            self.expect(abs(level - self.truth[name]) < 2, f"{name} is another image")
        self.audit(captures.gallery)


class Erasing(Trial):
    """Eight people are enrolled, then erased one after the other."""

    def prepare(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        people = [(f"person {number}", templates(number)) for number in range(8)]
        self.gallery().enroll_many(people, MODEL, consent="drawn")
        self.truth = {name: number for number, (name, _) in enumerate(people)}

    def work(self, tell: Tell) -> None:
        gallery = self.gallery()
        for name in self.truth:
            tell("begin", name)
            gallery.erase(name)
            tell("done", name)

    def check(self, told: Round) -> None:
        for name in told.done:
            del self.truth[name]
        gallery = self.gallery()
        if told.open is not None:
            number = self.truth.pop(told.open)
            try:
                rows = gallery.get(told.open).templates
            except NotEnrolledError:
                self.count(True)
            except StorageError:  # on the list of erased people already: purge finishes it
                self.found["erased by purge after a step cut short"] += 1
                purge(gallery)
                self.expect(told.open not in gallery, f"{told.open} is still there")
            else:
                self.count(False)
                self.truth[told.open] = number
                self.expect(bool((rows == number).all()), f"{told.open} is half erased")
        self.expect(set(gallery.people()) == set(self.truth), "the wrong people are there")
        for name, number in self.truth.items():
            self.expect(bool((gallery.get(name).templates == number).all()), f"{name} changed")
        self.expect(len(read_erased(self.folder)) >= len(told.done), "the list is too short")
        self.audit(gallery)


class Rekeying(Trial):
    """A gallery of twelve people is encrypted anew: another passphrase, none, the first again."""

    longest = 0.25
    passphrase: str | None = PASSPHRASES[0]

    def prepare(self) -> None:
        if not self.truth:
            people = [(f"person {number}", templates(number)) for number in range(12)]
            self.gallery().enroll_many(people, MODEL, consent="drawn")
            self.truth = {name: number for number, (name, _) in enumerate(people)}

    def work(self, tell: Tell) -> None:
        gallery, now = Gallery(self.folder, self.passphrase), PASSPHRASES.index(self.passphrase)
        for number in itertools.count(now + 1):
            passphrase = PASSPHRASES[number % 3]
            tell("begin", [passphrase])
            gallery.vault.rekey(passphrase)
            tell("done", [passphrase])

    def check(self, told: Round) -> None:
        before = told.done[-1][0] if told.done else self.passphrase
        openers = [one for one in PASSPHRASES if self.opens(one)]
        self.expect(len(openers) == 1, f"{len(openers)} passphrases open the gallery")
        self.passphrase = openers[0]
        possible = [before] if told.open is None else [before, told.open[0]]
        self.expect(self.passphrase in possible, "neither the old nor the new passphrase opens it")
        if told.open is not None:
            self.count(self.passphrase != before)
        gallery = Gallery(self.folder, self.passphrase)
        self.expect(gallery.encrypted == (self.passphrase is not None), "it is open")
        for name, number in self.truth.items():
            self.expect(bool((gallery.get(name).templates == number).all()), f"{name} changed")
        self.audit(gallery)

    def opens(self, passphrase: str | None) -> bool:
        try:
            return len(Gallery(self.folder, passphrase).people()) == len(self.truth)
        except PassphraseError:
            return False


class Migrating(Trial):
    """A former gallery of eight people is brought over."""

    longest = 0.1

    def prepare(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.truth = {f"person {number}": number for number in range(8)}
        for name, number in self.truth.items():
            write_former(self.folder, name, templates(number))

    def work(self, tell: Tell) -> None:
        tell("begin", "all")
        self.gallery().people()
        tell("done", "all")
        time.sleep(1)

    def check(self, told: Round) -> None:
        left = len(list(self.folder.glob("*.npz")))
        if told.open is not None:
            self.found[f"{'some' if 0 < left < 8 else 'all' if left else 'no'} files left"] += 1
        gallery = self.gallery()
        self.expect(gallery.people() == tuple(self.truth), "people are missing or double")
        for name, number in self.truth.items():
            self.expect(bool((gallery.get(name).templates == number).all()), f"{name} changed")
        self.expect(not list(self.folder.glob("*.npz")), "files of the former gallery are left")
        self.audit(gallery)


def write_former(folder: Path, name: str, rows: np.ndarray, model_id: str = MODEL) -> Path:
    """A person's file as siamlab 0.1 to 0.3 wrote it."""
    about = {
        "person": name,
        "sources": [f"image {i + 1}" for i in range(len(rows))],
        "model_id": model_id,
        "enrolled": "2025-01-31T12:00:00+00:00",
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.replace(' ', '_')}-0123456789abcdef.npz"
    content = np.frombuffer(json.dumps(about).encode("ascii"), np.uint8)
    np.savez(path, templates=rows, about=content)
    return path


class Registering(Trial):
    """Five people are registered, then marked absent by hand, in one session after the other."""

    longest = 0.4

    def prepare(self) -> None:
        if self.truth.get("steps", 200) >= 200:  # begin anew, so that a round stays short
            shutil.rmtree(self.folder, ignore_errors=True)
            people = [(f"person {number}", templates(number)) for number in range(5)]
            self.gallery().enroll_many(people, MODEL, consent="drawn")
            self.truth["steps"] = 0

    def work(self, tell: Tell) -> None:
        register = Register(self.gallery())
        for number in itertools.count(self.truth["steps"]):
            session, person, source = registered(number)
            tell("begin", number)
            register.open_session(session)
            if source == "camera":
                scores = np.float32([0.9])
                yes = Verification(person, True, scores, 0.5, 0.5, None, {}, fused=0.9, model=MODEL)
                register.mark(session, yes)
            else:
                register.correct(session, person, "absent", f"step {number}")
            tell("done", number)

    def check(self, told: Round) -> None:
        register = Register(self.gallery())
        entries = register.entries()
        least = self.truth["steps"] + len(told.done)
        most = least + (told.open is not None)
        self.expect(least <= len(entries) <= most, f"{len(entries)} entries, {least} were told")
        found = [(entry.session, entry.person, entry.source) for entry in entries]
        self.expect(found == [registered(n) for n in range(len(found))], "entries are mixed up")
        if told.open is not None:
            self.count(len(entries) == most)
        self.truth["steps"] = len(entries)
        self.audit(register.gallery)


def registered(number: int) -> tuple[str, str, str]:
    """Session, person and source of a step's entry."""
    source = "camera" if number % 10 < 5 else "operator"
    return f"session {number // 10}", f"person {number % 5}", source


class Training(Trial):
    """``siamlab train`` writes thirty checkpoints and a model; it is resumed until it has.

    It is killed within the time that a training takes on this machine when nobody stops it.
    """

    arguments = (
        *("--arch", "koch", "--recipe", "report", "--size", "64", "--width", "0.05"),
        *("--epochs", "30", "--out"),
    )

    def prepare(self) -> None:
        self.model, self.checkpoints = self.folder / "m.keras", self.folder / "m.checkpoints"
        if self.truth:
            return
        write_people(self.folder / "people", people=20, images=2, seed=6)
        # Read once here, which is no model yet: each child would take seconds for it.
        import siamlab.training.recipes  # noqa: F401

        began = time.perf_counter()
        killed(self.work, None)
        self.longest = 1.1 * (time.perf_counter() - began)
        self.truth = {"epoch": 0, "weights": weights_of(self.model)}
        self.model.unlink()

    def work(self, tell: Tell) -> None:
        from siamlab.cli import main as siamlab_main
        from siamlab.training.checkpoints import Checkpoints

        write = Checkpoints._write

        def told_write(callback: Any, folder: Path, epoch: int, content: Any) -> None:
            tell("begin", epoch)
            write(callback, folder, epoch, content)
            tell("done", epoch)

        Checkpoints._write = told_write
        tell("begin", "training")
        resume = ["--resume"] if any(self.checkpoints.glob("epoch-*")) else []
        images = ["--images", str(self.folder / "people")]
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        status = siamlab_main(["train", *images, *self.arguments, str(self.model), *resume])
        tell("done", ["saved", status])

    def check(self, told: Round) -> None:
        ends = [step for step in told.done if isinstance(step, list)]
        self.expect(ends in ([], [["saved", 0]]), f"siamlab train ended with {ends}")
        self.expect(bool(self.model.exists() or not ends), "a saved model is missing")
        if self.model.exists():
            same = all(
                np.allclose(one, other, atol=1e-5)
                for one, other in zip(weights_of(self.model), self.truth["weights"], strict=True)
            )
            self.expect(same, "a resumed training gave another model")
            self.found["whole model, equal to that of an unbroken training"] += 1
            self.model.unlink()
            shutil.rmtree(self.checkpoints, ignore_errors=True)  # killed before they were removed
            self.truth["epoch"] = 0
            return
        epochs = [epochs_of(path) for path in sorted(self.checkpoints.glob("epoch-*.npz"))]
        if (self.checkpoints / "best.npz").exists():
            epochs_of(self.checkpoints / "best.npz")
        found = epochs[-1] if epochs else 0
        least = told.done[-1] if told.done else self.truth["epoch"]
        writing = isinstance(told.open, int)
        possible = [least, told.open] if writing else [least]
        self.expect(found in possible, f"checkpoint {found} is the last, not one of {possible}")
        if writing:
            self.count(found == told.open)
        else:
            self.found["killed between checkpoints" if found else "no checkpoint yet"] += 1
        self.truth["epoch"] = found


def epochs_of(path: Path) -> int:
    """How many epochs a checkpoint knows of; all of its arrays are read."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return len(json.loads(str(arrays["about"]))["seconds"])


def weights_of(path: Path) -> list[np.ndarray]:
    """All weights in a model file, by name; read without Keras, so that no model is made here."""
    import h5py

    found: dict[str, np.ndarray] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with zipfile.ZipFile(path) as archive:
        content = archive.read("model.weights.h5")
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(keep)
    return [found[name] for name in sorted(found)]


TRIALS: dict[str, type[Trial]] = {
    "capturing": Capturing,
    "enrolling": Enrolling,
    "erasing": Erasing,
    "migrating": Migrating,
    "registering": Registering,
    "rekeying": Rekeying,
    "training": Training,
}


def main() -> int:
    """Kill, count, and write killed.json; status 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="of each kind (default: 200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=TRIALS, nargs="+", help="kinds; others stay in --out")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    results: dict[str, Any] = {"signal": "SIGKILL"}
    if options.only and options.out.exists():
        results = json.loads(options.out.read_text())
    for name in options.only or TRIALS:
        with tempfile.TemporaryDirectory() as folder:
            trial = TRIALS[name](Path(folder) / "gallery")
            results[name] = run(trial, options.rounds, random.Random(options.seed))
        print(json.dumps({name: results[name]}, indent=2), flush=True)
    options.out.write_text(json.dumps(results, indent=2) + "\n")
    return int(any(results[name]["faults"] for name in TRIALS if name in results))


def run(trial: Trial, rounds: int, rng: random.Random) -> dict[str, Any]:
    done = cut = journals = 0
    for _ in range(rounds):
        trial.prepare()
        told = killed(trial.work, rng.uniform(0, trial.longest))
        done += len(told.done)
        cut += told.open is not None
        journals += (trial.folder / f"{vault.FILE}-journal").exists()
        trial.check(told)
    return {
        "machine": machine_name(),
        "killed": rounds,
        "steps_done": done,
        "killed_within_a_step": cut,
        "journals_left_and_rolled_back": journals,
        "found": dict(sorted(trial.found.items())),
        "faults": trial.faults,
    }


def killed(work: Callable[[Tell], None], seconds: float | None) -> Round:
    """Let a child work for some seconds after its first step began, then kill it.

    ``None`` lets it end.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            _tell_all(work, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        told = pipe.read(1)
        if seconds is not None:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while part := pipe.read(65536):
            told += part
    steps = list(_read_steps(told))
    done = [step for what, step in steps if what == "done"]
    begun = steps[-1][0] == "begin" if steps else False
    return Round(done, steps[-1][1] if begun else None)


def _tell_all(work: Callable[[Tell], None], pipe: Any) -> None:
    def tell(what: str, step: Any) -> None:
        pipe.write(json.dumps([what, step]) + "\n")
        pipe.flush()

    work(tell)


def _read_steps(told: bytes) -> Iterator[tuple[str, Any]]:
    for line in told.decode().splitlines():
        yield tuple(json.loads(line))


if __name__ == "__main__":
    raise SystemExit(main())
