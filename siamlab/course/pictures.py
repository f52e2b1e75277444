"""Pictures that are stored in the checkout, for the opening of a chapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from siamlab.errors import InputError

FIGURES = Path(__file__).resolve().parents[2] / "figures"


@dataclass(frozen=True)
class StoredPicture:
    """A PNG file that a notebook shows; its text is what it shows, in words.

    Attributes:
        path: of the file.
        alt: what it shows, for readers who do not see it.
        width: in pixels of the page.
    """

    path: Path
    alt: str
    width: int = 800

    def __repr__(self) -> str:
        return self.alt

    def _repr_png_(self) -> tuple[bytes, dict[str, str | int]]:
        return self.path.read_bytes(), {"alt": self.alt, "width": self.width}


def stored_picture(name: str, alt: str, width: int = 800) -> StoredPicture:
    """A picture of the folder ``figures`` of the checkout.

    In a cell, unlike a link in its text, it is also seen in a copy of the notebook elsewhere.

    Args:
        name: folder and name without suffix, such as ``quick/curves``.
        alt: what it shows, in words.
        width: in pixels of the page.

    Raises:
        InputError: there is no such picture.
    """
    path = FIGURES / f"{name}.png"
    if not path.is_file():
        raise InputError(f"There is no picture {name!r} in {FIGURES}; give folder and name.")
    return StoredPicture(path, alt, width)
