"""Search a gallery in PostgreSQL with pgvector: python benchmarks/database.py --templates 1000000

Templates are drawn as in ``gallery.py``, turned with a key, and loaded into a real server on this
machine (``postgres_server.py``) by the functions that ``siamlab gallery publish`` uses. Beside it,
on the same templates and in the same run: exact search (a matrix product) and the faiss index. Each
is asked one probe at a time, by 1, 8 and 32 clients at once (threads; each has a connection of its
own, and computes with one thread).

``recall_at_1``: how often the first person is that of exact search. ``search_ms`` is the median,
with ``_5`` and ``_95`` quantiles in percent; ``probes_per_second`` counts all clients together.
Other load on the machine makes all of it slower, so the load average stands beside each figure, and
only figures of one run are to be compared. Results of several sizes are kept in one file.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

# Before numpy and faiss read them: one thread for each client.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from gallery import Faces, draw, index_bytes, nearest, seconds
from postgres_server import PostgresServer

from siamlab.gallery import Templates, VectorSearch
from siamlab.gallery.cancelable import rotation
from siamlab.gallery.postgres import Database
from siamlab.gallery.vector_table import (
    CANDIDATES,
    EXACT_GROUP,
    SETTINGS,
    VectorTable,
    add_table,
    add_templates,
    as_text,
    build_indexes,
    count_templates,
    lock_list,
    nearest_people,
    note_state,
    remove_people,
)
from siamlab.system.machine import machine_name

CLIENTS = (1, 8, 32)
GROUPS = {b"hundredth": 100, b"third": 3}  # a group's name: one person in so many
SERVER = {
    "shared_buffers": "2GB",
    "maintenance_work_mem": "2GB",
    "max_wal_size": "8GB",
    "max_connections": "60",
}
Search = Callable[[np.ndarray], object]
# What was tried in place of the index of vector_table.py: index, order, setting of the search.
HALF = "(template::halfvec(128)) halfvec_ip_ops"
BITS = "(binary_quantize(template)::bit(128)) bit_hamming_ops"
BY_HALF = "template::halfvec(128) <#> %(probe)s::halfvec(128)"
BY_BITS = "binary_quantize(template)::bit(128) <~> binary_quantize(%(probe)s::vector)::bit(128)"
TRIED = {
    "HNSW, 16 bits, m 16": (f"hnsw ({HALF})", BY_HALF, "hnsw.ef_search", (40, 200, 1000)),
    "HNSW, 16 bits, m 8": (
        f"hnsw ({HALF}) WITH (m = 8, ef_construction = 40)", BY_HALF, "hnsw.ef_search", (40, 200),
    ),
    "HNSW, 1 bit, m 16": (f"hnsw ({BITS})", BY_BITS, "hnsw.ef_search", (200, 800)),
    "IVF, 16 bits": (
        f"ivfflat ({HALF}) WITH (lists = {{lists}})", BY_HALF, "ivfflat.probes", (5, 20, 100),
    ),
}  # fmt: skip


def main() -> None:
    """Measure, print and add to database.json."""
    options = arguments()
    results: dict[str, object] = {"machine": machine_name(), "faces": asdict(Faces()), "sizes": {}}
    if options.out.exists():
        results = json.loads(options.out.read_text())
    for size in options.templates:
        found: dict[str, object] = {}
        results["sizes"][str(size)] = found  # type: ignore[index]
        for name, part in measure(size, options.probes, options.tried):
            found[name] = part | {"load": os.getloadavg()[0]}
            print(json.dumps({f"{size} {name}": found[name]}, indent=1), flush=True)
            options.out.write_text(json.dumps(results, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--templates", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--probes", type=int, default=300)
    parser.add_argument("--tried", nargs="*", default=[], choices=TRIED, help="other indexes, too")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    return parser.parse_args()


def measure(size: int, probes: int, tried: list[str]) -> Iterator[tuple[str, dict]]:
    """Each part's name and figures, as they come."""
    faces = Faces()
    people, rng = draw(faces, size // faces.images)
    turn = rotation(b"benchmark", faces.dimensions).astype(np.float32)
    matrix = np.empty((len(people) * faces.images, faces.dimensions), np.float32)
    for start in range(0, len(matrix), 50_000):
        owner = np.arange(start, min(start + 50_000, len(matrix))) // faces.images
        matrix[start : start + 50_000] = faces.photograph(people[owner], rng) @ turn
    asked = faces.photograph(people[rng.integers(len(people), size=probes)], rng) @ turn
    truth = nearest(asked, matrix) // faces.images
    yield (
        "exact",
        {
            **ask(lambda: lambda probe: np.argmax(matrix @ probe) // faces.images, asked, truth),
            "bytes_per_template": matrix.itemsize * matrix.shape[1],
        },
    )
    yield "faiss", faiss(matrix, faces.images, asked, truth)
    with PostgresServer(**SERVER) as server:
        yield from database(server, matrix, faces.images, asked, truth, tried)


def faiss(matrix: np.ndarray, images: int, asked: np.ndarray, truth: np.ndarray) -> dict:
    """The index of the extra ``search``, with the templates that it ranks again."""
    count = len(matrix) // images
    templates = Templates(tuple(map(str, range(count))), np.arange(count) * images, matrix)
    began = time.perf_counter()
    index = VectorSearch(templates)
    built = time.perf_counter() - began
    size = index_bytes(index) / len(matrix) + matrix.itemsize * matrix.shape[1]
    found = ask(lambda: lambda probe: index(probe, 1)[0] // images, asked, truth)
    return {"build_seconds": built, **found, "bytes_per_template": size}


def database(
    server: PostgresServer,
    matrix: np.ndarray,
    images: int,
    asked: np.ndarray,
    truth: np.ndarray,
    tried: list[str],
) -> Iterator[tuple[str, dict]]:
    """Load, index, search, filter and delete."""
    with Database(server.url) as own:
        began = time.perf_counter()
        with own.transaction() as cursor:
            lock_list(cursor)
            table = add_table(cursor, b"benchmark", "drawn", b"key", matrix.shape[1])
            add_templates(cursor, table, rows(matrix, images))
        loaded = time.perf_counter() - began
        yield "load", {"seconds": loaded, "templates_per_second": len(matrix) / loaded}
        for name in tried:
            yield name, try_index(server, own, name, len(matrix), asked, truth)
        began = time.perf_counter()
        with own.transaction() as cursor:
            build_indexes(cursor, table)
            note_state(cursor, table, "whole")
        built = time.perf_counter() - began
        yield "pgvector", {"build_seconds": built, **searched(server, own, table, asked, truth)}
        for name, part in GROUPS.items():
            found = grouped(server.url, table, name, part, matrix, images, asked)
            yield f"group of 1 in {part}", found
        yield "erase", erase(own, table, min(50, len(matrix) // images))


def searched(
    server: PostgresServer,
    database: Database,
    table: VectorTable,
    asked: np.ndarray,
    truth: np.ndarray,
) -> dict:
    """The search as ``siamlab identify`` does it, and what the server holds."""
    return {
        **ask(lambda: open_search(server, table), asked, truth),
        **bytes_of(database, table),
        "server_bytes": server_memory(server),
        "candidates": CANDIDATES,
        "settings": SETTINGS,
    }


def rows(matrix: np.ndarray, images: int) -> Iterator[tuple[bytes, int, int, bytes, np.ndarray]]:
    """Person number ``n`` is ``n`` in 16 bytes; in the first group that it is in."""
    for row, template in enumerate(matrix):
        person = row // images
        yield name_of(person), 1, row % images, group_of(person), template


def name_of(person: int) -> bytes:
    return int(person).to_bytes(16, "big")


def group_of(person: int) -> bytes:
    return next((name for name, part in GROUPS.items() if person % part == 0), b"rest")


def open_search(
    server: PostgresServer, table: VectorTable, group: bytes | None = None
) -> Callable[[np.ndarray], int]:
    """A search with a connection of its own, as each process that searches has it."""
    database = Database(server.url, SETTINGS)

    def search(probe: np.ndarray) -> int:
        return int.from_bytes(nearest_people(database, table, probe, 1, group)[0], "big")

    return search


def ask(open_one: Callable[[], Search], asked: np.ndarray, truth: np.ndarray) -> dict:
    """One probe after the other, by several clients at once: times, and how many are right."""
    first = open_one()
    found = [first(probe) for probe in asked]  # also warms all that is read once
    result: dict[str, object] = {"recall_at_1": float(np.mean(np.array(found) == truth))}
    for clients in CLIENTS:
        result[str(clients)] = at_once([open_one() for _ in range(clients)], asked)
    return result


def at_once(searches: list[Search], asked: np.ndarray) -> dict[str, float]:
    each = max(5, len(asked) // len(searches))
    times: list[float] = []
    barrier = threading.Barrier(len(searches) + 1)

    def run(search: Search, own: np.ndarray) -> None:
        search(own[0])
        barrier.wait()
        times.extend(1000 * seconds(lambda probe=probe: search(probe)) for probe in own)

    threads = [
        threading.Thread(target=run, args=(search, np.roll(asked, -each * place, axis=0)[:each]))
        for place, search in enumerate(searches)
    ]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    passed = time.perf_counter() - began
    low, median, high = np.quantile(times, (0.05, 0.5, 0.95))
    return {
        "search_ms": float(median),
        "search_ms_5": float(low),
        "search_ms_95": float(high),
        "probes_per_second": len(times) / passed,
    }


def try_index(
    server: PostgresServer,
    database: Database,
    name: str,
    size: int,
    asked: np.ndarray,
    truth: np.ndarray,
) -> dict:
    """Build another index, search with several settings, and drop it."""
    index, order, setting, values = TRIED[name]
    began = time.perf_counter()
    with database.transaction() as cursor:
        index = index.format(lists=max(100, size // 1000))
        cursor.execute(f"CREATE INDEX tried ON siamlab_templates_1 USING {index}".encode())
        cursor.execute(b"ANALYZE siamlab_templates_1")
    result: dict[str, object] = {"build_seconds": time.perf_counter() - began}
    (bytes_,) = database.rows("SELECT pg_relation_size('tried')")[0]
    result["index_bytes_per_template"] = bytes_ / size
    for value in values:
        count = value if "hnsw" in setting else CANDIDATES
        sql = (
            "SELECT person FROM (SELECT person, template FROM siamlab_templates_1 "
            f"ORDER BY {order} LIMIT {count}) AS c ORDER BY template <#> %(probe)s::vector LIMIT 1"
        )
        given = {setting: str(value)}
        result[f"{setting.split('.')[1]} {value}"] = ask(
            lambda sql=sql, given=given: open_statement(server, sql, given), asked, truth
        )
    with database.transaction() as cursor:
        cursor.execute(b"DROP INDEX tried")
    return result


def open_statement(server: PostgresServer, sql: str, settings: dict[str, str]) -> Search:
    database = Database(server.url, settings)
    return lambda probe: int.from_bytes(database.rows(sql, {"probe": as_text(probe)})[0][0], "big")


def bytes_of(database: Database, table: VectorTable) -> dict[str, float]:
    """What lies on the server's disk, and in memory as far as it is used; for each template."""
    sql = table.sql(
        "SELECT count(*), pg_table_size('{table}'), pg_indexes_size('{table}'), "
        "pg_relation_size('{table}_vectors') FROM {table}"
    )
    count, whole, indexes, vectors = database.rows(sql)[0]
    return {
        "table_bytes_per_template": whole / count,
        "indexes_bytes_per_template": indexes / count,
        "vector_index_bytes_per_template": vectors / count,
    }


def server_memory(server: PostgresServer) -> int:
    """Bytes of the server's processes, what they share counted once (PSS)."""
    total = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if server.pid in (int(path.name), parent):
                lines = (path / "smaps_rollup").read_text().splitlines()
                total += sum(1024 * int(line.split()[1]) for line in lines if line[:4] == "Pss:")
        except (OSError, ValueError, IndexError):
            continue
    return total


def grouped(
    url: str,
    table: VectorTable,
    name: bytes,
    part: int,
    matrix: np.ndarray,
    images: int,
    asked: np.ndarray,
) -> dict:
    """The nearest of one group, against going through all of it."""
    numbers = np.arange(len(matrix) // images)
    inside = np.array([person for person in numbers[::part] if group_of(person) == name])
    exact = len(inside) <= EXACT_GROUP
    chosen = (inside[:, None] * images + np.arange(images)).ravel()
    with Database(url, SETTINGS) as own:
        found, times = [], []
        for probe in asked[:100]:
            began = time.perf_counter()
            found.append(nearest_people(own, table, probe, 1, name, exact)[0])
            times.append(1000 * (time.perf_counter() - began))
    truth = inside[nearest(asked[:100], matrix[chosen]) // images]
    right = [name_of(person) == one for person, one in zip(truth, found, strict=True)]
    return {
        "people": len(inside),
        "by_the_index": not exact,
        "recall_at_1": float(np.mean(right)),
        "search_ms": float(np.median(times)),
    }


def erase(database: Database, table: VectorTable, people: int) -> dict:
    """One person after the other, each in a transaction, and asked for afterwards."""
    times, left = [], 0
    for person in range(people):
        began = time.perf_counter()
        with database.transaction() as cursor:
            remove_people(cursor, table, [name_of(person)])
        times.append(1000 * (time.perf_counter() - began))
        with database.transaction() as cursor:
            left += count_templates(cursor, table, name_of(person))
    return {"people": people, "erase_ms": float(np.median(times)), "templates_left": left}


if __name__ == "__main__":
    main()
