"""What a person can ask for (GDPR, articles 15, 17 and 20), and what the law asks of the keeper.

Access and portability: :func:`export_person`. Erasure, with a proof: :func:`erase_person`.
Retention: :func:`purge`. Accountability: :func:`audit_gallery`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from siamlab.config import Workspace, read_who
from siamlab.errors import InputError, NotEnrolledError, StorageError
from siamlab.gallery.audit import AuditEntry, check_chain, check_head, read_head, read_log
from siamlab.gallery.captures import IMAGES, VaultCaptures
from siamlab.gallery.consent import EXEMPT, Consent
from siamlab.gallery.database import check_structure
from siamlab.gallery.enrollment import from_record
from siamlab.gallery.publishing import remove_erased
from siamlab.gallery.store import TEMPLATES, Gallery
from siamlab.gallery.vault import Person, Transaction
from siamlab.system.files import storage_errors, write_bytes, write_text
from siamlab.system.names import composed, decomposed

REPORTS = "assessments"  # they may name people, and hold pictures
LOCAL = ("cache", "models", "figures", "logs", "people", "exports", REPORTS)  # of a workspace
ARRAYS = (".npy", ".npz")
_EMBEDDED = re.compile(rb"base64,([A-Za-z0-9+/=]+)")  # pictures within a page


@dataclass(frozen=True)
class HeldPerson:
    """What the gallery holds of one person.

    Attributes:
        name: as enrolled.
        subject: ``real``, ``drawn`` or ``public``.
        templates: how many.
        images: how many.
        consent: what was agreed to; ``None`` for people who need none, or gave none.
        exports: folders and files that this person's data was exported to.
        models: model files that were fine-tuned with this person's images.
    """

    name: str
    subject: str
    templates: int
    images: int
    consent: Consent | None
    exports: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    @property
    def until(self) -> str:
        """The last day of the consent, in words where there is none."""
        if self.consent is not None:
            return self.consent.until
        return self.subject if self.subject in EXEMPT else "no consent on record"


@dataclass(frozen=True)
class Secrets:
    """What no file may hold once a person is erased.

    Attributes:
        anywhere: byte strings: the sealed key and contents, and the templates' numbers.
        of_templates: the numbers alone, of each template.
        images: digest of each image, and its size.
    """

    anywhere: Sequence[bytes] = ()
    of_templates: frozenset[bytes] | set[bytes] = frozenset()
    images: dict[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        entries: the log, oldest first.
        problems: what does not hold, a sentence each; empty when all is well.
    """

    entries: tuple[AuditEntry, ...]
    problems: tuple[str, ...]


def list_people(gallery: Gallery) -> tuple[HeldPerson, ...]:
    """Everybody whose records can be read, by name."""
    with gallery.reading() as view:
        people = [] if view is None else [p for p in view.people() if isinstance(p, Person)]
        held = [] if view is None else [_held(view, person) for person in people]
    return tuple(sorted(held, key=lambda one: one.name))


def show_person(gallery: Gallery, name: str) -> HeldPerson:
    """What is held of one person.

    Raises:
        NotEnrolledError: nothing is.
    """
    with gallery.reading() as view:
        person = _require(view, name)
        assert view is not None
        return _held(view, person)


def note_model(gallery: Gallery, name: str, model: Path) -> None:
    """Note that a model file was fine-tuned with a person's images; erasure names it."""
    with gallery.writing() as change:
        person = _require(change, name)
        models = sorted({*person.about.get("models", ()), str(model.resolve())})
        change.save(person, "fine-tuned", "a model", models=models)


def note_models(captures: Iterable[VaultCaptures], model: Path) -> None:
    """:func:`note_model` for each person whose captures a model was trained on."""
    for one in captures:
        note_model(one.gallery, one.person, model)


def note_exports(gallery: Gallery, names: Iterable[str], files: Sequence[Path]) -> None:
    """Note files of the register in which people are named; erasure names the files."""
    written = {str(path.resolve()) for path in files}
    with gallery.writing() as change:
        change.log("register exported")
        for name in sorted(set(names)):
            person = change.find(name)
            if person is None:
                continue
            exports = {*person.about.get("exports", ())}
            if not written <= exports:
                change.save(person, "exported", "register", exports=sorted(exports | written))


def export_person(gallery: Gallery, name: str, folder: Path) -> HeldPerson:
    """Write all that is held of a person in readable form: images, templates, consent, log.

    Args:
        gallery: what holds it.
        name: of the person.
        folder: a new or empty folder; readable by its owner only.

    Raises:
        NotEnrolledError: nothing is held of this person.
        InputError: the folder holds something.
        StorageError: it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not an empty folder; choose another.")
    with gallery.writing() as change:  # noted before anything lies in the folder
        person = _require(change, name)
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        exports = sorted({*person.about.get("exports", ()), str(folder.resolve())})
        change.save(person, "exported", exports=exports)
    with gallery.reading() as view:
        person = _require(view, name)
        assert view is not None
        files = []
        for record in sorted(person.records):
            if record.startswith(IMAGES):
                path = folder / record.removeprefix(IMAGES)
                write_bytes(path, view.read(person, record), private=True)
                files.append(record.removeprefix(IMAGES))
        about = json.dumps(_readable(view, person, files), indent=1)
        write_text(folder / "person.json", about, private=True)
        return _held(view, person)


def erase_person(
    gallery: Gallery,
    name: str,
    workspace: Workspace | None = None,
    database: str | None = None,
) -> list[str]:
    """Erase a person everywhere, and look for what is left.

    Destroys the person's key and records, writes the vault anew, removes the person's folders in
    the workspace, forgets that they are at the camera, and then searches all that is left,
    decrypted.

    Args:
        gallery: what holds the person.
        name: of the person.
        workspace: whose plain folders, caches and models are searched too.
        database: a URL; the person is removed there too, and a query shows that they are gone.

    Returns:
        What is left and what to do about it, a sentence each: exported copies, models that were
        fine-tuned with this person's images, databases that could not be reached. Empty when
        nothing is.

    Raises:
        NotEnrolledError: nothing was held of this person.
    """
    known: HeldPerson | None = None
    secrets = Secrets()
    with gallery.reading() as view:
        person = None if view is None else view.find(name)
        if view is not None and person is not None:
            known = _held(view, person)
            secrets = _secrets(view, person)
            name = person.name
    folders = [] if workspace is None else _folders(workspace.root / "people", name)
    if known is not None or not folders:
        gallery.erase(name)  # where nothing is held, it says who is enrolled
    if workspace is not None:
        _leave(workspace, name)
    traces = find_traces(gallery, name, known, secrets, workspace)
    return traces + remove_erased(gallery, database, repr(name))


def _leave(workspace: Workspace, name: str) -> None:
    """Remove a person's plain folders, and forget that they are at the camera."""
    for folder in _folders(workspace.root / "people", name):
        with storage_errors(folder):
            shutil.rmtree(folder)
    _forget_who(workspace, name)


def find_traces(
    gallery: Gallery,
    name: str,
    known: HeldPerson | None,
    secrets: Secrets,
    workspace: Workspace | None,
) -> list[str]:
    """What is still to be found of an erased person, a sentence each."""
    traces, inside = [], b""
    with gallery.reading() as view:
        if view is not None:
            # Reading the file itself would release other threads' locks.
            inside = view.database.serialize()
            people = [one for one in view.people() if isinstance(one, Person)]
            names = [one.name for one in people]
            if name in names or view.find(name) is not None:
                traces.append(f"{name!r} is still in the vault: erase again.")
            traces += [
                f"The templates of {one.name!r} are those of {name!r}: erase or enroll them again."
                for one in people
                if secrets.of_templates & _template_rows(view, one)
            ]
    for path in _files(gallery.folder):
        # The vault's words are those of its tables, names are sealed.
        own = path == gallery.vault.path
        wanted = secrets.anywhere if own else [*secrets.anywhere, _utf8(name)]
        content = inside if own else path.read_bytes()
        if any(secret in content for secret in wanted):
            traces.append(f"{path} still holds something of {name!r}: remove it.")
    for folder in () if known is None else known.exports:
        if Path(folder).is_file():  # of the register, which names others too
            traces.append(f"{folder} was exported and names {name!r}: write it anew, or remove it.")
        elif Path(folder).exists():
            traces.append(f"An exported copy is in {folder}: remove it.")
    for model in () if known is None else known.models:
        if Path(model).exists():
            traces.append(
                f"The model {model} was fine-tuned with images of {name!r}: delete it, and "
                "fine-tune again without them."
            )
    if workspace is not None:
        for path in _named_files(workspace, name):
            traces.append(f"{path} carries this name: look at it, and remove it.")
        for path in _reports(workspace, name, secrets):
            traces.append(f"{path} names or shows {name!r}: look at it, and remove it.")
        for path in _copies(workspace, secrets):
            traces.append(f"{path} is a copy of data of {name!r}: remove it.")
    return traces


@dataclass(frozen=True)
class Purge:
    """What a purge did.

    Attributes:
        people: names of those whose consent was over.
        returned: how many had been erased and came back with an old copy of the gallery.
        left: what is left of all these and what to do about it, as :func:`erase_person` says it.
    """

    people: tuple[str, ...] = ()
    returned: int = 0
    left: tuple[str, ...] = ()


def purge(
    gallery: Gallery,
    today: date | None = None,
    workspace: Workspace | None = None,
    database: str | None = None,
) -> Purge:
    """Erase everybody whose consent is over, and who had been erased and came back.

    Args:
        gallery: what holds them.
        today: the day to compare with; ``None`` takes the clock's.
        workspace: its plain folders, caches and models are searched too.
        database: a URL; these people are removed there too.
    """
    over: list[tuple[HeldPerson, Secrets]] = []
    returned = 0
    if gallery.vault.exists():
        with gallery.writing() as change:
            for identity in change.returned():
                change.delete(identity, "erased", "had come back with an old copy")
                returned += 1
            for person in change.people():
                if isinstance(person, Person) and _expired(person, today):
                    over.append((_held(change, person), _secrets(change, person)))
                    gallery.vault.erase(change, person.id, "erased", "consent over")
            if over or returned:
                change.increase("templates")
        if over or returned:
            gallery.vault.compact()
    over.sort(key=lambda one: one[0].name)
    left: list[str] = []
    for known, secrets in over:
        if workspace is not None:
            _leave(workspace, known.name)
        left += find_traces(gallery, known.name, known, secrets, workspace)
    left += remove_erased(gallery, database, "people")
    return Purge(tuple(known.name for known, _ in over), returned, tuple(left))


def audit_gallery(gallery: Gallery) -> Audit:
    """Check the log, and every record against it.

    Finds a changed, exchanged or removed entry, a cut tail, an old copy of the vault or of one
    person, a person or a record that was removed or cannot be read, and people who had been erased.
    """
    with gallery.reading() as view:
        if view is None:
            lost = any(note["entries"] for note in read_head(gallery.folder))
            return Audit((), ("the vault is missing, but something was in it",) if lost else ())
        log = read_log(view.database)
        key = view.keys.audit
        problems = [check_chain(log, key), check_head(gallery.folder, key, view.database)]
        problems.append(check_structure(view.database))
        versions = {entry.person: entry.version for entry, _ in log if entry.person}
        seen, unread = set(), 0
        for person in view.people():
            if isinstance(person, int):
                unread += 1
                problems.append(f"person {person} cannot be read: the row was changed")
                continue
            seen.add(person.id.hex())
            if versions.get(person.id.hex()) != person.version:
                problems.append(f"{person.name!r} is of another version than the log says")
            if not _is_found(view, person):
                problems.append(f"{person.name!r} cannot be found by name: the row was changed")
            problems += [_broken(view, person, record) for record in person.records]
        if back := view.returned():
            problems.append(f"{len(back)} erased people came back: run siamlab gallery purge")
            seen |= {one.hex() for one in back}
        listed = {one.hex() for one in view.erased}
        erased = [entry.person for entry, _ in log if entry.event == "erased"]
        if unlisted := [one for one in erased if one not in listed]:
            problems.append(f"{len(unlisted)} erased people are not in the list of erased people")
        gone = [one for one, version in versions.items() if version and one not in seen]
        # A row that cannot be read is gone in this sense too, and was told above.
        if len(gone) > unread:
            problems.append(f"{len(gone) - unread} people are missing, and no erasure was logged")
        files = [f"{path.name} cannot be read" for path in gallery.unreadable]
    return Audit(tuple(entry for entry, _ in log), tuple(filter(None, [*problems, *files])))


def _require(view: Transaction | None, name: str) -> Person:
    person = None if view is None else view.find(name)
    if person is None:
        raise NotEnrolledError(
            f"Nothing is held of {name!r}; siamlab gallery list names everybody."
        )
    return person


def _held(view: Transaction, person: Person) -> HeldPerson:
    about = person.about
    models = [name for name in person.records if name.startswith(TEMPLATES)]
    consent = about.get("consent")
    return HeldPerson(
        person.name,
        str(about.get("subject", "real")),
        sum(_count_templates(view, person, model) for model in models),
        sum(name.startswith(IMAGES) for name in person.records),
        None if consent is None else Consent(**consent),
        tuple(about.get("exports", ())),
        tuple(about.get("models", ())),
    )


def _count_templates(view: Transaction, person: Person, record: str) -> int:
    return len(from_record(person.name, record, view.read(person, record)))


def _readable(view: Transaction, person: Person, images: list[str]) -> dict[str, Any]:
    templates = []
    for record in person.records:
        if record.startswith(TEMPLATES):
            model = record.removeprefix(TEMPLATES)
            found = from_record(person.name, model, view.read(person, record))
            templates.append(
                {
                    "model": model,
                    "enrolled": found.enrolled,
                    "sources": found.sources,
                    "image_digests": found.digests,
                    "templates": found.templates.tolist(),
                }
            )
    log = [entry for entry, _ in read_log(view.database) if entry.person == person.id.hex()]
    return {
        "about": person.about,
        "images": images,
        "templates": templates,
        "log": [f"{entry.time} {entry.event} {entry.detail}".strip() for entry in log],
    }


def _expired(person: Person, today: date | None) -> bool:
    consent = person.about.get("consent")
    return consent is not None and Consent(**consent).expired(today)


def _broken(view: Transaction, person: Person, record: str) -> str:
    try:
        view.read(person, record)
    except StorageError:
        return f"{record.split('/')[0]} of {person.name!r} was changed or is missing"
    return ""


def _is_found(view: Transaction, person: Person) -> bool:
    try:
        found = view.find(person.name)
    except StorageError:
        return False
    return found is not None and found.id == person.id


def _secrets(view: Transaction, person: Person) -> Secrets:
    row = view.database.execute(
        "SELECT key, about FROM people WHERE number = ?", (person.number,)
    ).fetchone()
    sql = "SELECT substr(content, 1, 64) FROM records WHERE person = ?"
    records = view.database.execute(sql, (person.number,)).fetchall()
    sealed = [bytes(value)[:64] for value in (*row, *(record[0] for record in records))]
    images = [view.read(person, name) for name in person.records if name.startswith(IMAGES)]
    rows = _template_rows(view, person)
    return Secrets([*sealed, *rows], rows, {_digest(image): len(image) for image in images})


def _template_rows(view: Transaction, person: Person) -> set[bytes]:
    rows: set[bytes] = set()
    for name in person.records:
        if name.startswith(TEMPLATES):
            found = from_record(person.name, name, view.read(person, name))
            rows |= {row.tobytes() for row in found.templates}
    return rows


def _copies(workspace: Workspace, secrets: Secrets) -> list[Path]:
    """Copies of images, and arrays that hold templates, among the workspace's files."""
    sizes, found = set(secrets.images.values()), []
    for path in (one for folder in LOCAL for one in _files(workspace.root / folder)):
        if path.stat().st_size in sizes:
            copied = _digest(path.read_bytes()) in secrets.images
        else:
            copied = path.suffix in ARRAYS and any(
                row in path.read_bytes() for row in secrets.of_templates
            )
        found += [path] if copied else []
    return found


def _reports(workspace: Workspace, name: str, secrets: Secrets) -> list[Path]:
    """Reports in which the name stands as a word, or an image of the person is embedded."""
    forms = {form for one in (composed(name), decomposed(name)) for form in _written(one)}
    word = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, forms))})(?!\w)")
    found = []
    for path in _files(workspace.root / REPORTS):
        content = path.read_bytes()
        pictures = (base64.b64decode(one + b"==") for one in _EMBEDDED.findall(content))
        # Without the pictures, whose letters can spell any short name.
        if word.search(_EMBEDDED.sub(b"", content).decode("utf-8", "replace")) or any(
            _digest(picture) in secrets.images for picture in pictures
        ):
            found.append(path)
    return found


def _written(name: str) -> set[str]:
    """A name as plain text, in JSON, and in HTML."""
    return {name, json.dumps(name)[1:-1], html.escape(name)}


def _folders(people: Path, name: str) -> list[Path]:
    """The folders of this name; a name such as ``..`` is none, and leads nowhere."""
    found = people.iterdir() if people.is_dir() else ()
    return [path for path in found if path.is_dir() and composed(path.name) == composed(name)]


def _forget_who(workspace: Workspace, name: str) -> None:
    """Remove the note on who is at the camera, if it names this person."""
    if composed(read_who(workspace.root).get("person", "")) == composed(name):
        with storage_errors(workspace.kept_who):
            workspace.kept_who.unlink()


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _utf8(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _files(folder: Path) -> list[Path]:
    """The vault, its journal and everything else in the gallery's folder."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file()] if folder.is_dir() else []


def _named_files(workspace: Workspace, name: str) -> list[Path]:
    found = []
    for folder in LOCAL:
        root = workspace.root / folder
        found += [path for path in root.rglob("*") if path.stem == name or path.name == name]
    return sorted(found)
