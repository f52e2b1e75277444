"""Who agreed to what, until when: without it, no real person is captured or enrolled.

The record keeps the digest of the text that was agreed to, and the text itself, so that it can
be shown that no other text was put in its place.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from siamlab.errors import ConsentError
from siamlab.system.files import read_text

REAL, DRAWN, PUBLIC = "real", "drawn", "public"
EXEMPT = (DRAWN, PUBLIC)  # nobody to ask: drawn people, and published collections such as LFW

STANDARD_TEXT = """\
I agree that images of my face, and the numbers computed from them (templates), are kept on this
machine to verify that I am the person I say I am. They are not passed on. I can see, take along
and erase all of it at any time, and it is erased after the date named here. I can refuse without
any disadvantage and be registered in another way."""


@dataclass(frozen=True)
class Consent:
    """A consent to keep and compare a person's face.

    Attributes:
        text: what was agreed to.
        text_sha256: its digest.
        purpose: for what, in a few words.
        agreed: when, ISO 8601 in UTC.
        until: the last day, ISO 8601; the data is erased after it (``siamlab gallery purge``).
        by: who agreed: the person, or who may decide for them.
    """

    text: str
    text_sha256: str
    purpose: str
    agreed: str
    until: str
    by: str

    def check(self, today: date | None = None) -> Consent:
        """The consent itself, if it is still valid.

        Raises:
            ConsentError: its last day is over, or its text was changed.
        """
        if text_digest(self.text) != self.text_sha256:
            raise ConsentError("The text of a consent was changed after it was given; ask anew.")
        if self.expired(today):
            raise ConsentError(
                f"The consent of {self.by!r} ended on {self.until}; ask anew, or erase this person."
            )
        return self

    def expired(self, today: date | None = None) -> bool:
        """Whether its last day is over."""
        return date.fromisoformat(self.until) < (_today() if today is None else today)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def give_consent(
    until: date | str,
    by: str,
    text: str = STANDARD_TEXT,
    purpose: str = "face verification on this machine",
) -> Consent:
    """Record that somebody agrees now.

    Args:
        until: the last day on which the data may be kept, as a date or ``YYYY-MM-DD``.
        by: who agrees.
        text: what is agreed to.
        purpose: for what, in a few words.

    Raises:
        ConsentError: the day is over or no date, or text or name are empty.

    Example:
        >>> give_consent("2999-12-31", by="Ada").expired()
        False
    """
    try:
        last = date.fromisoformat(until if isinstance(until, str) else f"{until:%Y-%m-%d}")
    except (ValueError, TypeError):
        raise ConsentError(
            f"Until when? A date such as 2027-07-31 is needed. Received: {until!r}."
        ) from None
    if last < _today():
        raise ConsentError(f"The last day of a consent lies ahead. Received: {last.isoformat()}.")
    if not text.strip() or not by.strip():
        raise ConsentError("A consent needs a text and the name of who agrees to it.")
    agreed = datetime.now(UTC).isoformat(timespec="seconds")
    return Consent(text, text_digest(text), purpose, agreed, last.isoformat(), by)


def read_consent_text(text_or_file: str) -> str:
    """The text of a consent: that of a file of this name, else the words themselves.

    Raises:
        ConsentError: it is one word, such as a mistyped file's name.
    """
    try:
        is_file = Path(text_or_file).is_file()
    except (OSError, ValueError):  # longer than a name may be
        is_file = False
    if is_file:
        return read_text(text_or_file)
    one_word = len(text_or_file.split()) == 1  # some scripts set no spaces in a sentence
    if one_word and (text_or_file.isascii() or Path(text_or_file).suffix):
        raise ConsentError(
            f"There is no file {text_or_file}, and one word is no consent: give the file, or the "
            "sentence that was agreed to."
        )
    return text_or_file


def text_digest(text: str) -> str:
    """The SHA-256 of a text in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _today() -> date:
    return datetime.now(UTC).date()
