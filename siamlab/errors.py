"""Every error siamlab raises for a user: one line that says what is wrong and what to do.

Output: exception classes. The command line prints the message and
exits with status 2; notebooks show it as it is.
"""


class SiamlabError(Exception):
    """Base of all errors that a user can mend; the message is one line."""


class InputError(SiamlabError, ValueError):
    """An argument or a file has the wrong form, shape or value."""


class ImageError(InputError):
    """An image file is corrupt, truncated, empty or of an unusable size."""


class EmptyFolderError(InputError):
    """A folder or archive holds no images, or no people."""


class CameraError(SiamlabError):
    """A camera or video cannot be opened, or went away while frames were read."""


class EndOfFrames(CameraError):
    """A video, folder or limited drawn camera has no more frames."""


class FaceError(SiamlabError):
    """The face in an image cannot be used."""


class NoFaceError(FaceError):
    """No face was found."""


class SeveralFacesError(FaceError):
    """More than one face could be meant."""


class ModelError(SiamlabError):
    """A model file is missing, damaged, or of another architecture."""


class DownloadError(SiamlabError):
    """A download failed, or what came is not what was expected."""


class StorageError(SiamlabError):
    """Nothing could be written: the disk is full or the folder is read-only."""


class NotEnrolledError(SiamlabError):
    """The gallery holds no templates of this person."""


class MissingStepError(SiamlabError):
    """A notebook needs what an earlier one makes."""


class MissingPackageError(SiamlabError, ImportError):
    """A package or system library that siamlab needs cannot be imported."""
