"""The vault: people and their sealed records in one file, and the keys that open them.

Each person has a random key, sealed with the vault's wrapping key; the person's records are sealed
with it. Whoever destroys a person's key has destroyed the records, in every copy that lacks it.
The vault's master key is sealed with a passphrase, or lies open beside it: such a gallery is *not
encrypted*, but otherwise the same, and ``rekey`` encrypts it.

What binds what: a record's context holds the vault, the person, the record's name and version;
the versions of all records of a person are the context of that person's key. So a record that
is exchanged or put back from an earlier copy does not open. A person put back as a whole is
found by the audit log, and a vault put back as a whole by the note outside of it.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from siamlab.errors import InputError, PassphraseError, StorageError
from siamlab.gallery.audit import (
    START,
    append_entries,
    check_chain,
    check_head,
    head_note,
    log_head,
    read_head,
    read_log,
    sign_again,
    write_head,
)
from siamlab.gallery.database import (
    FILE,
    compact_database,
    is_begun,
    read_database,
    write_database,
)
from siamlab.gallery.erased import note_erased, read_erased, shorten_erased
from siamlab.gallery.passphrase import check_passphrase, find_passphrases, given_passphrase
from siamlab.gallery.sealing import (
    Argon2,
    derive_key,
    from_words,
    keyed_digest,
    new_key,
    seal,
    to_words,
    unseal,
)
from siamlab.system.names import check_new_name, name_key, normal_name

KDF = Argon2()
ID_BYTES = 16
_INSERT = "INSERT INTO people (id, tag, version, records, key, about) VALUES (?, ?, 0, '', '', '')"
_UPDATE = "UPDATE people SET version = ?, records = ?, key = ?, about = ? WHERE number = ?"
PEOPLE = "number, id, version, records, key, about"
_CHANGED = (
    "A person's record in the gallery was changed or damaged. Put back a copy of the gallery, or "
    "run siamlab gallery audit."
)
_NO_KEYS = "The gallery's keys were changed or damaged; put back a copy of the gallery."


@dataclass(frozen=True)
class Keys:
    """The keys of an open vault.

    Attributes:
        vault: the vault's id.
        key_id: the id of its master key, new after every ``rekey``.
        wrap: seals people's keys.
        names: of the keyed digests by which people are found.
        audit: of the log's HMACs.
        register: seals sessions and attendance.
        templates: turns templates that leave the vault (:mod:`siamlab.gallery.cancelable`).
    """

    vault: bytes
    key_id: bytes
    wrap: bytes
    names: bytes
    audit: bytes
    register: bytes
    templates: bytes

    @classmethod
    def derive(cls, vault: bytes, key_id: bytes, master: bytes, sealed_audit: bytes) -> Keys:
        """All keys from the master key; that of the log is random, and sealed.

        Raises:
            StorageError: the log's key was changed.
        """
        wrap = derive_key(master, "wrap")
        return cls(
            vault,
            key_id,
            wrap,
            names=derive_key(master, "names"),
            audit=unseal(wrap, sealed_audit, b"audit" + vault),
            register=derive_key(master, "register"),
            templates=derive_key(master, "templates"),
        )

    def tag(self, name: str) -> bytes:
        """The keyed digest of a name, however it is written."""
        return keyed_digest(self.names, name_key(name).encode("utf-8", "surrogatepass"))


@dataclass(eq=False)
class Person:
    """One person's row; :meth:`Transaction.save` writes what was changed.

    Attributes:
        number: the row.
        id: random, 16 bytes.
        version: counts the changes.
        records: the version of each record.
        key: opens them.
        about: name, consent and the like; read at first use.
    """

    number: int
    id: bytes
    version: int
    records: dict[str, int]
    key: bytes
    sealed_about: bytes
    vault: bytes
    changed: bool = False
    _about: dict[str, Any] | None = None

    @property
    def about(self) -> dict[str, Any]:
        """Name, subject and consent.

        Raises:
            StorageError: the record was changed.
        """
        if self._about is None:
            context = _context(b"about", self.vault, self.id, self.version)
            self._about = dict(json.loads(unseal(self.key, self.sealed_about, context)))
        return self._about

    @property
    def name(self) -> str:
        """The person's name."""
        return str(self.about["name"])


@dataclass(eq=False)
class Transaction:
    """What can be read, and written, between opening the vault and closing it again."""

    database: sqlite3.Connection
    keys: Keys
    erased: frozenset[bytes] = frozenset()
    events: list[tuple[str, str, int, str]] = field(default_factory=list)
    erased_before: int | None = None  # the list's length in bytes before this transaction

    def find(self, name: str) -> Person | None:
        """The person with this name, however it is written.

        Raises:
            StorageError: the row was changed, or the person had been erased.
        """
        sql = f"SELECT {PEOPLE} FROM people WHERE tag = ?"
        row = self.database.execute(sql, (self.keys.tag(name),)).fetchone()
        if row is None:
            return None
        if row[1] in self.erased:
            raise StorageError(
                f"{name!r} was erased and is not enrolled. If an old copy of the gallery came "
                "back, run: siamlab gallery purge"
            )
        person = self.open(row)
        if name_key(person.name) != name_key(name):  # the digests of two people were exchanged
            raise StorageError(_CHANGED)
        return person

    def find_id(self, identity: bytes) -> Person | None:
        """The person with this random id; ``None`` where nobody has it, or not any more.

        Raises:
            StorageError: the row was changed.
        """
        sql = f"SELECT {PEOPLE} FROM people WHERE id = ?"
        row = self.database.execute(sql, (identity,)).fetchone()
        return None if row is None or identity in self.erased else self.open(row)

    def find_or_new(self, name: str) -> Person | None:
        """The person with exactly this name, to whom something may be added; ``None`` if new.

        Raises:
            InputError: somebody is called almost so, and may be another person; or the name cannot
                be a new one (:func:`siamlab.system.names.check_new_name`).
            StorageError: as :meth:`find`.
        """
        found = self.find(name)
        if found is None:
            check_new_name(name)
        elif found.name != normal_name(name):
            raise InputError(
                f"{found.name!r} is in the gallery already, almost the same name as {name!r}. "
                "Write it as there, or, for another person, another name."
            )
        return found

    def people(self) -> Iterator[Person | int]:
        """Everybody; in place of a person whose row was changed, its number."""
        for row in self.database.execute(f"SELECT {PEOPLE} FROM people ORDER BY number").fetchall():
            if row[1] not in self.erased:
                try:
                    person = self.open(row)
                    person.about  # noqa: B018 - opens it
                except StorageError:
                    yield int(row[0])
                else:
                    yield person

    def returned(self) -> list[bytes]:
        """The ids of people who had been erased, and came back with an old copy."""
        ids = self.database.execute("SELECT id FROM people").fetchall()
        return [one for (one,) in ids if one in self.erased]

    def open(self, row: tuple[Any, ...]) -> Person:
        """A person from the columns :data:`PEOPLE`.

        Raises:
            StorageError: the row was changed.
        """
        number, identity, version, records, sealed, about = row
        # SQLite keeps any type in any column.
        if [type(value) for value in (identity, version, records)] != [bytes, int, str]:
            raise StorageError(_CHANGED)
        if version < 0:
            raise StorageError(_CHANGED)
        context = _context(b"key", self.keys.vault, identity, version, records.encode())
        key = unseal(self.keys.wrap, sealed, context)
        return Person(number, identity, version, json.loads(records), key, about, self.keys.vault)

    def add(self, name: str) -> Person:
        """A new person without records."""
        identity = os.urandom(ID_BYTES)
        number = self.database.execute(_INSERT, (identity, self.keys.tag(name))).lastrowid
        assert number is not None
        person = Person(number, identity, 0, {}, new_key(), b"", self.keys.vault)
        person._about = {"name": normal_name(name)}
        return person

    def read(self, person: Person, name: str) -> bytes:
        """One record, decrypted.

        Raises:
            StorageError: it is missing, or was changed.
        """
        sql = "SELECT content FROM records WHERE name = ? AND person = ?"
        row = self.database.execute(sql, (name, person.number)).fetchone()
        if row is None or name not in person.records:
            raise StorageError(
                "A record of the gallery is missing. Put back a copy of the gallery, or erase and "
                "enroll this person again."
            )
        return unseal(person.key, row[0], self._record(person, name, person.records[name]))

    def write(self, person: Person, name: str, content: bytes) -> None:
        """Seal one record; :meth:`save` makes it count."""
        self._change(person)
        person.records[name] = person.version
        sealed = seal(person.key, content, self._record(person, name, person.version))
        sql = "INSERT OR REPLACE INTO records (person, name, content) VALUES (?, ?, ?)"
        self.database.execute(sql, (person.number, name, sealed))

    def remove(self, person: Person, name: str) -> None:
        """Delete one record."""
        self._change(person)
        person.records.pop(name, None)
        sql = "DELETE FROM records WHERE name = ? AND person = ?"
        self.database.execute(sql, (name, person.number))

    def save(self, person: Person, event: str, detail: str = "", **about: Any) -> None:
        """Write a person's row, and what was done into the log."""
        content = person.about | about  # read under the former version
        self._change(person)
        person._about = content
        records = json.dumps(person.records, sort_keys=True)
        vault, identity, version = self.keys.vault, person.id, person.version
        key = seal(
            self.keys.wrap, person.key, _context(b"key", vault, identity, version, records.encode())
        )
        sealed = seal(
            person.key, json.dumps(content).encode(), _context(b"about", vault, identity, version)
        )
        self.database.execute(_UPDATE, (version, records, key, sealed, person.number))
        person.changed = False
        self.log(event, person.id, version, detail)

    def delete(self, identity: bytes, event: str, detail: str = "") -> None:
        """Delete a person with all records; the key is overwritten."""
        self.database.execute("DELETE FROM people WHERE id = ?", (identity,))
        self.log(event, identity, 0, detail)

    def log(self, event: str, person: bytes = b"", version: int = 0, detail: str = "") -> None:
        """Note an event; it is written with the transaction."""
        self.events.append((event, person.hex(), version, detail))

    def count(self, name: str) -> int:
        """A counter in the settings."""
        value = _setting(self.database, name)
        return value if isinstance(value, int) else 0

    def increase(self, name: str) -> None:
        """Add one to a counter in the settings."""
        _put_setting(self.database, name, self.count(name) + 1)

    def _change(self, person: Person) -> None:
        if not person.changed:
            person.about  # noqa: B018 - opens it while the version is the old one
            person.version += 1
            person.changed = True

    def _record(self, person: Person, name: str, version: int) -> bytes:
        return _context(b"record", self.keys.vault, person.id, version, name.encode())


class Vault:
    """The file, and how it is opened.

    Args:
        folder: of the gallery.
        passphrase: of an encrypted gallery; ``None`` looks for one when it is needed, see
            :mod:`siamlab.gallery.passphrase`.
    """

    def __init__(self, folder: Path, passphrase: str | None = None) -> None:
        self.folder = folder
        self.path = folder / FILE
        # Whether to go on without encryption although there is a passphrase.
        self.may_be_open = False
        self._passphrase = passphrase
        self._keys: Keys | None = None

    def exists(self) -> bool:
        """Whether anything was ever written."""
        return is_begun(self.path)

    @property
    def encrypted(self) -> bool:
        """Whether a passphrase is needed; for a vault that does not exist, will be."""
        if not self.exists():
            return bool(self._passphrase or given_passphrase())
        with read_database(self.path) as database:
            return "open" not in _read_slots(database)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One consistent view of the vault.

        Raises:
            PassphraseError: it is encrypted, and the passphrase is missing or wrong.
            StorageError: it is damaged or cannot be read.
        """
        with read_database(self.path) as database:
            yield Transaction(database, self.unlock(database), read_erased(self.folder))

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """As :meth:`reading`; what the block changes is written at its end, or not at all."""
        change: Transaction | None = None
        try:
            with write_database(self.path) as database:
                if not _read_slots(database):
                    self._create(database)
                keys = self.unlock(database)
                # A note that tells of a cut or exchanged log is evidence, and stays as it is.
                whole = not check_head(self.folder, keys.audit, database)
                change = Transaction(database, keys, read_erased(self.folder))
                yield change
                append_entries(database, keys.audit, change.events)
        except BaseException:
            if change is not None and change.erased_before is not None:
                shorten_erased(self.folder, change.erased_before)
            raise
        if change.events and whole:
            self._note_head(keys.key_id)

    def erase(self, change: Transaction, identity: bytes, event: str, detail: str = "") -> None:
        """Delete a person, and note outside the vault that this id must not come back."""
        before = note_erased(self.folder, identity)
        if change.erased_before is None:
            change.erased_before = before
        change.delete(identity, event, detail)

    def compact(self) -> None:
        """Write the file anew, without the pages of what was deleted.

        Their content was overwritten before, so that a full disk leaves nothing but a larger file.
        """
        with suppress(StorageError):
            compact_database(self.path)

    def unlock(self, database: sqlite3.Connection) -> Keys:
        """The keys; they are kept until the vault gets another master key."""
        key_id = _setting(database, "key_id")
        if self._keys is None or self._keys.key_id != key_id:
            vault, sealed = _setting(database, "vault"), _setting(database, "audit_key")
            if not all(isinstance(value, bytes) for value in (vault, key_id, sealed)):
                raise StorageError(_NO_KEYS)
            master = self._open_master(vault, key_id, _read_slots(database))
            self._keys = Keys.derive(vault, key_id, master, sealed)
        return self._keys

    def rekey(self, passphrase: str | None, recovery: bool = False) -> str | None:
        """Encrypt everything anew under a new master key.

        Args:
            passphrase: the new one; ``None`` leaves the key open: the gallery is not encrypted.
            recovery: make a recovery key as well.

        Returns:
            The recovery key in words, which is kept nowhere; ``None`` if none was asked for.
        """
        words, self.may_be_open = None, True
        with write_database(self.path) as database:
            if not _read_slots(database):
                self._create(database)
            keys = self.unlock(database)
            former = head_note(keys.audit, *log_head(database))
            # Signing the log anew would cover up what was done to it.
            broken = check_head(self.folder, keys.audit, database)
            broken = check_chain(read_log(database), keys.audit) or broken
            before = Transaction(database, keys, read_erased(self.folder))
            master, key_id = new_key(), os.urandom(ID_BYTES)
            slots: dict[str, Any] = _make_slots(master, keys.vault, key_id, passphrase)
            if recovery:
                recovery_key = new_key()
                context = _slot_context(keys.vault, key_id, "recovery")
                wrapped = seal(derive_key(recovery_key, "recovery"), master, context)
                slots["recovery"] = {"wrapped": _text(wrapped)}
                words = to_words(recovery_key)
            audit_key = new_key()
            sealed = _seal_audit_key(audit_key, keys.vault, master)
            _reseal(before, Keys.derive(keys.vault, key_id, master, sealed))
            _put_setting(database, "slots", json.dumps(slots))
            _put_setting(database, "key_id", key_id)
            _put_setting(database, "audit_key", sealed)
            sign_again(database, audit_key)
            detail = "encrypted" if passphrase else "not encrypted"
            detail += f"; before: {broken}" if broken else ""
            append_entries(database, audit_key, [("rekeyed", "", 0, detail)])
            if not broken:
                write_head(self.folder, former, head_note(audit_key, *log_head(database)))
        self._passphrase, self._keys, self.may_be_open = passphrase, None, passphrase is None
        self._note_head(key_id)
        self.compact()
        return words

    def _note_head(self, key_id: bytes) -> None:
        """Note the log's end, under the lock: of several programs the last writes the latest.

        What is written is written; where this fails, the next write brings the note up to date.
        """
        with suppress(StorageError), write_database(self.path) as database:
            if _setting(database, "key_id") == key_id:
                write_head(self.folder, head_note(self.unlock(database).audit, *log_head(database)))

    def _create(self, database: sqlite3.Connection) -> None:
        if any(note["entries"] for note in read_head(self.folder)):
            raise StorageError(
                f"{self.path} is missing or empty, but something had been written to it. Put back "
                f"a copy; or remove the folder {self.folder} to begin anew."
            )
        vault, key_id, master = os.urandom(ID_BYTES), os.urandom(ID_BYTES), new_key()
        passphrase = given_passphrase() if self._passphrase is None else self._passphrase
        if passphrase is not None:
            check_passphrase(passphrase)
        _put_setting(database, "vault", vault)
        _put_setting(database, "key_id", key_id)
        _put_setting(database, "slots", json.dumps(_make_slots(master, vault, key_id, passphrase)))
        audit_key = new_key()
        _put_setting(database, "audit_key", _seal_audit_key(audit_key, vault, master))
        write_head(self.folder, head_note(audit_key, 0, START))

    def _open_master(self, vault: bytes, key_id: bytes, slots: dict[str, Any]) -> bytes:
        if "open" in slots:
            given = given_passphrase() if self._passphrase is None else self._passphrase
            # Or else who can write here could put an open vault in place of an encrypted one.
            if given is not None and not self.may_be_open:
                raise PassphraseError(
                    f"A passphrase is given, but the gallery {self.folder} is not encrypted. If "
                    "it never was: siamlab gallery rekey. If it was, somebody exchanged it."
                )
            with _slot_errors():
                return _bytes(slots["open"])
        known = self._passphrase
        passphrase = None
        for passphrase in find_passphrases(vault.hex()) if known is None else [known]:
            with _slot_errors():
                opener, wrapped, context = _opener(passphrase, vault, key_id, slots)
            with suppress(StorageError):
                master = unseal(opener, wrapped, context)
                self._passphrase = passphrase
                return master
        if passphrase is None:
            raise PassphraseError(
                f"The gallery {self.folder} is encrypted. Set SIAMLAB_PASSPHRASE or "
                "SIAMLAB_PASSPHRASE_FILE, or run this at a terminal, which asks for it."
            )
        raise PassphraseError(
            f"The passphrase does not open the gallery {self.folder}. Try again; without it, "
            "or the recovery key, nothing in it can be read."
        )


def _seal_audit_key(audit_key: bytes, vault: bytes, master: bytes) -> bytes:
    return seal(derive_key(master, "wrap"), audit_key, b"audit" + vault)


def _reseal(change: Transaction, new: Keys) -> None:
    """Give every person a new key, and the register's rows the new register key."""
    old = change.keys
    after = Transaction(change.database, new)
    for person in change.people():
        if isinstance(person, int):
            raise StorageError(
                f"Person {person} of the gallery cannot be read, so it cannot be encrypted anew. "
                "Run siamlab gallery audit."
            )
        name = person.name
        contents = {record: change.read(person, record) for record in person.records}
        person.key = new_key()
        for record, content in contents.items():
            after.write(person, record, content)
        after.save(person, "")
        sql = "UPDATE people SET tag = ? WHERE number = ?"
        change.database.execute(sql, (new.tag(name), person.number))
        change.events += [("resealed", *event[1:]) for event in after.events]
        after.events.clear()
    append_entries(change.database, old.audit, change.events)
    change.events.clear()
    for table, context in REGISTER_CONTEXTS.items():
        for row in change.database.execute(f"SELECT * FROM {table}").fetchall():
            number, about = row[0], row[-1]
            bound = context(old.vault, row)
            sealed = seal(new.register, unseal(old.register, about, bound), bound)
            change.database.execute(
                f"UPDATE {table} SET about = ? WHERE number = ?", (sealed, number)
            )


def session_context(vault: bytes, identity: bytes) -> bytes:
    """What binds a sealed session."""
    return _context(b"session", vault, identity, 0)


def attendance_context(vault: bytes, session: int, person: bytes) -> bytes:
    """What binds a sealed entry of the register."""
    return _context(b"attendance", vault, person, session)


REGISTER_CONTEXTS: dict[str, Callable[[bytes, tuple[Any, ...]], bytes]] = {
    "sessions": lambda vault, row: session_context(vault, row[1]),
    "attendance": lambda vault, row: attendance_context(vault, row[1], row[2]),
}


def _context(kind: bytes, vault: bytes, identity: bytes, version: int, rest: bytes = b"") -> bytes:
    # The parts before the last have fixed lengths for a kind, so no two contexts are alike.
    return kind + vault + identity + version.to_bytes(8, "big") + rest


def _slot_context(vault: bytes, key_id: bytes, rest: str) -> bytes:
    return b"master" + vault + key_id + rest.encode()


def _make_slots(
    master: bytes, vault: bytes, key_id: bytes, passphrase: str | None
) -> dict[str, Any]:
    if passphrase is None:
        return {"open": _text(master)}
    salt = os.urandom(ID_BYTES)
    context = _slot_context(vault, key_id, json.dumps(KDF.to_dict()))
    wrapped = seal(KDF.derive(passphrase, salt), master, context)
    slot = {"argon2": KDF.to_dict(), "salt": _text(salt), "wrapped": _text(wrapped)}
    return {"passphrase": slot}


def _opener(
    passphrase: str, vault: bytes, key_id: bytes, slots: dict[str, Any]
) -> tuple[bytes, bytes, bytes]:
    """The key that a passphrase or a recovery key gives, the sealed master key, and its context."""
    key = from_words(passphrase)
    if key is not None and "recovery" in slots:
        wrapped = _bytes(slots["recovery"]["wrapped"])
        return derive_key(key, "recovery"), wrapped, _slot_context(vault, key_id, "recovery")
    slot = slots["passphrase"]
    opener = Argon2(**slot["argon2"]).derive(passphrase, _bytes(slot["salt"]))
    return opener, _bytes(slot["wrapped"]), _slot_context(vault, key_id, json.dumps(slot["argon2"]))


@contextmanager
def _slot_errors() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, MemoryError):
        raise StorageError(_NO_KEYS) from None


def _read_slots(database: sqlite3.Connection) -> dict[str, Any]:
    """How the master key is kept; nothing in a file that is new."""
    value = _setting(database, "slots")
    if value is None:
        if _setting(database, "vault") is not None:
            raise StorageError(_NO_KEYS)
        return {}
    with _slot_errors():
        slots = dict(json.loads(value))
    if not slots:
        raise StorageError(_NO_KEYS)
    return slots


def _setting(database: sqlite3.Connection, name: str) -> Any:
    row = database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def _put_setting(database: sqlite3.Connection, name: str, value: Any) -> None:
    database.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
