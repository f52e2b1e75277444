"""A person's captured images: in the vault for a real person, in plain folders for a drawn one.

Both hold three kinds, ``anchor``, ``positive`` and ``probes``, and give images that
:func:`siamlab.images.decode.read_image` and all that reads collections accept: paths, or
:class:`VaultImage`, which is decrypted in memory when it is read and never lies in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from siamlab.config import Workspace
from siamlab.data.collections import list_images
from siamlab.errors import (
    ConsentError,
    InputError,
    MissingStepError,
    NotEnrolledError,
    StorageError,
)
from siamlab.gallery.consent import EXEMPT
from siamlab.gallery.store import Agreement, Gallery, agreed
from siamlab.gallery.vault import Person
from siamlab.images.decode import ImageFile
from siamlab.images.write import jpeg_bytes, next_name, unique_name, write_image
from siamlab.system.files import write_text

KINDS = ("anchor", "positive", "probes")
IMAGES = "image/"  # records' names begin so
MARK = ".subject"  # in a person's folder: "drawn" or "public"


class Captures(Protocol):
    """One person's captured images."""

    @property
    def agreement(self) -> Agreement:
        """What :meth:`Gallery.enroll` needs to know of this person's consent.

        ``drawn``, ``public``, or ``None`` where the gallery keeps the consent, or there is none.
        """

    def images(self, *kinds: str) -> tuple[ImageFile, ...]:
        """The images of these kinds, in the order of their names."""

    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""

    def add(self, kind: str, image: np.ndarray) -> ImageFile:
        """Keep one image: uint8 RGB ``(H, W, 3)``."""

    def remove(self, images: Sequence[ImageFile]) -> None:
        """Delete images."""


class VaultImage:
    """One image in the vault; it is decrypted whenever it is read.

    Args:
        captures: whose it is.
        name: like a file's, ``anchor_0001_3f9a1c20.jpg``.
    """

    def __init__(self, captures: VaultCaptures, name: str) -> None:
        self.captures = captures
        self.name = name
        self.suffix = Path(name).suffix
        self.stem = Path(name).stem

    def __repr__(self) -> str:
        return f"VaultImage({self.name})"

    def __str__(self) -> str:
        return f"{self.name} in the gallery"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VaultImage) and self._place() == other._place()

    def __hash__(self) -> int:
        return hash(self._place())

    def read_bytes(self) -> bytes:
        """The content of the image file.

        Raises:
            StorageError: it was removed, or changed.
        """
        return self.captures.read(self.name)

    def _place(self) -> tuple[str, str, str]:
        return *self.captures.place, self.name


class FolderCaptures:
    """Images of a drawn or published person, in plain folders that anybody can look into.

    Args:
        workspace: of the person.
        agreement: ``drawn`` or ``public``; noted beside the images. ``None`` reads the note.
    """

    def __init__(self, workspace: Workspace, agreement: str | None = None) -> None:
        self.workspace = workspace
        self._given = agreement

    @property
    def agreement(self) -> Agreement:
        """What the images are, as noted beside them; ``None`` for images of an earlier siamlab."""
        if self._given is not None:
            return self._given
        try:
            noted = (self.workspace.person_dir / MARK).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return noted if noted in EXEMPT else None

    def images(self, *kinds: str) -> tuple[ImageFile, ...]:
        """See :class:`Captures`."""
        return tuple(path for kind in kinds or KINDS for path in self._listed(kind))

    def counts(self) -> dict[str, int]:
        """See :class:`Captures`."""
        return {kind: len(self._listed(kind)) for kind in KINDS}

    def add(self, kind: str, image: np.ndarray) -> ImageFile:
        """See :class:`Captures`."""
        path = write_image(unique_name(self._folder(kind), kind), image)
        note = self.workspace.person_dir / MARK
        if self._given is not None and not note.is_file():
            write_text(note, self._given + "\n")
        return path

    def remove(self, images: Sequence[ImageFile]) -> None:
        """See :class:`Captures`."""
        try:
            for path in images:
                Path(str(path)).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"Cannot remove {error.filename}: {error.strerror}") from error

    def _folder(self, kind: str) -> Path:
        return Path(getattr(self.workspace, check_kind(kind)))

    def _listed(self, kind: str) -> tuple[Path, ...]:
        folder = self._folder(kind)
        return list_images(folder) if folder.is_dir() else ()


class VaultCaptures:
    """Images of a real person, encrypted in the gallery.

    Args:
        gallery: where they are kept.
        person: whose they are.
        consent: what the person agreed to; ``None`` while an earlier consent holds.
    """

    def __init__(self, gallery: Gallery, person: str, consent: Agreement = None) -> None:
        self.gallery = gallery
        self.person = person
        self._consent = consent

    @property
    def place(self) -> tuple[str, str]:
        """The gallery's folder, and the person."""
        return str(self.gallery.folder), self.person

    @property
    def agreement(self) -> Agreement:
        """``None``: the gallery keeps the consent."""
        return None

    def check(self) -> None:
        """Raise a ConsentError unless this person's face may be kept."""
        with self.gallery.reading() as view:
            self._agreed(None if view is None else view.find_or_new(self.person))

    def images(self, *kinds: str) -> tuple[ImageFile, ...]:
        """See :class:`Captures`."""
        names = self._names()
        chosen = [check_kind(kind) for kind in kinds] or KINDS
        return tuple(
            VaultImage(self, name) for kind in chosen for name in names if _kind(name) == kind
        )

    def counts(self) -> dict[str, int]:
        """See :class:`Captures`."""
        kinds = [_kind(name) for name in self._names()]
        return {kind: kinds.count(kind) for kind in KINDS}

    def add(self, kind: str, image: np.ndarray) -> ImageFile:
        """See :class:`Captures`.

        Raises:
            ConsentError: there is none, or it is over.
            StorageError: the vault cannot be written.
        """
        content = jpeg_bytes(image)
        check_kind(kind)
        with self.gallery.writing() as change:
            found = change.find_or_new(self.person)
            about = self._agreed(found)
            person = change.add(self.person) if found is None else found
            name = next_name((one.removeprefix(IMAGES) for one in person.records), kind)
            change.write(person, IMAGES + name, content)
            change.save(person, "captured", kind, **about)
        return VaultImage(self, name)

    def remove(self, images: Sequence[ImageFile]) -> None:
        """See :class:`Captures`."""
        with self.gallery.writing() as change:
            person = change.find(self.person)
            if person is not None and images:
                for image in images:
                    change.remove(person, IMAGES + image.name)
                change.save(person, "removed", f"{len(images)} images")

    def read(self, name: str) -> bytes:
        """The content of one image file."""
        with self.gallery.reading() as view:
            person = None if view is None else view.find(self.person)
            if view is None or person is None:
                raise NotEnrolledError(f"{self.person!r} is not in the gallery any more.")
            return view.read(person, IMAGES + name)

    def _agreed(self, found: Person | None) -> dict[str, Any]:
        if self._consent is None and found is not None and found.about.get("subject") in EXEMPT:
            raise ConsentError(
                f"{self.person!r} is enrolled as a {found.about['subject']} person, and this is a "
                "camera: a real person needs another name, or a consent of their own."
            )
        return agreed(found, self._consent, self.person)

    def _names(self) -> list[str]:
        with self.gallery.reading() as view:
            person = None if view is None else view.find(self.person)
            records = [] if person is None else sorted(person.records)
        return [name.removeprefix(IMAGES) for name in records if name.startswith(IMAGES)]


def open_captures(
    workspace: Workspace, gallery: Gallery | None = None
) -> FolderCaptures | VaultCaptures:
    """The images that there are of the workspace's person: in plain folders, else in the vault.

    Args:
        workspace: whose ``person`` is meant.
        gallery: the vault; ``None`` opens the workspace's.
    """
    folder = FolderCaptures(workspace)
    if any(folder.counts().values()):
        return folder
    return VaultCaptures(gallery or Gallery(workspace.gallery), workspace.person)


def new_captures(workspace: Workspace, consent: Agreement) -> FolderCaptures | VaultCaptures:
    """Where new images of the workspace's person go.

    Args:
        workspace: whose ``person`` is meant.
        consent: ``drawn`` or ``public`` for plain folders; else what the person agreed to, for the
            vault. ``None`` is the vault too, which refuses an image until there is a consent.

    Raises:
        InputError: images of a real person would be mixed with drawn, published or plain ones.

    Example:
        >>> import siamlab
        >>> captures = new_captures(siamlab.open_workspace(person="Ada"), consent="drawn")
        >>> captures.counts()
        {'anchor': 0, 'positive': 0, 'probes': 0}
    """
    folder = FolderCaptures(workspace)
    kind = folder.agreement or "plain"
    if any(folder.counts().values()) and consent != kind:
        wanted = consent if isinstance(consent, str) else "a real person's"
        raise InputError(
            f"{workspace.person_dir} holds {kind} images; {wanted} are not mixed with them. Choose "
            "another name (PERSON in notebook 02), or remove the folder."
        )
    vault = VaultCaptures(Gallery(workspace.gallery), workspace.person, consent)
    if not isinstance(consent, str):
        if workspace.drawn:
            raise InputError(
                f"{workspace.person!r} is the name of a drawn person, and this is a real one: give "
                "their name as PERSON in notebook 02, or as open_workspace(person=...)."
            )
        return vault
    if any(vault.counts().values()):
        raise InputError(
            f"The gallery holds images of {workspace.person!r}, a real person; {consent} ones need "
            "another name (SIAMLAB_PERSON)."
        )
    return FolderCaptures(workspace, consent)


def require_captures(workspace: Workspace, made_by: str, *kinds: str) -> Captures:
    """The captured images, if there are some of each kind.

    Raises:
        MissingStepError: there are none; the message names the notebook that makes them.
    """
    captures = open_captures(workspace)
    counts = captures.counts()
    for kind in kinds:
        if not counts[check_kind(kind)]:
            raise MissingStepError(
                f"There are no {kind} images of {workspace.person!r}. Run notebook {made_by} first "
                "(same SIAMLAB_DATA)."
            )
    return captures


def captured_people(images: Iterable[ImageFile]) -> tuple[VaultCaptures, ...]:
    """Whose captures from a vault are among some images: each person's once."""
    found = {one.captures.place: one.captures for one in images if isinstance(one, VaultImage)}
    return tuple(found.values())


def check_kind(kind: str) -> str:
    """The kind itself, or an InputError."""
    if kind not in KINDS:
        raise InputError(f"kind is one of {', '.join(KINDS)}. Received: {kind!r}.")
    return kind


def _kind(name: str) -> str:
    return name.split("_", 1)[0]
