"""The gallery: enroll, read, list and erase people, and read everyone's templates at once."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from siamlab.errors import (
    ConsentError,
    ModelError,
    NotEnrolledError,
    StorageError,
)
from siamlab.gallery.consent import EXEMPT, REAL, Consent
from siamlab.gallery.enrollment import (
    Enrollment,
    add_templates,
    from_record,
    new_enrollment,
    record_layout,
    to_record,
)
from siamlab.gallery.former import bring_over, former_files
from siamlab.gallery.sealing import NONCE_BYTES
from siamlab.gallery.vault import PEOPLE, Person, Transaction, Vault
from siamlab.system.pickling import OneProcess

_BATCH = 1000  # people of a bulk enrollment that are written together
_NAMES_SHOWN = 5  # in an error message
TEMPLATES = "templates/"  # records' names begin so; the model's id follows
Agreement = Consent | str | None  # a consent, or "drawn" or "public" where there is nobody to ask


class PeopleNames(Sequence[str]):
    """Names that are decrypted when they are looked at: a search needs a few of 100,000."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people

    def __len__(self) -> int:
        return len(self._people)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return tuple(person.name for person in self._people[place])
        return self._people[place].name


@dataclass(frozen=True, eq=False)
class Templates:
    """The templates of everyone enrolled with one model.

    Attributes:
        people: P names.
        starts: int64 ``(P,)``, the first row of each person; rows of a person are adjacent.
        matrix: float32 ``(N, dimensions)``, read-only.
    """

    people: Sequence[str]
    starts: np.ndarray
    matrix: np.ndarray

    def __len__(self) -> int:
        return len(self.matrix)

    def __repr__(self) -> str:
        count, dimensions = self.matrix.shape
        return f"Templates({len(self.people)} people, {count} templates of {dimensions} numbers)"


class Gallery(OneProcess):
    """The enrolled people, in one file that only its owner can read.

    Everything of a person is encrypted with a key of their own, see
    :mod:`siamlab.gallery.vault`; without a passphrase the keys lie beside it, which the gallery's
    ``repr`` and the command line say: *not encrypted*. A killed process leaves the former
    templates or the new ones, never half of them.

    Args:
        folder: created at the first enrollment.
        passphrase: ``None`` looks for one when it is needed, see
            :mod:`siamlab.gallery.passphrase`.

    Example:
        >>> import numpy as np
        >>> import siamlab
        >>> gallery = siamlab.Gallery("gallery")
        >>> gallery.enroll("Ada", np.ones((2, 256), np.float32), "a model", consent="drawn")
        Enrollment('Ada', 2 templates of 256 numbers)
        >>> gallery.people()
        ('Ada',)
        >>> gallery.erase("Ada")
        >>> gallery
        Gallery(0 people, not encrypted)
    """

    def __init__(self, folder: Path | str, passphrase: str | None = None) -> None:
        self.folder = Path(folder)
        self.vault = Vault(self.folder, passphrase)
        self.unreadable: list[Path] = []  # files of a former gallery that stay where they are
        self._templates: dict[str, tuple[Any, Templates]] = {}

    def __repr__(self) -> str:
        kind = "encrypted" if self.encrypted else "not encrypted"
        return f"Gallery({self._count()} people, {kind})"

    def __contains__(self, person: str) -> bool:
        with self.reading() as view:
            return view is not None and view.find(person) is not None

    @property
    def encrypted(self) -> bool:
        """Whether a passphrase protects it, or will from the first enrollment on."""
        return self.vault.encrypted

    def enroll(
        self,
        person: str,
        templates: np.ndarray,
        model_id: str,
        sources: Sequence[str] = (),
        consent: Agreement = None,
        replace: bool = False,
        digests: Sequence[str] = (),
    ) -> Enrollment:
        """Store a person's templates beside the earlier ones of the same model.

        Args:
            person: name; spaces around it do not count.
            templates: float ``(N, dimensions)``, N at least 1, all finite.
            model_id: ``model.model_id`` of the model that made them.
            sources: where each template came from; numbers when left out.
            consent: what the person agreed to (:func:`siamlab.gallery.consent.give_consent`), or
                ``drawn`` or ``public`` where there is nobody to ask; may be left out while an
                earlier one holds.
            replace: in place of the earlier ones.
            digests: of each template's image (:func:`siamlab.images.digest.pixel_digest`): an
                image that has a template already gets no second one.

        Returns:
            All templates that there are of the person and model now, and what is new of them.

        Raises:
            ConsentError: the person's consent is missing or over.
            InputError: the templates have another form, or there are more or fewer sources; or the
                name is almost that of somebody else, or none (:mod:`siamlab.system.names`).
            StorageError: the file cannot be written; what was there is unchanged.
        """
        enrollment = new_enrollment(person, templates, model_id, sources, digests)
        with self.writing() as change:
            stored = _store(change, enrollment, consent, replace)
            change.increase("templates")
        return stored

    def enroll_many(
        self,
        people: Iterable[tuple[str, np.ndarray]],
        model_id: str,
        consent: Agreement = None,
        replace: bool = False,
    ) -> int:
        """Store many people's templates, as :meth:`enroll` does one person's.

        Writes a thousand people at a time. A killed process has enrolled some people completely
        and the others not at all.

        Args:
            people: names and float templates ``(N, dimensions)``; may be a generator.
            model_id: ``model.model_id`` of the model that made them.
            consent: as in :meth:`enroll`, of all of them.
            replace: in place of the templates that each had before.

        Returns:
            The number of people stored.

        Raises:
            InputError: templates of another form; people before them may be stored.
            StorageError: the file cannot be written; people before may be stored.
        """
        count, remaining = 0, iter(people)
        while batch := list(islice(remaining, _BATCH)):
            made = [new_enrollment(name, rows, model_id) for name, rows in batch]
            with self.writing() as change:
                for enrollment in made:
                    _store(change, enrollment, consent, replace)
                change.increase("templates")
            count += len(batch)
        return count

    def get(self, person: str, model_id: str | None = None) -> Enrollment:
        """Read a person's templates.

        Args:
            person: name as enrolled.
            model_id: the model that will use them; ``None`` takes what there is.

        Raises:
            NotEnrolledError: there is no such person, or nothing but images of them.
            ModelError: another model made the templates.
            StorageError: a record was changed or damaged.
        """
        with self.reading() as view:
            found = None if view is None else view.find(person)
            if view is None or found is None:
                raise NotEnrolledError(f"{person!r} is not enrolled. {_names(view)}")
            models = _models(found)
            if not models:
                raise NotEnrolledError(f"{person!r} has no templates yet; enroll first.")
            if model_id is not None and model_id not in models:
                raise ModelError(
                    f"{person!r} was enrolled with another model ({', '.join(models)}, now "
                    f"{model_id}); enroll again with this one."
                )
            chosen = models[0] if model_id is None else model_id
            return from_record(found.name, chosen, view.read(found, TEMPLATES + chosen))

    def templates(self, model_id: str) -> Templates:
        """Everyone's templates of one model, as one matrix.

        Later calls return the same object until somebody is enrolled or erased.

        Args:
            model_id: ``model.model_id`` of the model that made them.

        Raises:
            NotEnrolledError: nobody is enrolled with this model.
            ModelError: one model made templates of several sizes.
        """
        with self.reading() as view:
            if view is not None:
                state = (view.count("templates"), view.keys.key_id, len(view.erased))
                known = self._templates.get(model_id)
                if known is not None and known[0] == state:
                    return known[1]
                self._templates.pop(model_id, None)  # frees the old matrix before the next
                with _collector_paused():
                    people, contents = read_all(view, TEMPLATES + model_id)
                if people:
                    made = to_templates(people, contents, model_id)
                    self._templates[model_id] = (state, made)
                    return made
        raise NotEnrolledError(f"Nobody is enrolled with this model ({model_id}); enroll first.")

    def people(self) -> tuple[str, ...]:
        """Names of everyone whose records can be read, sorted."""
        with self.reading() as view:
            if view is None:
                return ()
            return tuple(sorted(p.name for p in view.people() if isinstance(p, Person)))

    def damaged(self) -> tuple[str, ...]:
        """What cannot be read: people's rows by number, and files of a former gallery."""
        with self.reading() as view:
            found = [] if view is None else list(view.people())
        rows = [f"person {number}" for number in found if isinstance(number, int)]
        return (*rows, *(path.name for path in self.unreadable))

    def erase(self, person: str) -> None:
        """Destroy a person's key and everything it opens, and write the file anew without it.

        Raises:
            NotEnrolledError: there was nothing.
            StorageError: the file cannot be written; nothing was erased.
        """
        found = None
        if self.vault.exists() or former_files(self.folder):
            with self.writing() as change:
                found = change.find(person)
                if found is not None:
                    self.vault.erase(change, found.id, "erased")
                    change.increase("templates")
        self._templates.clear()
        if found is None:
            with self.reading() as view:
                raise NotEnrolledError(f"{person!r} is not enrolled. {_names(view)}")
        self.vault.compact()

    @contextmanager
    def reading(self) -> Iterator[Transaction | None]:
        """One consistent view of the vault; ``None`` before the first enrollment."""
        self._bring_over()
        if not self.vault.exists():
            yield None
            return
        with self.vault.reading() as view:
            yield view

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A change of the vault, written at the end of the block or not at all."""
        self._bring_over()
        with self.vault.writing() as change:
            yield change

    def _bring_over(self) -> None:
        files = former_files(self.folder)
        if set(files) - set(self.unreadable):
            if not os.access(self.folder, os.W_OK):
                raise StorageError(
                    f"The gallery {self.folder} is of an earlier siamlab, and read-only. Run "
                    "siamlab gallery list once where it can be written."
                )
            self.unreadable = bring_over(self.vault)

    def _count(self) -> int:
        # Counted without a key: printing a gallery does not ask for its passphrase.
        from siamlab.gallery.database import read_database

        if not self.vault.exists():
            return len(former_files(self.folder))
        with read_database(self.vault.path) as database:
            return int(database.execute("SELECT count(*) FROM people").fetchone()[0])


def agreed(person: Person | None, consent: Agreement, name: str) -> dict[str, Any]:
    """The fields of a person's record that tell why their face may be kept.

    Args:
        person: the record so far, if any.
        consent: what is given now.
        name: for the message.

    Raises:
        ConsentError: nothing is given and nothing holds.
    """
    if isinstance(consent, str):
        if consent not in EXEMPT:
            raise ConsentError(
                f"consent is one of give_consent(…), {', '.join(map(repr, EXEMPT))}. "
                f"Received: {consent!r}."
            )
        if person is not None and person.about.get("subject") == REAL:
            raise ConsentError(
                f"{name!r} is a real person here; {consent} people need another name."
            )
        return {"subject": consent, "consent": None}
    if consent is None:
        if person is not None and person.about.get("subject") in EXEMPT:
            return {}
        kept = None if person is None else person.about.get("consent")
        if kept is None:
            raise ConsentError(
                f"There is no consent of {name!r}: nobody's face is kept without it. In a shell: "
                '--consent "I agree …" --until 2027-07-31; in Python: consent=give_consent(…).'
            )
        Consent(**kept).check()
        return {}
    return {"subject": REAL, "consent": consent.check().to_dict()}


def _store(
    change: Transaction, enrollment: Enrollment, consent: Agreement, replace: bool
) -> Enrollment:
    found = change.find_or_new(enrollment.person)
    about = agreed(found, consent, enrollment.person)
    person = change.add(enrollment.person) if found is None else found
    record, former = TEMPLATES + enrollment.model_id, None
    if record in person.records:
        try:
            former = from_record(person.name, enrollment.model_id, change.read(person, record))
        except StorageError:
            if not replace:  # what is replaced may be damaged
                raise
    new = dataclasses.replace(enrollment, person=person.name)
    stored = add_templates(None if replace else former, new)
    if replace and former is not None:
        stored = dataclasses.replace(stored, replaced=len(former))
    if stored.added:
        change.write(person, record, to_record(stored))
    gone = f", {stored.replaced} replaced" if stored.replaced else ""
    change.save(person, "enrolled", f"{stored.added} templates{gone}", **about)
    return stored


def _models(person: Person) -> list[str]:
    return [name.removeprefix(TEMPLATES) for name in person.records if name.startswith(TEMPLATES)]


def _names(view: Transaction | None) -> str:
    # A few names are enough, and quick to read in a large gallery.
    found = [] if view is None else list(islice(view.people(), _NAMES_SHOWN + 1))
    names = sorted(person.name for person in found if isinstance(person, Person))
    if not names:
        return "Nobody is enrolled yet; enroll first."
    more = ", …" if len(names) > _NAMES_SHOWN else ""
    return f"Enrolled: {', '.join(names[:_NAMES_SHOWN])}{more}."


@contextmanager
def _collector_paused() -> Iterator[None]:
    # Python would look through 100,000 new objects again and again for cycles that they do not
    # have: a fifth of the time.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_all(view: Transaction, record: str) -> tuple[list[Person], list[bytes]]:
    """Everyone's record of one name, decrypted; people whose record was changed are left out."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    columns = ", ".join(f"people.{column.strip()}" for column in PEOPLE.split(","))
    rows = view.database.execute(
        f"SELECT {columns}, records.content FROM records JOIN people "
        "ON people.number = records.person WHERE records.name = ? ORDER BY records.person",
        (record,),
    )
    wrap, vault, name = AESGCM(view.keys.wrap), view.keys.vault, record.encode()
    key_context, record_context = b"key" + vault, b"record" + vault
    people, contents = [], []
    parse = lru_cache(json.loads)  # most people have the same records in the same versions
    # The same as Transaction.open and Transaction.read, without their calls: of 100,000 people.
    for number, identity, version, records, sealed, about, content in rows:
        if identity in view.erased:
            continue
        try:
            bound = key_context + identity + version.to_bytes(8, "big") + records.encode()
            key = wrap.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
            versions = parse(records)
            bound = record_context + identity + versions[record].to_bytes(8, "big") + name
            plain = AESGCM(key).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            continue
        people.append(Person(number, identity, version, dict(versions), key, about, vault))
        contents.append(plain)
    return people, contents


def to_templates(people: Sequence[Person], contents: list[bytes], model_id: str) -> Templates:
    """One matrix from what :func:`read_all` gave.

    Raises:
        ModelError: one model made templates of several sizes.
    """
    starts, sizes = zip(*map(record_layout, contents), strict=True)
    if len(set(sizes)) > 1:
        found = ", ".join(map(str, sorted(set(sizes))))
        raise ModelError(
            f"Model {model_id} has templates of several sizes in the gallery ({found} numbers); "
            "enroll these people again."
        )
    numbers = [content[start:] for content, start in zip(contents, starts, strict=True)]
    matrix = np.frombuffer(b"".join(numbers), "<f4").reshape(-1, sizes[0])
    counts = np.array([len(part) for part in numbers], np.int64) // (4 * sizes[0])
    return Templates(PeopleNames(people), np.cumsum(counts) - counts, matrix)
