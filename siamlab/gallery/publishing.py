"""The gallery's templates in a database, for searches past one machine; and out of it again.

The vault stays the only source. What leaves it is, for each template, a random id, a number, and
the template turned with a secret rotation (:mod:`siamlab.gallery.cancelable`) whose key is
derived from the vault's and never leaves it. Names, images and consents stay. Publishing brings
the database to the vault's state in one transaction: whoever searches sees the former state or the
new one. The log of the vault notes each place, so that an erasure can name it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from siamlab.errors import InputError, NotEnrolledError, SiamlabError
from siamlab.gallery.cancelable import rotation
from siamlab.gallery.postgres import Database
from siamlab.gallery.sealing import keyed_digest
from siamlab.gallery.search import are_unit
from siamlab.gallery.store import TEMPLATES, Gallery, Templates, read_all, to_templates
from siamlab.gallery.vault import ID_BYTES, Keys, Person, Transaction
from siamlab.gallery.vector_table import (
    StoredPerson,
    VectorTable,
    add_table,
    add_templates,
    build_indexes,
    count_templates,
    drop_table,
    has_list,
    list_tables,
    lock_list,
    note_state,
    remove_people,
    stored_people,
)

if TYPE_CHECKING:
    import psycopg

_PUBLISHED, _WITHDRAWN = "published", "withdrawn"  # events of the log


@dataclass(frozen=True)
class Publication:
    """What a publication changed.

    Attributes:
        place: database and host.
        people: in the database now.
        added: people who are new there, or whose templates or group changed.
        removed: people who are not in the gallery any more.
    """

    place: str
    people: int
    added: int
    removed: int

    def __str__(self) -> str:
        return (
            f"{self.place}: {self.people} people; {self.added} added or changed, "
            f"{self.removed} removed"
        )


@dataclass(frozen=True)
class _Source:
    """What the vault holds for one model, at one moment."""

    keys: Keys
    state: str
    people: Sequence[Person]
    templates: Templates | None  # None where nobody is enrolled


def vault_state(view: Transaction) -> str:
    """A word that is another one after every enrollment and erasure."""
    return f"{view.count('templates')}/{len(view.erased)}"


def group_digest(keys: Keys, group: str) -> bytes:
    """What a database has in place of a group's name."""
    content = b"group" + group.encode("utf-8", "surrogatepass")
    return keyed_digest(keys.templates, content)[:ID_BYTES]


def publish(
    gallery: Gallery, model_id: str, url: str, groups: Mapping[str, str] | None = None
) -> Publication:
    """Bring a database to the gallery's state: add, change and remove what differs.

    Two programs that publish wait for each other; the later one takes the gallery as it is then.

    Args:
        gallery: what is published.
        model_id: whose templates.
        url: of the database, see :class:`siamlab.gallery.postgres.Database`.
        groups: a person's name to the group; people without one are in none. ``None`` leaves
            everybody's as it is.

    Raises:
        NotEnrolledError: nobody is enrolled with this model, nor was.
        InputError: the templates are not unit vectors.
        StorageError: the database cannot be used; it is as before.
    """
    with Database(url) as database, database.transaction() as cursor:
        lock_list(cursor)
        source = _read(gallery, model_id)  # not before: another program may have changed it
        known = list_tables(cursor, source.keys.vault).get(model_id)
        if known is None and source.templates is None:
            raise NotEnrolledError(
                f"Nobody is enrolled with this model ({model_id}); enroll first."
            )
        if database.place not in published_places(gallery):
            _log(gallery, _PUBLISHED, database.place)  # before anything is there
        done = _bring_up_to_date(cursor, source, known, model_id, groups)
    return Publication(database.place, *done)


def refresh(gallery: Gallery, url: str) -> list[Publication]:
    """:func:`publish` for each model whose templates are in the database already."""
    vault = _vault_id(gallery)
    found: dict[str, VectorTable] = {}
    with Database(url) as database:
        if vault is not None and has_list(database):
            with database.transaction() as cursor:
                found = list_tables(cursor, vault)
    return [publish(gallery, model_id, url) for model_id in found]


def withdraw(gallery: Gallery, url: str) -> int:
    """Remove everything of a gallery from a database.

    Returns:
        How many templates went.
    """
    vault, gone = _vault_id(gallery), 0
    with Database(url) as database:
        if vault is not None and has_list(database):
            with database.transaction() as cursor:
                lock_list(cursor)
                for table in list_tables(cursor, vault).values():
                    gone += count_templates(cursor, table)
                    drop_table(cursor, table)
        if database.place in published_places(gallery):
            _log(gallery, _WITHDRAWN, database.place)
    return gone


def published_places(gallery: Gallery) -> list[str]:
    """Databases that the gallery was published to and not withdrawn from, by the log."""
    with gallery.reading() as view:
        sql = "SELECT event, detail FROM audit WHERE event IN (?, ?) ORDER BY number"
        rows = () if view is None else view.database.execute(sql, (_PUBLISHED, _WITHDRAWN))
        last = {place: event for event, place in rows}
    return [place for place, event in last.items() if event == _PUBLISHED]


def remove_erased(gallery: Gallery, url: str | None, who: str) -> list[str]:
    """Take people who were erased out of the database, and ask it whether they are gone.

    Args:
        gallery: from which they were erased.
        url: of a database; ``None`` for none that can be reached.
        who: for the sentences.

    Returns:
        Where transformed templates may still be, a sentence each; none where all are gone.
    """
    left, places = [], published_places(gallery)
    if url is not None and places:
        try:
            done = Database(url).place
            refresh(gallery, url)
            if gone_people(gallery, url):
                left.append(f"The database {done} still holds templates of {who}.")
            places = [place for place in places if place != done]
        except SiamlabError as error:
            left.append(str(error))
    return left + [
        f"The database {place} may still hold transformed templates of {who}: run siamlab gallery "
        "publish, which removes them."
        for place in places
    ]


def gone_people(gallery: Gallery, url: str) -> set[bytes]:
    """Ids of people whom a database holds and the gallery does not: empty when all are gone."""
    found: set[bytes] = set()
    with gallery.reading() as view:
        if view is None:
            return found
        vault, rows = view.keys.vault, view.database.execute("SELECT id FROM people").fetchall()
        here = {identity for (identity,) in rows} - view.erased
    with Database(url) as database:
        if has_list(database):
            with database.transaction() as cursor:
                for table in list_tables(cursor, vault).values():
                    found |= stored_people(cursor, table).keys()
    return found - here


def _read(gallery: Gallery, model_id: str) -> _Source:
    with gallery.reading() as view:
        if view is None:
            raise NotEnrolledError("Nobody is enrolled yet; enroll first.")
        people, contents = read_all(view, TEMPLATES + model_id)
        templates = to_templates(people, contents, model_id) if people else None
        if templates is not None and not are_unit(templates.matrix):
            raise InputError(
                "A database ranks templates by their cosine, as pretrained and compact do. "
                f"Received: templates of {model_id}, which are not unit vectors."
            )
        return _Source(view.keys, vault_state(view), people, templates)


def _bring_up_to_date(
    cursor: psycopg.Cursor[Any],
    source: _Source,
    table: VectorTable | None,
    model_id: str,
    groups: Mapping[str, str] | None,
) -> tuple[int, int, int]:
    """How many people are in the table now, were added or changed, and were removed."""
    keys = source.keys
    if table is not None and table.key != keys.key_id:  # turned with a key that is gone
        drop_table(cursor, table)
        table = None
    if table is None:
        if source.templates is None:
            return 0, 0, 0
        size = source.templates.matrix.shape[1]
        known: dict[bytes, StoredPerson] = {}
        table = add_table(cursor, keys.vault, model_id, keys.key_id, size)
    else:
        known = stored_people(cursor, table)
    wanted = {
        person.id: StoredPerson(
            person.records[TEMPLATES + model_id], _group(keys, person, groups, known)
        )
        for person in source.people
    }
    gone = known.keys() - wanted.keys()
    changed = {identity for identity, one in wanted.items() if known.get(identity) != one}
    remove_people(cursor, table, sorted(gone | (changed & known.keys())))
    if changed and source.templates is not None:
        add_templates(cursor, table, _rows(source, wanted, changed))
    build_indexes(cursor, table)
    note_state(cursor, table, source.state)
    return len(wanted), len(changed), len(gone)


def _group(
    keys: Keys,
    person: Person,
    groups: Mapping[str, str] | None,
    known: Mapping[bytes, StoredPerson],
) -> bytes | None:
    if groups is None:
        return known[person.id].group if person.id in known else None
    group = groups.get(person.name)
    return None if group is None else group_digest(keys, group)


def _rows(
    source: _Source, wanted: Mapping[bytes, StoredPerson], changed: set[bytes]
) -> Iterator[tuple[bytes, int, int, bytes | None, np.ndarray]]:
    """Rows for COPY: the templates of the changed people, turned."""
    assert source.templates is not None
    matrix = source.templates.matrix
    turn = rotation(source.keys.templates, matrix.shape[1]).astype(np.float32)
    ends = np.append(source.templates.starts[1:], len(matrix))
    for person, start, end in zip(source.people, source.templates.starts, ends, strict=True):
        if person.id in changed:
            one = wanted[person.id]
            for place, template in enumerate(matrix[start:end] @ turn):
                yield person.id, one.version, place, one.group, template


def _log(gallery: Gallery, event: str, place: str) -> None:
    with gallery.writing() as change:
        change.log(event, detail=place)


def _vault_id(gallery: Gallery) -> bytes | None:
    with gallery.reading() as view:
        return None if view is None else view.keys.vault
