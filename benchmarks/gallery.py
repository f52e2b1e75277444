"""Search large galleries and save the times beside this script: python benchmarks/gallery.py

An encrypted gallery of drawn templates is written to a temporary folder, opened and searched as
``siamlab identify`` does it, without the detection and the network; ``crowd`` does the same without
encryption, and with a plain file. ``key_seconds`` is what the passphrase costs, slow by design;
``open_seconds`` lasts from there to the answer of the first exact search.

Templates are unit vectors that resemble those of faces: a direction for each person, images
scattered around it so that the cosines of two images of one person, and of two people, have the
stated means: those of ``pretrained`` on LFW's test people (0.953 and 0.837, standard deviations
0.021 and 0.035). A few directions vary more than others, as in a trained network; ``--decay 0``
makes all equal, which is easier. The probes are new images of enrolled people. The head turns a
cosine into a score; the order does not depend on its numbers.

Other load on the machine makes all of it slower, so the load average is printed with the times,
and the machine's speed at float32 products (``gflops``). ``_5`` and ``_95`` are quantiles in
percent; ``cpu`` is processor time of all threads together, which other load changes least.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

# Before numpy and faiss read them.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np

from siamlab.gallery import Gallery, Templates, VectorSearch, open_search
from siamlab.gallery.search import RESCORED
from siamlab.models.exported import ExportedModel, ExportInfo
from siamlab.models.metadata import ModelMetadata
from siamlab.system.machine import machine_name
from siamlab.verification.identification import Identifier

BLOCK = 50_000
PASSPHRASE = "correct horse battery staple"


@dataclass(frozen=True)
class Faces:
    """How templates are drawn.

    Attributes:
        dimensions: numbers in a template.
        genuine: mean cosine of two images of one person.
        impostor: mean cosine of images of two people.
        spread: standard deviation, from image to image, of the cosine with the person's direction.
        decay: direction number k varies as ``k ** -decay``.
        images: templates of each person.
        seed: of everything drawn.
    """

    dimensions: int = 128
    genuine: float = 0.953
    impostor: float = 0.837
    spread: float = 0.014
    decay: float = 0.45
    images: int = 5
    seed: int = 0

    def directions(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Unit vectors, float32 ``(count, dimensions)``."""
        scale = np.arange(1, self.dimensions + 1, dtype=np.float32) ** -self.decay
        return unit(rng.standard_normal((count, self.dimensions), np.float32) * scale)

    def people(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """The people's own directions, which share a little: the mean face."""
        shared = unit(rng.standard_normal((1, self.dimensions), np.float32))
        part = self.impostor / self.genuine
        return unit(np.sqrt(1 - part) * self.directions(count, rng) + np.sqrt(part) * shared)

    def photograph(self, people: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One new image of each of some people."""
        likeness = rng.normal(np.sqrt(self.genuine), self.spread, (len(people), 1))
        likeness = np.clip(likeness, 0.3, 0.998).astype(np.float32)
        noise = self.directions(len(people), rng)
        return unit(likeness * people + np.sqrt(1 - likeness**2) * noise)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def main() -> None:
    """Measure, print and write gallery.json."""
    options = arguments()
    faces = Faces(decay=options.decay)
    parts: dict[str, Callable[[], dict[str, object]]] = {
        "vector": lambda: vector(faces, options.vector, options.probes),
        "exact": lambda: exact(faces, options.exact, options.probes),
        "crowd": lambda: crowd(replace(faces, images=1), options.exact, options.probes),
        "koch": lambda: koch(options.koch),
    }
    results: dict[str, object] = {
        "machine": f"{machine_name()}, 2 threads used",
        "faces": asdict(faces),
    }
    for name, measure in parts.items():
        load = os.getloadavg()[0]
        results[name] = {"gflops": gflops(), **measure(), "load": [load, os.getloadavg()[0]]}
        print(json.dumps({name: results[name]}, indent=2), flush=True)
        options.out.write_text(json.dumps(results, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exact", type=int, default=100_000, help="templates searched exactly")
    parser.add_argument("--vector", type=int, default=1_000_000, help="templates in the index")
    parser.add_argument("--koch", type=int, default=100_000, help="Koch's templates searched")
    parser.add_argument("--probes", type=int, default=1000)
    parser.add_argument("--decay", type=float, default=Faces.decay)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    return parser.parse_args()


def exact(faces: Faces, count: int, probes: int) -> dict[str, object]:
    """A gallery on disk with several templates of each person: enroll, open, search."""
    people, rng = draw(faces, count // faces.images)
    with tempfile.TemporaryDirectory() as folder:
        gallery = Gallery(folder, PASSPHRASE)
        enroll = seconds(lambda: enroll_all(gallery, people, faces, rng))
        result = {"templates": count, "people": len(people), "enroll_seconds": enroll}
        result |= openings(Path(folder), PASSPHRASE, people[0])
        identifier = Identifier(MODEL, gallery, kind="exact")
        templates = identifier.open()
        who = rng.integers(len(people), size=probes)
        asked = faces.photograph(people[who], rng)
        times, found = search_each(lambda probe: identifier.search(probe, 5)[0].person, asked)
        result |= times
        result["rank_1"] = float(
            np.mean([f"person {w:06d}" == p for w, p in zip(who, found, strict=True)])
        )
        result |= cosines(templates, faces, rng)
        result |= sizes(Path(folder), len(templates))
    return result


def crowd(faces: Faces, count: int, probes: int) -> dict[str, object]:
    """One template of each person: what encryption costs, and everything that writes."""
    people, rng = draw(faces, count)
    result: dict[str, object] = {"templates": count, "people": count}
    asked = faces.photograph(people[rng.integers(count, size=probes)], rng)
    result["encrypted"] = whole_gallery(faces, people, asked, rng, PASSPHRASE)
    result["not_encrypted"] = whole_gallery(faces, people, asked, rng, None)
    return result | {"plain_file": plain_file(faces, people, asked[0], rng)}


def whole_gallery(
    faces: Faces,
    people: np.ndarray,
    asked: np.ndarray,
    rng: np.random.Generator,
    passphrase: str | None,
) -> dict[str, float]:
    """Everything that is done with a gallery of these people."""
    with tempfile.TemporaryDirectory() as folder:
        gallery = Gallery(folder, passphrase)
        result = {"enroll_all_seconds": seconds(lambda: enroll_all(gallery, people, faces, rng))}
        result |= openings(Path(folder), passphrase, asked[0])
        identifier = Identifier(MODEL, gallery, kind="exact")
        result |= search_each(lambda probe: identifier.search(probe, 5), asked)[0]
        result |= writing(gallery, people, rng)
        result |= sizes(Path(folder), len(people))
        result["rekey_seconds"] = seconds(lambda: gallery.vault.rekey(passphrase))
    return result


def openings(folder: Path, passphrase: str | None, probe: np.ndarray) -> dict[str, float]:
    """Seconds to get the key, and from there to the answer of the first exact search (``open``).

    Of nine openings; the file is in the system's memory, as after any use of it.
    """
    keys, first, busy = np.transpose([opening(folder, passphrase, probe) for _ in range(9)])
    return {
        "key_seconds": float(np.median(keys)),
        "open_seconds": float(np.median(first)),
        "open_seconds_best": float(first.min()),
        "open_cpu_seconds": float(np.median(busy)),
    }


def opening(folder: Path, passphrase: str | None, probe: np.ndarray) -> tuple[float, float, float]:
    """Seconds for the key, for all from there to the first answer, and of processor time."""
    gallery = Gallery(folder, passphrase)
    key = seconds(lambda: open_key(gallery))
    began = time.process_time()
    first = seconds(lambda: Identifier(MODEL, gallery, kind="exact").search(probe, 5))
    return key, first, time.process_time() - began


def open_key(gallery: Gallery) -> None:
    """Derive the keys from the passphrase."""
    with gallery.reading():
        pass


def writing(gallery: Gallery, people: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Milliseconds to read, to enroll, and to erase one person in the whole gallery."""
    names = [f"person {number:06d}" for number in rng.choice(len(people), 29, replace=False)]
    read = [seconds(lambda name=name: gallery.get(name)) for name in names]
    enroll = [
        seconds(lambda name=name: gallery.enroll(name, people[:1], MODEL.model_id, consent="drawn"))
        for name in names
    ]
    erase = [seconds(lambda name=name: gallery.erase(name)) for name in names[:3]]
    times = {"get_ms": read, "enroll_ms": enroll, "erase_ms": erase}
    return {name: 1000 * float(np.median(values)) for name, values in times.items()}


def plain_file(
    faces: Faces, people: np.ndarray, probe: np.ndarray, rng: np.random.Generator
) -> dict[str, float]:
    """The same matrix as a plain .npy file, mapped: the least that any gallery could take."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "templates.npy"
        np.save(path, faces.photograph(people, rng))
        first = [seconds(lambda: np.argmax(np.load(path, mmap_mode="r") @ probe)) for _ in range(9)]
    return {"open_seconds": float(np.median(first))}


def gflops(size: int = 1024) -> float:
    """The machine's own speed today: float32 products of square matrices."""
    matrix = np.random.default_rng(0).random((size, size), np.float32)
    best = min(seconds(lambda: matrix @ matrix) for _ in range(20))
    return 2 * size**3 / best / 1e9


def vector(faces: Faces, count: int, probes: int) -> dict[str, object]:
    """The vector index against exact search, over one mapped matrix."""
    people, rng = draw(faces, count // faces.images)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "templates.npy"
        matrix = np.lib.format.open_memmap(
            path, "w+", np.float32, (len(people) * faces.images, faces.dimensions)
        )
        for start in range(0, len(matrix), BLOCK):
            owner = np.arange(start, min(start + BLOCK, len(matrix))) // faces.images
            matrix[start : start + BLOCK] = faces.photograph(people[owner], rng)
        names = tuple(f"person {i:06d}" for i in range(len(people)))
        templates = Templates(names, np.arange(len(people)) * faces.images, matrix)
        asked = faces.photograph(people[rng.integers(len(people), size=probes)], rng)
        began = time.perf_counter()
        index = VectorSearch(templates)
        built = time.perf_counter() - began
        fast, rows = search_each(lambda probe: index(probe, 1)[0], asked)
        through_all = open_search(templates, MODEL, "exact")
        slow, _ = search_each(lambda probe: through_all(probe, 1), asked[:30])
        return {
            "templates": len(templates),
            "people": len(people),
            "index": "random rotation, RaBitQ at 1 bit a dimension (faiss), best "
            f"{RESCORED} ranked again in float32",
            "build_seconds": built,
            **fast,
            "exact_ms": slow["search_ms"],
            "times_faster": slow["search_ms"] / fast["search_ms"],
            "recall_at_1": float(np.mean(np.array(rows) == nearest(asked, matrix))),
            "index_bytes_per_template": index_bytes(index) / len(templates),
            "matrix_bytes_per_template": matrix.nbytes / len(templates),
        }


def nearest(probes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The row of each probe's nearest template, by going through all of them."""
    best, row = np.full(len(probes), -np.inf, np.float32), np.zeros(len(probes), np.int64)
    for start in range(0, len(matrix), BLOCK):
        products = matrix[start : start + BLOCK] @ probes.T
        here = products.max(axis=0)
        row = np.where(here > best, start + products.argmax(axis=0), row)
        best = np.maximum(best, here)
    return row


def koch(count: int) -> dict[str, object]:
    """Koch's L1 head has no product: every template goes through it."""
    rng = np.random.default_rng(0)
    model = made_model("l1", rng.normal(0, 1, 4096), 0.0)
    matrix = rng.random((count, 4096), np.float32)
    templates = Templates(tuple(map(str, range(count))), np.arange(count), matrix)
    search = open_search(templates, model, "exact")
    times, _ = search_each(lambda probe: search(probe, 5), rng.random((10, 4096), np.float32))
    return {"templates": count, **times, "matrix_bytes_per_template": matrix.nbytes / count}


def made_model(distance: str, weights: np.ndarray, bias: float) -> ExportedModel:
    """A model that scores templates and embeds nothing."""
    about = ExportInfo(
        "benchmark", ModelMetadata(versions={}), (1, 1, 3), len(weights), distance,
        tuple(map(float, weights)), bias,
    )  # fmt: skip
    return ExportedModel(about, lambda images: images)


MODEL = made_model("squared", np.full(Faces.dimensions, -50.0), 10.0)


def draw(faces: Faces, count: int) -> tuple[np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(faces.seed)
    return faces.people(count, rng), rng


def enroll_all(
    gallery: Gallery, people: np.ndarray, faces: Faces, rng: np.random.Generator
) -> None:
    gallery.enroll_many(persons(people, faces, rng), MODEL.model_id, consent="drawn")


def persons(
    people: np.ndarray, faces: Faces, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    for i, person in enumerate(people):
        images = faces.photograph(np.repeat(person[None], faces.images, axis=0), rng)
        yield f"person {i:06d}", images


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def search_each(
    search: Callable[[np.ndarray], object], probes: np.ndarray
) -> tuple[dict[str, float], list]:
    """One probe after the other, as a camera brings them; the first opens what is opened once."""
    search(probes[0])
    times, found, busy = [], [], time.process_time()
    for probe in probes:
        began = time.perf_counter()
        found.append(search(probe))
        times.append(1000 * (time.perf_counter() - began))
    low, median, high = np.quantile(times, (0.05, 0.5, 0.95))
    cpu_ms = 1000 * (time.process_time() - busy) / len(times)
    figures = {"search_ms": median, "search_ms_5": low, "search_ms_95": high}
    return {**figures, "search_cpu_ms": cpu_ms}, found


def cosines(templates: Templates, faces: Faces, rng: np.random.Generator) -> dict[str, object]:
    """What was drawn, measured: mean and standard deviation."""
    of_person = templates.matrix.reshape(-1, faces.images, faces.dimensions)
    genuine = np.einsum("pd,pd->p", of_person[:, 0], of_person[:, 1])
    other = of_person[rng.permutation(len(of_person)), 0]
    impostor = np.einsum("pd,pd->p", of_person[:, 0], other)
    return {
        "genuine_cosine": [float(genuine.mean()), float(genuine.std())],
        "impostor_cosine": [float(impostor.mean()), float(impostor.std())],
    }


def sizes(folder: Path, count: int) -> dict[str, float]:
    """Bytes for each template: in memory, and in the vault."""
    return {
        "matrix_bytes_per_template": 4.0 * Faces.dimensions,
        "vault_bytes_per_template": (folder / "vault.sqlite3").stat().st_size / count,
    }


def index_bytes(index: VectorSearch) -> int:
    import faiss

    return int(faiss.serialize_index(index.index).nbytes)


if __name__ == "__main__":
    main()
