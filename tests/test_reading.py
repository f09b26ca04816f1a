"""A random price table, written in a random form, is read back with the same dates and numbers."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.data.sources import load

DATE_FORMS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%m/%d/%y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%Y%m%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "epoch s",
    "epoch ms",
)
HEADERS = (
    ("Date", "Open", "High", "Low", "Close", "Volume"),
    ("Datum", "Eröffnung", "Hoch", "Tief", "Schlusskurs", "Umsatz"),
    ("Fecha", "Apertura", "Máximo", "Mínimo", "Cierre", "Volumen"),
    ("date", "open", "high", "low", "adj_close", "vol"),
    None,
)
PREAMBLES = ((), ("Made Inc.",), ("Source: https://example.com/a", "", "Historical prices", ""))
FOOTERS = ((), ("Source: made up",), ("", "* preliminary", "(c) nobody"))


def written_date(date, form):
    if form.startswith("epoch"):
        return str(int(date.timestamp()) * (1000 if form.endswith("ms") else 1))
    return date.strftime(form)


def written_number(value, digits, decimal, thousands, sign):
    text = f"{value:,.{digits}f}" if thousands else f"{value:.{digits}f}"
    return sign + (text.translate(str.maketrans(",.", ".,")) if decimal == "," else text)


@st.composite
def tables(draw):
    """Dates, five columns of numbers, and the bytes of a file that holds them."""
    rows = draw(st.integers(30, 90))
    scale, digits = draw(st.sampled_from(((1.5, 4), (40.0, 2), (900.0, 1), (30_000.0, 2))))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    close = np.round(scale * np.exp(np.cumsum(random.normal(0, 0.01, rows))), digits)
    opened = np.round(np.append(close[0], close[:-1]) * (1 + random.normal(0, 0.002, rows)), digits)
    high, low = np.maximum(opened, close) + 10.0**-digits, np.minimum(opened, close) - 10.0**-digits
    columns = [opened, high.round(digits), low.round(digits), close, random.integers(1, 10**7, rows).astype(float)]
    dates = pd.bdate_range(
        draw(st.dates(pd.Timestamp("1990-01-01").date(), pd.Timestamp("2024-01-01").date())), periods=rows
    )
    return dates, columns, *write(draw, dates, columns, digits)


def write(draw, dates, columns, digits):
    form, header = draw(st.sampled_from(DATE_FORMS)), draw(st.sampled_from(HEADERS))
    decimal, thousands = draw(st.sampled_from(".,")), draw(st.booleans())
    delimiter, sign = draw(st.sampled_from(",;\t|")), draw(st.sampled_from(("", "$", "€ ")))
    order = draw(st.sampled_from(("oldest first", "newest first", "shuffled")))
    encoding = draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252")))
    rows = list(range(len(dates)))
    if order == "newest first":
        rows.reverse()
    elif order == "shuffled":
        np.random.default_rng(draw(st.integers(0, 99))).shuffle(rows)
    text = io.StringIO()
    preamble, footer = draw(st.sampled_from(PREAMBLES)) if header else (), draw(st.sampled_from(FOOTERS))
    text.write("".join(line + "\n" for line in preamble))
    writer = csv.writer(text, delimiter=delimiter, lineterminator=draw(st.sampled_from(("\n", "\r\n"))))
    if header:
        writer.writerow(header)
    for row in rows:
        prices = [written_number(column[row], digits, decimal, thousands, sign) for column in columns[:4]]
        volume = written_number(columns[4][row], 0, decimal, thousands, "")
        writer.writerow([written_date(dates[row], form), *prices, volume])
    text.write("".join(line + "\n" for line in footer))
    return order, text.getvalue().encode(encoding)


@pytest.mark.slow
@settings(
    max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=tables())
def test_a_random_table_is_read_back(table, tmp_path):
    dates, columns, order, data = table
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    series = load(path)
    assert series.index.tolist() == dates.tolist()
    np.testing.assert_allclose(series.y, columns[3], rtol=1e-12)
    kinds = {finding.kind for finding in series.findings}
    assert {"newest first": "newest_first", "shuffled": "unsorted"}.get(order, "preamble") in {*kinds, "preamble"}
