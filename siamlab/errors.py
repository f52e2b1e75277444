"""Every error siamlab raises for a user: one line that says what is wrong and what to do.

The command line prints the line and exits with status 2; a notebook shows the line alone.
``SIAMLAB_DEBUG=1`` shows where it happened in both.
"""

import os
import re
import traceback


class SiamlabError(Exception):
    """Base of all errors that a user can correct; the message is one line.

    Example:
        >>> import siamlab
        >>> try:
        ...     siamlab.load_model("nowhere.keras")
        ... except siamlab.SiamlabError as error:
        ...     print(error)
        No model file at nowhere.keras. Check the name, or train one: siamlab train.
    """

    def __str__(self) -> str:
        """The message on one line, whatever a file's name or a library's reason in it holds."""
        text = super().__str__()
        if text.isprintable():
            return text
        text = re.sub(r"\s*[\n\r\t\v\f]\s*", " ", text)
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it."""
        if os.environ.get("SIAMLAB_DEBUG"):
            return "".join(traceback.format_exception(self)).splitlines()
        return [f"{type(self).__name__}: {self}"]


class InputError(SiamlabError, ValueError):
    """An argument or a file has the wrong form, shape or value."""


class ImageError(InputError):
    """An image file is corrupt, truncated, empty or of an unusable size."""


class EmptyFolderError(InputError):
    """A folder or archive holds no images, or no people."""


class CameraError(SiamlabError):
    """A camera or video cannot be opened, or was disconnected while frames were read."""


class EndOfFrames(CameraError):
    """A video, folder or limited drawn camera has no more frames."""


class FaceError(SiamlabError):
    """The face in an image cannot be used."""


class NoFaceError(FaceError):
    """No face was found."""


class SeveralFacesError(FaceError):
    """Several faces of similar size were found where one is expected."""


class UnusableFaceError(FaceError):
    """The face is too dark, too blurred or too covered for an answer that means anything."""


class ModelError(SiamlabError):
    """A model file is missing, damaged, or of another architecture."""


class DownloadError(SiamlabError):
    """A download failed, or the file is not the expected one."""


class StorageError(SiamlabError):
    """A file cannot be written: the disk is full or the folder is read-only."""


class NotEnrolledError(SiamlabError):
    """The gallery holds no templates of this person."""


class MissingStepError(SiamlabError):
    """A notebook needs a file that an earlier one makes."""


class MissingPackageError(SiamlabError, ImportError):
    """A package or system library that siamlab needs cannot be imported."""


class PassphraseError(SiamlabError):
    """The gallery is encrypted, and the passphrase is missing or wrong."""


class ConsentError(InputError):
    """Biometric data of a real person without a consent that is still valid."""


class TooManyTriesError(SiamlabError):
    """Too many failed tries at a door; the message says when to try again."""
