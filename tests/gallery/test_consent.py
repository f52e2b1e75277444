"""No real person's face is kept without a consent that holds."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaults import CONSENT, TEMPLATES, picture

from siamlab.errors import ConsentError, InputError
from siamlab.gallery import Gallery, store
from siamlab.gallery.captures import VaultCaptures
from siamlab.gallery.consent import (
    STANDARD_TEXT,
    Consent,
    give_consent,
    read_consent_text,
    text_digest,
)

TODAY = datetime.now(UTC).date()


def test_a_consent_tells_who_agreed_to_what_and_until_when() -> None:
    given_one = give_consent("2999-12-31", by="Ada", text="I agree.", purpose="a lesson")
    assert given_one.text_sha256 == hashlib.sha256(b"I agree.").hexdigest()
    assert (given_one.by, given_one.purpose, given_one.until) == ("Ada", "a lesson", "2999-12-31")
    assert datetime.fromisoformat(given_one.agreed).date() == TODAY
    assert give_consent("2999-12-31", by="Ada").text == STANDARD_TEXT
    assert given_one.check() is given_one
    assert Consent(**given_one.to_dict()) == given_one


@pytest.mark.parametrize("until", [date(2999, 12, 31), datetime(2999, 12, 31, 8), "29991231"])
def test_the_last_day_may_be_a_date(until: date | str) -> None:
    assert give_consent(until, by="Ada").until == "2999-12-31"


@pytest.mark.parametrize("until", ["", "tomorrow", "31.7.2999", "2999-13-01", "2999-02-30", 7])
def test_a_day_that_is_none_is_refused(until: str) -> None:
    with pytest.raises(ConsentError, match="A date such as") as caught:
        give_consent(until, by="Ada")
    assert "\n" not in str(caught.value)


def test_the_last_day_is_still_covered_and_the_next_is_not() -> None:
    assert not give_consent(TODAY, by="Ada").expired()
    with pytest.raises(ConsentError, match="lies ahead"):
        give_consent(TODAY - timedelta(days=1), by="Ada")
    one = give_consent("2999-12-31", by="Ada")
    assert not one.expired(date(2999, 12, 31))
    assert one.expired(date(3000, 1, 1))
    with pytest.raises(ConsentError, match="ended on 2999-12-31"):
        one.check(date(3000, 1, 1))


@pytest.mark.parametrize(("text", "by"), [("", "Ada"), (" \n", "Ada"), ("I agree", " ")])
def test_nobody_agrees_to_nothing(text: str, by: str) -> None:
    with pytest.raises(ConsentError, match="needs a text and the name"):
        give_consent("2999-12-31", by=by, text=text)


@given(st.text(min_size=1).filter(str.strip), st.text())
def test_a_text_that_was_changed_is_found(text: str, other: str) -> None:
    one = give_consent("2999-12-31", by="Ada", text=text)
    assert one.check() is one
    if other != text:
        assert text_digest(other) != one.text_sha256
        with pytest.raises(ConsentError, match="text of a consent was changed"):
            replace(one, text=other).check()


def test_the_text_is_that_of_a_file_or_the_words_themselves(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("I agree, Zoë.", encoding="utf-8")
    assert read_consent_text(str(tmp_path / "text.txt")) == "I agree, Zoë."
    for words in ("I agree.", "x " * 5000, "a\0 b", "同意します。"):
        assert read_consent_text(words) == words
    for mistyped in (str(tmp_path / "txt.txt"), str(tmp_path), "schüler.txt", "yes"):
        with pytest.raises(ConsentError, match="one word is no consent: give the file"):
            read_consent_text(mistyped)
    (tmp_path / "text.txt").write_bytes(b"\xff")
    with pytest.raises(InputError, match="UTF-8"):
        read_consent_text(str(tmp_path / "text.txt"))


def expire(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the year 3000."""
    monkeypatch.setattr("siamlab.gallery.consent._today", lambda: date(3000, 1, 1))


def keep(gallery: Gallery, consent: store.Agreement) -> None:
    gallery.enroll("Ada", TEMPLATES, "m1", consent=consent)


def capture(gallery: Gallery, consent: store.Agreement) -> None:
    VaultCaptures(gallery, "Ada", consent).add("anchor", picture())


both = pytest.mark.parametrize("work", [keep, capture])


@both
def test_nothing_is_kept_without_consent(gallery: Gallery, work: type) -> None:
    with pytest.raises(ConsentError, match=r"--consent .* --until") as caught:
        work(gallery, None)
    assert "\n" not in str(caught.value)
    assert gallery.people() == ()


@both
def test_an_earlier_consent_holds_until_it_is_over(
    gallery: Gallery, work: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(gallery, CONSENT)
    work(gallery, None)
    expire(monkeypatch)
    for consent in (None, CONSENT):
        with pytest.raises(ConsentError, match="ended on 2999-12-31"):
            work(gallery, consent)
    work(gallery, give_consent("3001-01-01", by="Ada"))
    work(gallery, None)


@both
def test_a_consent_whose_text_was_changed_is_refused(gallery: Gallery, work: type) -> None:
    with pytest.raises(ConsentError, match="was changed"):
        work(gallery, replace(CONSENT, text="I agree to anything."))
    assert gallery.people() == ()


@pytest.mark.parametrize("subject", ["drawn", "public"])
def test_where_there_is_nobody_to_ask_no_consent_is_needed(gallery: Gallery, subject: str) -> None:
    keep(gallery, subject)
    keep(gallery, None)
    with pytest.raises(ConsentError, match=f"enrolled as a {subject} person, and this is a camera"):
        capture(gallery, None)
    capture(gallery, CONSENT)  # a real person of the same name, who agreed
    with pytest.raises(ConsentError, match="is a real person here"):
        keep(gallery, subject)


@pytest.mark.parametrize("subject", ["drawn", "public"])
@both
def test_a_real_person_does_not_become_a_drawn_one(
    gallery: Gallery, work: type, subject: str
) -> None:
    work(gallery, CONSENT)
    with pytest.raises(ConsentError, match="is a real person here"):
        keep(gallery, subject)


@pytest.mark.parametrize("consent", ["real", "yes", ""])
def test_a_word_is_no_consent(gallery: Gallery, consent: str) -> None:
    with pytest.raises(ConsentError, match="consent is one of"):
        keep(gallery, consent)
    assert gallery.people() == ()


def test_one_person_without_consent_stops_a_batch(gallery: Gallery) -> None:
    keep(gallery, CONSENT)
    people = [("Ada", TEMPLATES), ("Bob", TEMPLATES)]
    with pytest.raises(ConsentError, match="no consent of 'Bob'"):
        gallery.enroll_many(people, "m1")
    assert gallery.people() == ("Ada",)
