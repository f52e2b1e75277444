"""Names of people, as they come in: from folders, files of pairs, arguments and panels.

One name can be written in several ways: macOS takes "ë" apart into two characters, people add
spaces and capitals, and letters of other scripts look like those of one's own (Unicode Technical
Standard 39, "Unicode Security Mechanisms").
"""

from __future__ import annotations

import unicodedata

from siamlab.errors import InputError

_LOOK_ALIKE = ("LATIN", "CYRILLIC", "GREEK")  # scripts with letters of the same looks


def composed(name: str) -> str:
    """A name in one Unicode normalization (NFC); names of files come in several.

    Example:
        >>> from siamlab.system.names import composed
        >>> composed("Zoe\\u0308") == "Zo\\u00eb"
        True
    """
    return unicodedata.normalize("NFC", name)


def decomposed(name: str) -> str:
    """A name as macOS writes it in names of files (NFD)."""
    return unicodedata.normalize("NFD", name)


def normal_name(name: str) -> str:
    """A name in one Unicode normalization, with single spaces.

    Raises:
        InputError: the name is empty.
    """
    normal = " ".join(composed(name).split())
    if not name_key(normal):
        raise InputError("A person needs a name; received an empty one.")
    return normal


def name_key(name: str) -> str:
    """What all ways to write one name have in common: no capitals, no forms, nothing invisible.

    Example:
        >>> from siamlab.system.names import name_key
        >>> name_key("Ada ") == name_key("\\uff21\\u200bda") == "ada"
        True
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join("".join(c for c in plain if unicodedata.category(c) != "Cf").split())


def check_new_name(name: str) -> None:
    """Refuse a name that a reader could take for another one, or that is no text.

    Args:
        name: of a person who is not known yet.

    Raises:
        InputError: it has control characters, or letters of two scripts that look alike.
    """
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise InputError(f"A person's name has no control characters. Received: {name!r}.")
    kinds = {unicodedata.name(c, "").split(" ")[0] for c in name_key(name) if c.isalpha()}
    scripts = [script.capitalize() for script in _LOOK_ALIKE if script in kinds]
    if len(scripts) > 1:
        raise InputError(
            f"The name {name!r} has {' and '.join(scripts)} letters, which look alike: nobody "
            "could tell it from another. Write it in one script."
        )
