"""The tables of published templates in PostgreSQL with pgvector, and the statements on them.

Nothing here knows names, keys or plain templates: people are random ids, groups are digests, and
templates come transformed (:mod:`siamlab.gallery.publishing`). Each gallery and model has a table
of its own, so that its index holds nothing else; ``siamlab_galleries`` lists them. The index puts
templates at 16 bits a number into lists around centers (IVF, Sivic and Zisserman 2003); those that
it finds are ranked again in float32 by the server. A graph (HNSW) took ten times as long to build
and found less (``benchmarks/database.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.gallery.postgres import Database

if TYPE_CHECKING:
    import psycopg

CANDIDATES = 200  # templates that the index finds, ranked again exactly
EXACT_GROUP = 5_000  # a group of so many people is gone through without the index
PER_LIST = 1_000  # templates in one list, on average, when the index is built
# So many lists are gone through: a hundred thousand templates. More where a filter leaves too few.
SETTINGS = {"ivfflat.probes": "100", "ivfflat.iterative_scan": "relaxed_order"}
_LOCK = 0x51A31AB  # an advisory lock: one publication at a time
_LIST = """
CREATE TABLE IF NOT EXISTS siamlab_galleries (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vault bytea NOT NULL,         -- the vault's random id
    model text NOT NULL,
    key bytea NOT NULL,           -- id of the vault's key; not the key
    dimensions integer NOT NULL,
    lists integer NOT NULL,       -- of the vector index; 0 without one
    state text NOT NULL,          -- of the vault when it was published
    UNIQUE (vault, model)
)"""
_TABLE = """
CREATE TABLE {table} (
    person bytea NOT NULL,        -- the vault's random id
    version bigint NOT NULL,      -- of the person's templates in the vault
    place integer NOT NULL,       -- which of them
    member_of bytea,              -- keyed digest of the group
    template vector({dimensions}) NOT NULL
)"""
# After the rows: an index made at once is several times as quick.
_INDEXES = (
    "CREATE UNIQUE INDEX ON {table} (person, place)",
    "CREATE INDEX ON {table} (member_of)",
    "CREATE INDEX ON {table} (member_of, person, version) WHERE place = 0",
)
_VECTORS = """
CREATE INDEX {table}_vectors ON {table}
USING ivfflat ((template::halfvec({dimensions})) halfvec_ip_ops) WITH (lists = {lists})"""
_COLUMNS = "number, key, dimensions, lists, state"
_NEAREST = """
SELECT person FROM (
    SELECT person, template FROM {table} {where} ORDER BY {order} LIMIT {count}
) AS candidates ORDER BY template <#> %(probe)s::vector"""
_BY_INDEX = "template::halfvec({dimensions}) <#> %(probe)s::halfvec({dimensions})"
_EXACT = "template <#> %(probe)s::vector"


@dataclass(frozen=True)
class VectorTable:
    """One line of the list of galleries.

    Attributes:
        number: of the table.
        key: id of the key under which the templates were transformed.
        dimensions: numbers in a template.
        lists: of the vector index; 0 without one.
        state: of the vault when they were published.
    """

    number: int
    key: bytes
    dimensions: int
    lists: int
    state: str

    def sql(self, statement: str, **parts: object) -> str:
        """A statement with the table's name and the number of dimensions."""
        name = f"siamlab_templates_{self.number:d}"
        return statement.format(table=name, dimensions=self.dimensions, **parts)


@dataclass(frozen=True)
class StoredPerson:
    """What a table knows of a person: the version of their templates, and the group's digest."""

    version: int
    group: bytes | None


def has_list(database: Database) -> bool:
    """Whether anything was ever published to this database."""
    return database.rows("SELECT to_regclass('siamlab_galleries') IS NOT NULL")[0][0]


def find_table(database: Database, vault: bytes, model: str) -> VectorTable | None:
    """The table of a gallery and model; ``None`` if they were not published here."""
    found = database.rows(
        f"SELECT {_COLUMNS} FROM siamlab_galleries WHERE vault = %s AND model = %s",
        (vault, model),
    )
    return VectorTable(*found[0]) if found else None


def count_people(database: Database, table: VectorTable, group: bytes | None = None) -> int:
    """How many people are in a table, or in one group of it."""
    where, values = ("", ()) if group is None else (" AND member_of = %s", (group,))
    sql = table.sql("SELECT count(*) FROM {table} WHERE place = 0") + where
    return int(database.rows(sql, values)[0][0])


def nearest_people(
    database: Database,
    table: VectorTable,
    probe: np.ndarray,
    top: int,
    group: bytes | None = None,
    exact: bool = False,
) -> list[bytes]:
    """The ids of the people with the nearest templates, nearest first.

    Args:
        database: where the table is.
        table: of the gallery and model.
        probe: float32 ``(dimensions,)``, transformed as the templates are.
        top: how many people at most.
        group: only of this group.
        exact: go through all of their templates, without the index: for small groups.
    """
    where = "" if group is None else "WHERE member_of = %(group)s"
    values: dict[str, Any] = {"probe": as_text(probe)}
    if group is not None:
        values["group"] = group
    order, count = table.sql(_EXACT if exact else _BY_INDEX), max(CANDIDATES, top)
    while True:
        sql = table.sql(_NEAREST, where=where, order=order, count=count)
        found = database.rows(sql, values)
        people = list(dict.fromkeys(person for (person,) in found))[:top]
        # One person's templates can fill the list; then search again for more.
        if len(people) == top or len(found) < count:
            return people
        count *= 4


def as_text(vector: np.ndarray) -> str:
    """A vector as pgvector reads it, to the last bit of float32."""
    return f"[{','.join(map(repr, vector.astype(np.float32).tolist()))}]"


def lock_list(cursor: psycopg.Cursor[Any]) -> None:
    """Make the list if it is missing, and wait for other publications until this one ends."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    cursor.execute(_LIST.encode())


def list_tables(cursor: psycopg.Cursor[Any], vault: bytes) -> dict[str, VectorTable]:
    """The tables of a gallery by model."""
    sql = f"SELECT model, {_COLUMNS} FROM siamlab_galleries WHERE vault = %s"
    cursor.execute(sql.encode(), (vault,))
    return {model: VectorTable(*rest) for model, *rest in cursor.fetchall()}


def add_table(
    cursor: psycopg.Cursor[Any], vault: bytes, model: str, key: bytes, dimensions: int
) -> VectorTable:
    """A new table, without an index."""
    cursor.execute(
        "INSERT INTO siamlab_galleries (vault, model, key, dimensions, lists, state) "
        "VALUES (%s, %s, %s, %s, 0, '') RETURNING number",
        (vault, model, key, dimensions),
    )
    table = VectorTable(_only(cursor), key, dimensions, 0, "")
    cursor.execute(table.sql(_TABLE).encode())
    return table


def drop_table(cursor: psycopg.Cursor[Any], table: VectorTable) -> None:
    """Remove a table with all that is in it."""
    cursor.execute(table.sql("DROP TABLE {table}").encode())
    cursor.execute("DELETE FROM siamlab_galleries WHERE number = %s", (table.number,))


def stored_people(cursor: psycopg.Cursor[Any], table: VectorTable) -> dict[bytes, StoredPerson]:
    """Everybody in a table by id."""
    sql = table.sql("SELECT person, version, member_of FROM {table} WHERE place = 0")
    cursor.execute(sql.encode())
    return {person: StoredPerson(*rest) for person, *rest in cursor.fetchall()}


def add_templates(
    cursor: psycopg.Cursor[Any],
    table: VectorTable,
    rows: Iterable[tuple[bytes, int, int, bytes | None, np.ndarray]],
) -> None:
    """Load rows of person, version, place, group and template (float32) by COPY."""
    from pgvector.psycopg import register_vector

    register_vector(cursor.connection)
    sql = table.sql("COPY {table} (person, version, place, member_of, template) FROM STDIN")
    with (
        cursor.connection.cursor() as own,  # a cursor knows the types that its connection knew
        own.copy(f"{sql} WITH (FORMAT BINARY)".encode()) as copy,
    ):
        copy.set_types(["bytea", "int8", "int4", "bytea", "vector"])
        for row in rows:
            copy.write_row(row)


def build_indexes(cursor: psycopg.Cursor[Any], table: VectorTable) -> None:
    """Index a table after rows were added.

    The centers of the vector index are of the templates that there are when it is built. It is
    built again where there are twice as many by now, or half as many.
    """
    if not table.lists:
        for statement in _INDEXES:
            cursor.execute(table.sql(statement).encode())
    lists = max(1, count_templates(cursor, table) // PER_LIST)
    if not table.lists / 2 < lists < 2 * table.lists:
        cursor.execute(table.sql("DROP INDEX IF EXISTS {table}_vectors").encode())
        cursor.execute(table.sql(_VECTORS, lists=lists).encode())
        cursor.execute(
            "UPDATE siamlab_galleries SET lists = %s WHERE number = %s", (lists, table.number)
        )


def remove_people(cursor: psycopg.Cursor[Any], table: VectorTable, people: Sequence[bytes]) -> None:
    """Delete people with all their templates."""
    sql = table.sql("DELETE FROM {table} WHERE person = ANY(%s)")
    cursor.execute(sql.encode(), (list(people),))


def note_state(cursor: psycopg.Cursor[Any], table: VectorTable, state: str) -> None:
    """Note which state of the vault the table now has, and count its rows for the planner."""
    cursor.execute(
        "UPDATE siamlab_galleries SET state = %s WHERE number = %s", (state, table.number)
    )
    cursor.execute(table.sql("ANALYZE {table}").encode())


def count_templates(
    cursor: psycopg.Cursor[Any], table: VectorTable, person: bytes | None = None
) -> int:
    """How many templates there are, or how many of one person: none, once they are gone."""
    where, values = ("", ()) if person is None else (" WHERE person = %s", (person,))
    cursor.execute((table.sql("SELECT count(*) FROM {table}") + where).encode(), values)
    return _only(cursor)


def _only(cursor: psycopg.Cursor[Any]) -> int:
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])
