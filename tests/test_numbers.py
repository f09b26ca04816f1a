"""Numbers as people write them, against their values."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.sources.parsing.numbers import find_decimal_mark, read_numbers


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("$1,234.50", ".", 1234.5),
        ("1.234,50", ",", 1234.5),
        ("1 234,50", ",", 1234.5),
        ("1\u202f234,50 €", ",", 1234.5),
        ("1'234.50", ".", 1234.5),
        ("1,23,456.70", ".", 123456.7),
        ("23.529.582", ",", 23529582),
        ("80.22M", ".", 80.22e6),
        ("1,5K", ",", 1500),
        ("2.1B", ".", 2.1e9),
        ("3,5 Mio.", ",", 3.5e6),
        ("-2,66%", ",", -2.66),
        ("(2.5)", ".", -2.5),
        ("−3", ".", -3),
        ("R$ 5,10", ",", 5.1),
        ("EUR 3", ".", 3),
        ("1200원", ".", 1200),
        (" 7 ", ".", 7),
        ("1e5", ".", 100000),
        (".5", ".", 0.5),
    ],
)
def test_a_number_is_read(cell, decimal, value):
    numbers = read_numbers(pa.array([cell]), decimal)
    assert numbers.values.tolist() == pytest.approx([value], rel=1e-12)
    assert not numbers.is_text.any()


@pytest.mark.parametrize("cell", ["", " ", "null", "N/A", "-", "#N/A", "nan", ".", "n.a.", None])
def test_an_empty_cell_is_neither_number_nor_word(cell):
    numbers = read_numbers(pa.array([cell, "1"], pa.string()))
    assert np.isnan(numbers.values[0])
    assert not numbers.is_text.any()


@pytest.mark.parametrize(
    "cell", ["Dividend", "0.22 Dividend", "5:1 Stock Split", "1,23.4", "1.2.3", "inf", "12a", "+", "2020-01-02"]
)
def test_words_are_no_numbers(cell):
    numbers = read_numbers(pa.array([cell, "1"]))
    assert numbers.is_text.tolist() == [True, False]
    assert np.isnan(numbers.values[0])


@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1),
    st.sampled_from((".", ",")),
    st.booleans(),
)
def test_what_is_written_is_read(values, decimal, thousands):
    written = [f"{value:,.2f}" if thousands else f"{value:.2f}" for value in values]
    if decimal == ",":
        written = [text.translate(str.maketrans(",.", ".,")) for text in written]
    np.testing.assert_allclose(read_numbers(pa.array(written), decimal).values, [float(value) for value in values])


@pytest.mark.parametrize(
    ("cells", "likely", "mark", "doubt"),
    [
        (["1.234,5", "987"], ".", ",", False),
        (["1,234.5", "987"], ",", ".", False),
        (["5,4680", "5,4844"], ".", ",", False),
        (["12", "13"], ",", ".", False),
        (["987", "1,002", "995"], ".", ".", False),  # the other reading would jump from 987 to 1.002
        (["0,997", "1,002", "0,995"], ".", ",", False),
        (["1,234", "1,250"], ".", ".", True),
        (["1,234", "1,250"], ",", ",", True),
        (["1.234", "1.250"], ",", ".", True),
    ],
)
def test_the_decimal_mark_comes_from_the_whole_column(cells, likely, mark, doubt):
    assert find_decimal_mark([pa.array(cells)], likely=likely) == (mark, doubt)
