"""Names: one way to write each, and those that could be taken for another are refused."""

from __future__ import annotations

import pytest

from siamlab.errors import InputError
from siamlab.system.names import check_new_name, composed, decomposed, name_key, normal_name


def test_normalizations():
    assert composed("Zoe\u0308") == "Zoë" and decomposed("Zoë") == "Zoe\u0308"
    assert composed("half \udcff") == "half \udcff"
    assert normal_name("  Zoe\u0308   A\t") == "Zoë A"


@pytest.mark.parametrize("name", ["", " ", "\n", "\u200b", "\u00ad \u200d"])
def test_a_name_that_nobody_can_see_is_none(name):
    with pytest.raises(InputError, match="needs a name"):
        normal_name(name)


@pytest.mark.parametrize(
    "written", ["Ada", "ada", " ADA ", "Ada\u200b", "\uff21\uff24\uff21", "\U0001d400da"]
)
def test_what_all_ways_to_write_a_name_have_in_common(written):
    assert name_key(written) == "ada"


def test_letters_of_another_script_are_another_name():
    assert len({name_key(name) for name in ("Ada", "\u0410da", "Adam", "A da", "Äda")}) == 5


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("\u0410da", "Latin and Cyrillic"), ("Αda", "Latin and Greek"), ("Жα", "Cyrillic and Greek")],
)
def test_letters_that_look_alike_are_not_mixed(name, kinds):
    with pytest.raises(InputError, match=f"has {kinds} letters"):
        check_new_name(name)


@pytest.mark.parametrize(
    "name",
    ["Ada", "Жанна", "Ζωή", "李小龙", "Zoë O'Neil-Šimić 3", "مريم", "Ada 李", "\udcff", "😀"],
)
def test_names_of_all_scripts_are_names(name):
    check_new_name(name)


@pytest.mark.parametrize("name", ["a\nb", "a\0", "\x1b[31m", "a\x9b"])
def test_control_characters_are_refused_in_one_line(name):
    with pytest.raises(InputError, match="no control characters") as caught:
        check_new_name(name)
    assert str(caught.value).isprintable()
