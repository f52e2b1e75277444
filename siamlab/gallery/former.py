"""Galleries of siamlab 0.3 and before: one ``.npz`` file for each person, brought into the vault.

Those files were not encrypted and knew no consent; people come over without one, and can be
verified, listed and erased. To enroll them again, or to capture them, consent is asked for.
"""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np

from siamlab.errors import StorageError
from siamlab.gallery.consent import REAL
from siamlab.gallery.enrollment import Enrollment, check_templates, to_record
from siamlab.gallery.vault import Transaction, Vault

PACK_FOLDER = ".pack"


def former_files(folder: Path) -> list[Path]:
    """People's files of a former gallery, and what killed processes left of them."""
    return sorted(folder.glob("[!.]*.npz")) if folder.is_dir() else []


def bring_over(vault: Vault) -> list[Path]:
    """Move the people of a former gallery into the vault, then delete their files.

    People who are in the vault already stay as they are: a program that was killed between the
    two steps begins again here.

    Returns:
        Files that are damaged or no people's; they stay where they are.

    Raises:
        StorageError: a file cannot be read, which may be whole, or the vault cannot be written;
            nothing is deleted.
    """
    damaged, read = [], []
    for path in former_files(vault.folder):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # another program has brought it over just now
            continue
        except OSError as error:
            raise StorageError(
                f"{path} of the former gallery cannot be read: {error.strerror}. It may be whole: "
                "check its permissions and the disk, and try again."
            ) from None
        try:
            read.append((path, read_former(path, content)))
        except StorageError:
            damaged.append(path)
    if read:
        with vault.writing() as change:
            for _, enrollment in read:
                _add(change, enrollment)
            change.increase("templates")
    try:
        for path, _ in read:
            path.unlink(missing_ok=True)
        for part in vault.folder.glob(".*.tmp"):
            part.unlink(missing_ok=True)
        shutil.rmtree(vault.folder / PACK_FOLDER, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"The former gallery's files in {vault.folder} cannot be removed: {error.strerror}. "
            "They hold templates that are not encrypted: remove the .npz files yourself."
        ) from None
    return damaged


def read_former(path: Path, content: bytes) -> Enrollment:
    """A person's templates in a file of siamlab 0.1 to 0.3.

    Args:
        path: for the message.
        content: of the file.

    Raises:
        StorageError: it is damaged, or not written by siamlab; the message names it.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            templates = check_templates(archive["templates"])
            return Enrollment(
                str(about["person"]),
                templates,
                tuple(map(str, about["sources"])),
                str(about["model_id"]),
                str(about["enrolled"]),
                ("",) * len(templates),
            )
    except Exception as error:  # zipfile and numpy raise many kinds for damaged files
        raise StorageError(
            f"{path} cannot be read as templates (truncated, or not written by siamlab). "
            "Enroll this person again, or remove the file."
        ) from error


def _add(change: Transaction, enrollment: Enrollment) -> None:
    if change.find(enrollment.person) is not None:
        return
    person = change.add(enrollment.person)
    change.write(person, f"templates/{enrollment.model_id}", to_record(enrollment))
    change.save(person, "brought over", subject=REAL, consent=None, enrolled=enrollment.enrolled)
