"""The vector index in a real server: against going through all templates."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
from test_search import drawn, unit

from siamlab.gallery.postgres import Database
from siamlab.gallery.vector_table import (
    SETTINGS,
    VectorTable,
    add_table,
    add_templates,
    as_text,
    build_indexes,
    count_people,
    find_table,
    has_list,
    list_tables,
    lock_list,
    nearest_people,
    note_state,
)

PEOPLE, SIZE = 1500, 32
TEMPLATES = drawn(PEOPLE, dimensions=SIZE, most=2)
LISTS = len(TEMPLATES) // 20


@pytest.fixture
def table(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Database, VectorTable]]:
    """Person number n is n in two bytes, every tenth in a group; indexes are used."""
    monkeypatch.setattr("siamlab.gallery.vector_table.PER_LIST", 20)
    settings = {**SETTINGS, "ivfflat.probes": "70", "enable_seqscan": "off"}
    with Database(url, settings) as database:
        assert not has_list(database)
        with database.transaction() as cursor:
            lock_list(cursor)
            made = add_table(cursor, b"vault", "model", b"key", SIZE)
            add_templates(cursor, made, rows())
            build_indexes(cursor, made)
            note_state(cursor, made, "first")
        found = find_table(database, b"vault", "model")
        assert found == VectorTable(made.number, b"key", SIZE, LISTS, "first")
        yield database, found


def rows() -> Iterator[tuple[bytes, int, int, bytes | None, np.ndarray]]:
    ends = np.append(TEMPLATES.starts[1:], len(TEMPLATES))
    for person, (start, end) in enumerate(zip(TEMPLATES.starts, ends, strict=True)):
        for place, template in enumerate(TEMPLATES.matrix[start:end]):
            yield name_of(person), 1, place, b"tenth" if person % 10 == 0 else None, template


def name_of(person: int) -> bytes:
    return person.to_bytes(2, "big")


def test_the_index_finds_what_going_through_all_finds(
    table: tuple[Database, VectorTable],
) -> None:
    database, found = table
    rng = np.random.default_rng(1)
    probes = unit(TEMPLATES.matrix[:60] + 0.1 * rng.standard_normal((60, SIZE)))
    owners = np.searchsorted(TEMPLATES.starts, np.arange(60), side="right") - 1
    same, right = [], []
    for probe, owner in zip(probes, owners, strict=True):
        exact = nearest_people(database, found, probe, 3, exact=True)
        products = TEMPLATES.matrix @ probe
        best = int(np.searchsorted(TEMPLATES.starts, np.argmax(products), side="right")) - 1
        assert exact[0] == name_of(best) and len(set(exact)) == 3
        same.append(nearest_people(database, found, probe, 3) == exact)
        right.append(exact[0] == name_of(int(owner)))
    assert np.mean(same) >= 0.95 and np.mean(right) >= 0.95
    order = found.sql("template::halfvec({dimensions}) <#> ") + f"'{as_text(probes[0])}'"
    explain = found.sql("EXPLAIN SELECT person FROM {table} ORDER BY ")
    assert "Index Scan" in str(database.rows(f"{explain} {order} LIMIT 9"))
    # A group that is too large to go through goes by the index, too, and loses nobody.
    group = nearest_people(database, found, probes[0], 5, b"tenth")
    assert nearest_people(database, found, probes[0], 5, b"tenth", exact=True) == group
    assert all(int.from_bytes(person, "big") % 10 == 0 for person in group)
    assert count_people(database, found) == PEOPLE
    assert count_people(database, found, b"tenth") == PEOPLE // 10
    # More people than the index gives at once: it is asked for more.
    assert len(set(nearest_people(database, found, probes[0], 400))) == 400


def test_a_probe_is_sent_to_the_last_bit() -> None:
    probe = np.array([0.1, -1e-7, 1 / 3, 3e8], np.float32)
    read = np.array(as_text(probe)[1:-1].split(","), np.float64).astype(np.float32)
    np.testing.assert_array_equal(read, probe)


def test_the_index_is_built_again_when_the_table_has_doubled(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists of ten: 20 templates make 2 lists, 30 more 5, and 5 more change nothing."""
    monkeypatch.setattr("siamlab.gallery.vector_table.PER_LIST", 10)
    found = []
    with Database(url, SETTINGS) as database:
        with database.transaction() as cursor:
            lock_list(cursor)
            add_table(cursor, b"vault", "model", b"key", SIZE)
        remaining = rows()
        for count in (20, 30, 5):
            with database.transaction() as cursor:
                table = list_tables(cursor, b"vault")["model"]
                add_templates(cursor, table, islice(remaining, count))
                build_indexes(cursor, table)
            now = find_table(database, b"vault", "model")
            assert now is not None
            found.append(now.lists)
            names = database.rows("SELECT relname FROM pg_class WHERE relname ~ '_vectors$'")
            assert names == [(f"siamlab_templates_{now.number}_vectors",)]
    assert found == [2, 5, 5]
