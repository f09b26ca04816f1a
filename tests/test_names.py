"""Names that others gave: in file names, on a terminal, in a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.runtime.names import csv_cell, slug, unique_slug, visible, whole_characters

TEXT = st.text(st.characters(), max_size=300)


@pytest.mark.parametrize(
    ("name", "file"),
    [("^GSPC", "^GSPC"), ("S&P 500", "S-P-500"), ("a/b: c", "a-b-c"), ("x=1_2.5", "x=1_2.5"), ("Zürich", "Z-rich")],
)
def test_names_of_series_become_names_of_files(name, file):
    assert slug(name) == file


@given(name=TEXT, other=TEXT)
def test_a_slug_is_one_file_in_its_folder(name, other):
    for make in (slug, unique_slug):
        assert len(make(name).encode()) <= 137
        assert "/" not in make(name)
        assert make(name) not in ("", ".", "..")
    assert (unique_slug(name) == unique_slug(other)) == (name == other)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\tb\nc\rd", "a\\x09b\\x0ac\\x0dd"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202efdp.exe", "abc\\u202efdp.exe"),
        ("\udcff", "\\udcff"),
        ("Zürich 日本 👩\u200d🚀\u00a0€", "Zürich 日本 👩\u200d🚀\u00a0€"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(name, shown):
    assert visible(name) == shown
    assert visible(shown) == shown


@given(name=TEXT)
def test_nothing_that_is_shown_acts(name):
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in visible(name))
    visible(name).encode()


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1"])
def test_a_name_is_no_formula(name):
    assert csv_cell(name) == f"'{name}"
    assert csv_cell(f"a{name}") == f"a{name}"


def test_bytes_that_are_no_text_become_marks():
    assert whole_characters("a\udcff") == "a\ufffd"
    assert whole_characters("\udce2\udc82\udcac €") == "€ €"
