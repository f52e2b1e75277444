"""One-to-many search in a database: it proposes people, and the vault decides.

The probe is turned with the vault's secret rotation before it is sent; the database answers with
random ids. Names, and the templates that are scored, come from the vault, so that whoever can write
to the database can hide people, but cannot have one taken for another.
"""

from __future__ import annotations

import numpy as np

from siamlab.errors import InputError, NotEnrolledError, StorageError
from siamlab.gallery.cancelable import rotation
from siamlab.gallery.enrollment import Enrollment, from_record
from siamlab.gallery.postgres import Database
from siamlab.gallery.publishing import group_digest, vault_state
from siamlab.gallery.store import TEMPLATES, Gallery
from siamlab.gallery.vault import Keys
from siamlab.gallery.vector_table import (
    EXACT_GROUP,
    SETTINGS,
    VectorTable,
    count_people,
    find_table,
    has_list,
    nearest_people,
)
from siamlab.system.closing import Closing
from siamlab.system.pickling import OneProcess

_PUBLISH = "Run: siamlab gallery publish"


class DatabaseSearch(Closing, OneProcess):
    """Search through a gallery's templates in PostgreSQL (:mod:`siamlab.gallery.publishing`).

    One connection, opened at the first search and again after it was lost; threads that search at
    the same time need one each. A user of the database who may only read is enough.

    Args:
        gallery: whose vault has the key, the names and the templates.
        model_id: whose templates are searched.
        url: of the database, see :class:`siamlab.gallery.postgres.Database`.
        group: only people of this group; ``None`` takes everybody.

    Example:
        ```python
        search = DatabaseSearch(gallery, model.model_id, "postgresql://door@db.example/gallery")
        Identifier(model, gallery, database=search).search(probe, top=3)
        ```
    """

    def __init__(self, gallery: Gallery, model_id: str, url: str, group: str | None = None) -> None:
        self.gallery = gallery
        self.model_id = model_id
        self.group = group
        self.database = Database(url, SETTINGS)
        self._listed = False  # whether the database is known to have a list of galleries
        self._rotation: tuple[bytes, np.ndarray] = (b"", np.zeros((0, 0)))
        self._counted: tuple[VectorTable | None, int] = (None, 0)

    def people(self) -> int:
        """How many people are searched.

        Raises:
            NotEnrolledError: nobody; they were not published, or are not in this group.
            StorageError: the database is behind the gallery, or cannot be used.
        """
        count = self._count(*self._open())
        if not count:
            who = "Nobody" if self.group is None else f"Nobody of the group {self.group!r}"
            raise NotEnrolledError(f"{who} is in the database {self.database.place}.")
        return count

    def __call__(self, probe: np.ndarray, top: int) -> list[Enrollment]:
        """The people with the nearest templates, nearest first, as the vault has them.

        Args:
            probe: float32 ``(dimensions,)``.
            top: how many people at most.

        Raises:
            InputError: the probe has another size.
            Others as in :meth:`people`.
        """
        keys, table = self._open()
        if probe.shape != (table.dimensions,):
            raise InputError(
                f"The database's templates have {table.dimensions} numbers; a probe has the shape "
                f"({table.dimensions},). Received: {probe.shape}."
            )
        turned = probe @ self._turn(keys, table.dimensions)
        group = self._group(keys)
        exact = group is not None and self._count(keys, table) <= EXACT_GROUP
        return self._read(nearest_people(self.database, table, turned, top, group, exact))

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    def _open(self) -> tuple[Keys, VectorTable]:
        """The vault's keys and the table, if they belong together."""
        with self.gallery.reading() as view:
            if view is None:
                raise NotEnrolledError("Nobody is enrolled yet; enroll first.")
            keys, state = view.keys, vault_state(view)
        self._listed = self._listed or has_list(self.database)
        table = find_table(self.database, keys.vault, self.model_id) if self._listed else None
        if table is None:
            raise NotEnrolledError(
                f"The database {self.database.place} has no templates of this gallery and model "
                f"({self.model_id}). {_PUBLISH}"
            )
        if table.key != keys.key_id or table.state != state:
            # Somebody enrolled since would be "nobody".
            why = "was published with a former key" if table.key != keys.key_id else "changed since"
            raise StorageError(
                f"The database {self.database.place} is behind the gallery, which {why}. {_PUBLISH}"
            )
        return keys, table

    def _group(self, keys: Keys) -> bytes | None:
        return None if self.group is None else group_digest(keys, self.group)

    def _count(self, keys: Keys, table: VectorTable) -> int:
        # Of one state of the table there is one count.
        if self._counted[0] != table:
            self._counted = (table, count_people(self.database, table, self._group(keys)))
        return self._counted[1]

    def _turn(self, keys: Keys, dimensions: int) -> np.ndarray:
        if self._rotation[0] != keys.key_id:
            matrix = rotation(keys.templates, dimensions).astype(np.float32)
            self._rotation = (keys.key_id, matrix)
        return self._rotation[1]

    def _read(self, people: list[bytes]) -> list[Enrollment]:
        record, found = TEMPLATES + self.model_id, []
        with self.gallery.reading() as view:
            for identity in people:
                person = None if view is None else view.find_id(identity)
                if view is not None and person is not None and record in person.records:
                    content = view.read(person, record)
                    found.append(from_record(person.name, self.model_id, content))
        return found
