"""Stored pictures of the chapters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from siamlab.course.pictures import stored_picture
from siamlab.errors import InputError


def test_a_picture_is_shown_with_its_words():
    picture = stored_picture("quick/curves", "Three curves.", width=500)
    data, about = picture._repr_png_()
    assert data == Path(picture.path).read_bytes() and data.startswith(b"\x89PNG")
    assert about == {"alt": "Three curves.", "width": 500}
    assert repr(picture) == "Three curves."


def test_a_missing_picture_is_one_line():
    with pytest.raises(InputError, match=re.escape("There is no picture 'quick/none' in ")):
        stored_picture("quick/none", "Nothing.")
