"""Bars: a small format, strict about names, and broken where nothing was measured."""

from __future__ import annotations

import pytest

from siamlab.assessment.bars import Bar, broken_bars, known_values, read_bars
from siamlab.assessment.measured import Measured
from siamlab.errors import InputError
from siamlab.evaluation import Interval


def bars_of(tmp_path, text: str) -> tuple[Bar, ...]:
    file = tmp_path / "bars.toml"
    file.write_text(text)
    return read_bars(file)


def test_names_with_and_without_quotes(tmp_path):
    """TOML reads dark.fnmr as a table in a table; it is the same bar."""
    found = bars_of(
        tmp_path,
        '[bars]\naccuracy = {min = 0.97}\n"dark.fnmr" = {max = 0.3}\nblur.fnmr = {max = 0.2}\n'
        '"dark@4.fmr" = {min = 0, max = 0.01}\n"group.men.fnmr" = {max = 0.1}\n',
    )
    assert found == (
        Bar("accuracy", 0.97, None),
        Bar("dark.fnmr", None, 0.3),
        Bar("blur.fnmr", None, 0.2),
        Bar("dark@4.fmr", 0.0, 0.01),
        Bar("group.men.fnmr", None, 0.1),
    )


VALUES = {
    "accuracy": Measured(0.95, Interval(0.92, 0.98), 100),
    "fmr": Measured(0.02),
    "eer": Measured(None),
}


@pytest.mark.parametrize(
    ("bar", "line"),
    [
        (Bar("accuracy", 0.95), ""),
        (Bar("accuracy", None, 0.95), ""),
        (Bar("accuracy", 0.96), "accuracy is 0.950 (0.920 to 0.980), below the least, 0.96"),
        (Bar("fmr", None, 0.01), "fmr is 0.020, above the most, 0.01"),
        (Bar("eer", None, 1.0), "eer could not be measured, and at most 1 is asked for"),
        (
            Bar("attack.fgsm", 0.0, 0.5),
            "attack.fgsm could not be measured, and at least 0 and at most 0.5 is asked for",
        ),
    ],
)
def test_a_bar_holds_its_ends_and_breaks_beyond_them(bar, line):
    assert bar.broken(VALUES) == line
    assert bar.to_dict(VALUES)["broken"] == (line or None)


def test_broken_bars_are_listed_in_order():
    bars = (Bar("fmr", None, 0.0), Bar("accuracy", 0.5), Bar("eer", 0.1))
    assert [line.split()[0] for line in broken_bars(bars, VALUES)] == ["fmr", "eer"]


def test_known_names_are_all_different_and_cover_levels():
    names = known_values()
    assert len(names) == len(set(names))
    assert {"accuracy", "auc", "dark.fnmr", "dark@4.fnmr", "mouth@60.no_face"} <= set(names)


BAD = {
    "no TOML": ("bars", "is not TOML"),
    "nothing": ("", r"one table, \[bars\].*Received: none"),
    "no bar": ("[bars]\n", "Received: no bar"),
    "another table": ("[bars]\nfmr = {max = 1}\n[limits]\n", r"Received: \[limits\]"),
    "unknown": ("[bars]\nacuracy = {min = 1}\n", r"'acuracy' is no value.*Known: accuracy, fmr"),
    "unknown level": ('[bars]\n"dark@5.fnmr" = {max = 1}\n', "'dark@5.fnmr' is no value"),
    "a number": ("[bars]\nfmr = 0.1\n", "fmr needs .*Received: 0.1"),
    "no limit": ("[bars]\nfmr = {}\n", "fmr needs"),
    "another limit": ("[bars]\nfmr = {max = 1, most = 2}\n", "fmr needs"),
    "a word": ('[bars]\nfmr = {max = "low"}\n', "fmr needs"),
    "true": ("[bars]\nfmr = {max = true}\n", "fmr needs"),
    "not a number": ("[bars]\nfmr = {max = nan}\n", "fmr needs"),
    "upside down": ("[bars]\nfmr = {min = 0.2, max = 0.1}\n", "never be reached"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_in_one_line(case, tmp_path):
    text, message = BAD[case]
    with pytest.raises(InputError, match=message) as caught:
        bars_of(tmp_path, text)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_bars(tmp_path / "absent.toml")
