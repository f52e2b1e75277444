"""The gallery: enroll, read, list and erase people, and read everyone's templates at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from pathlib import Path

import numpy as np

from siamlab.errors import ModelError, NotEnrolledError, StorageError
from siamlab.gallery.enrollment import (
    Enrollment,
    new_enrollment,
    person_key,
    read_enrollment,
    write_temporary,
)
from siamlab.gallery.pack import (
    CLOCK_TICK_NS,
    Pack,
    delete_pack,
    has_pack,
    read_pack,
    refresh,
    write_pack,
)
from siamlab.system.files import storage_errors

_BATCH = 1000  # people of a bulk enrollment that are synced to disk together
_NAMES_SHOWN = 5  # in an error message
_WRITE_ATTEMPTS = 3


@dataclass(frozen=True, eq=False)
class Templates:
    """The templates of everyone enrolled with one model.

    Attributes:
        people: P names.
        starts: int64 ``(P,)``, the first row of each person; rows of a person are adjacent.
        matrix: float32 ``(N, dimensions)``, read-only; may be mapped from disk.
    """

    people: tuple[str, ...]
    starts: np.ndarray
    matrix: np.ndarray

    def __len__(self) -> int:
        return len(self.matrix)

    def __repr__(self) -> str:
        count, dimensions = self.matrix.shape
        return f"Templates({len(self.people)} people, {count} templates of {dimensions} numbers)"


class Gallery:
    """A folder with one ``.npz`` file for each enrolled person.

    Files are written under another name and then moved, so a killed process leaves the old
    templates or the new ones, never half of them. :meth:`templates` keeps a copy of all templates
    in ``.pack``, so that a search need not open every file.

    Args:
        folder: created at the first enrollment.

    Example:
        >>> import numpy as np
        >>> import siamlab
        >>> gallery = siamlab.Gallery("gallery")
        >>> gallery.enroll("Ada", np.ones((2, 256), np.float32), model_id="a model")
        Enrollment('Ada', 2 templates of 256 numbers)
        >>> gallery.people()
        ('Ada',)
        >>> gallery.erase("Ada")
        >>> gallery
        Gallery(0 people)
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._pack: Pack | None = None
        self._stored: Pack | None = None  # the pack last read from disk or written there
        self._folder_time = 0  # when the folder last changed, at the last check
        self._settled = False  # the folder has not changed in the tick of the last check
        self._templates: dict[str, Templates] = {}

    def __repr__(self) -> str:
        return f"Gallery({sum(1 for _ in self._files())} people)"

    def __contains__(self, person: str) -> bool:
        return self.path(person).is_file()

    def path(self, person: str) -> Path:
        """The file that holds, or would hold, a person's templates."""
        return self.folder / f"{person_key(person)}.npz"

    def enroll(
        self, person: str, templates: np.ndarray, model_id: str, sources: Sequence[str] = ()
    ) -> Enrollment:
        """Store a person's templates and replace any earlier ones.

        Args:
            person: name, any characters.
            templates: float ``(N, dimensions)``, N at least 1, all finite.
            model_id: ``model.model_id`` of the model that made them.
            sources: where each template came from; numbers when left out.

        Raises:
            InputError: the templates have another form, or there are more or fewer sources.
            StorageError: the file cannot be written; the earlier one is unchanged.
        """
        enrollment = new_enrollment(person, templates, model_id, sources)
        self._write_together([enrollment])
        return enrollment

    def enroll_many(self, people: Iterable[tuple[str, np.ndarray]], model_id: str) -> int:
        """Store many people and replace any earlier templates of theirs.

        Syncs to disk once for a thousand people instead of once for each. A killed process has
        enrolled some people completely and the others not at all.

        Args:
            people: names and float templates ``(N, dimensions)``; may be a generator.
            model_id: ``model.model_id`` of the model that made them.

        Returns:
            The number of people stored.

        Raises:
            InputError: templates of another form; people before them may be stored.
            StorageError: a file cannot be written; people before it may be stored.
        """
        count, remaining = 0, iter(people)
        while batch := list(islice(remaining, _BATCH)):
            self._write_together([new_enrollment(name, rows, model_id) for name, rows in batch])
            count += len(batch)
        return count

    def get(self, person: str, model_id: str | None = None) -> Enrollment:
        """Read a person's templates.

        Args:
            person: name as enrolled.
            model_id: the model that will use them; ``None`` does not check.

        Raises:
            NotEnrolledError: there is no such person.
            ModelError: another model made the templates.
            StorageError: the file is damaged; the message names it.
        """
        path = self.path(person)
        try:
            enrollment = read_enrollment(path)
        except StorageError as error:
            # Asked afterwards: another process may erase a person at any moment.
            if path.is_file():
                raise
            raise NotEnrolledError(
                f"{person!r} is not enrolled. {self._enrolled_names()}"
            ) from error
        if model_id is not None and enrollment.model_id != model_id:
            raise ModelError(
                f"{person!r} was enrolled with another model ({enrollment.model_id}, now "
                f"{model_id}); enroll again with this one."
            )
        return enrollment

    def templates(self, model_id: str) -> Templates:
        """Everyone's templates of one model, as one matrix.

        The first call in a process compares the pack with every person's file; later calls check
        whether the folder changed, and return the same object when it did not.

        Args:
            model_id: ``model.model_id`` of the model that made them.

        Raises:
            NotEnrolledError: nobody is enrolled with this model.
            ModelError: one model made templates of several sizes.
        """
        pack = self._packed()
        if model_id not in self._templates:
            self._templates[model_id] = _of_model(pack, model_id)
        return self._templates[model_id]

    def people(self) -> tuple[str, ...]:
        """Names of everyone whose file can be read, sorted; :meth:`damaged` lists the others."""
        pack = self._current()
        readable = (pack.owners >= 0).tolist()
        return tuple(sorted(name for name, ok in zip(pack.people, readable, strict=True) if ok))

    def damaged(self) -> tuple[Path, ...]:
        """Files that cannot be read: truncated, overwritten, or no templates."""
        pack = self._current()
        lost = np.flatnonzero(pack.owners < 0)
        return tuple(self.folder / f"{pack.stems[file]}.npz" for file in lost)

    def erase(self, person: str) -> None:
        """Remove everything of a person, also what killed processes left.

        Raises:
            NotEnrolledError: there was nothing.
            StorageError: the files cannot be removed.
        """
        found = [*self.folder.glob(f".{person_key(person)}.*.tmp")]
        found += [self.path(person)] if person in self else []
        try:
            for path in found:
                path.unlink(missing_ok=True)
            self._erase_from_pack()
        except OSError as error:
            raise StorageError(f"Cannot erase {person!r}: {error}") from error
        if not found:
            raise NotEnrolledError(f"{person!r} is not enrolled. {self._enrolled_names()}")

    def _files(self) -> Iterator[Path]:
        return self.folder.glob("[!.]*.npz")

    def _enrolled_names(self) -> str:
        # A few names are enough, and quick to read in a large gallery.
        files = nsmallest(_NAMES_SHOWN + 1, self._files())
        people = []
        for path in files:
            with suppress(StorageError):
                people.append(read_enrollment(path).person)
        people.sort()
        if not people:
            return "Nobody is enrolled yet; enroll first."
        more = ", …" if len(people) > _NAMES_SHOWN else ""
        return f"Enrolled: {', '.join(people[:_NAMES_SHOWN])}{more}."

    def _write_together(self, enrollments: Sequence[Enrollment]) -> None:
        """Write files under temporary names, sync them to disk, then move them all."""
        # One sync for all files is faster than many; Windows has no call for it.
        sync_once = len(enrollments) > 1 and hasattr(os, "sync")
        paths = [self.path(enrollment.person) for enrollment in enrollments]
        parts: list[Path] = []
        with storage_errors(paths[0] if len(paths) == 1 else self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                for enrollment, path in zip(enrollments, paths, strict=True):
                    parts.append(write_temporary(enrollment, path, durable=not sync_once))
                if sync_once:
                    os.sync()
                for part, path in zip(parts, paths, strict=True):
                    part.replace(path)
            finally:
                for part in parts:
                    part.unlink(missing_ok=True)

    def _current(self) -> Pack:
        """The pack of people's files as they are now; reads those that changed, writes nothing."""
        if self._pack is None:
            self._pack = self._stored = read_pack(self.folder)
        changed, checked = _changed(self.folder), time.time_ns()
        pack = refresh(self.folder, self._pack)
        if pack is not self._pack:
            self._templates.clear()
        self._pack, self._folder_time = pack, changed
        # Another change in the same tick of the clock would not be noticed.
        self._settled = changed < checked - CLOCK_TICK_NS
        return pack

    def _packed(self) -> Pack:
        """As :meth:`_current`, and written to disk; opens no file of an unchanged folder."""
        if self._pack is not None and self._settled and self._folder_time == _changed(self.folder):
            pack = self._pack
        else:
            pack = self._current()
        return pack if pack is self._stored else self._store(pack)

    def _store(self, pack: Pack) -> Pack:
        """Write the pack, and again when somebody was enrolled or erased meanwhile."""
        for _ in range(_WRITE_ATTEMPTS):
            self._stored = pack
            # On a full or read-only disk only the next opening takes longer.
            with suppress(OSError):
                write_pack(self.folder, pack)
            pack = self._current()
            if pack is self._stored:
                break
        return pack

    def _erase_from_pack(self) -> None:
        self._close_pack()
        if not has_pack(self.folder):
            return
        try:
            write_pack(self.folder, self._current())
        except OSError:  # no space for a new one: delete the one with the erased person
            delete_pack(self.folder)
        self._close_pack()

    def _close_pack(self) -> None:
        self._pack = self._stored = None
        self._settled = False
        self._templates.clear()


def _changed(folder: Path) -> int:
    """When a file of the folder was last created, moved or erased, in ns; 0 without a folder."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def _of_model(pack: Pack, model_id: str) -> Templates:
    groups = [i for i, (model, _) in enumerate(pack.groups) if model == model_id]
    if not groups:
        raise NotEnrolledError(f"Nobody is enrolled with this model ({model_id}); enroll first.")
    if len(groups) > 1:
        sizes = ", ".join(str(pack.groups[i][1]) for i in groups)
        raise ModelError(
            f"Model {model_id} has templates of several sizes in the gallery ({sizes} numbers); "
            "enroll these people again."
        )
    mine = np.flatnonzero(pack.owners == groups[0])
    people = tuple([pack.people[file] for file in mine.tolist()])
    return Templates(people, pack.starts[mine], pack.matrices[groups[0]])
