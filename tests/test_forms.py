"""Every form in which people have price files is read, with what a careful reader would say of it."""

import datetime as dt

import pytest
from forms import FORMS

from forecast.data.sources import inspect, load
from forecast.errors import SourceError


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_is_read(form, tmp_path):
    path = tmp_path / form.file
    path.write_bytes(form.data)
    series = load(f"{path}:{form.series}" if form.series else path)
    timed = isinstance(form.days[0], dt.datetime)
    assert [date if timed else date.date() for date in series.index] == list(form.days)
    assert series.y.tolist() == pytest.approx(form.closes, rel=1e-12)
    assert form.target in (None, series.target)
    assert sorted(finding.kind for finding in series.findings) == sorted(form.findings)


@pytest.mark.parametrize("form", [form for form in FORMS if form.series], ids=lambda form: form.name)
def test_files_with_several_series_list_them(form, tmp_path):
    path = tmp_path / form.file
    path.write_bytes(form.data)
    assert form.series in [sighting.name for sighting in inspect(path).series]
    with pytest.raises(SourceError, match="say which series"):
        load(path)


def test_no_two_forms_are_the_same():
    assert len({form.name for form in FORMS}) == len({form.data for form in FORMS}) == len(FORMS)


REFUSED = {
    "page.csv": (b"<!DOCTYPE html><html><body>429</body></html>", "This file is a web page"),
    "data.csv": (b'{"chart": {"result": null}}', "This file is JSON"),
    "empty.csv": (b"", "the file is empty"),
    "blank.csv": (b"\n\n\n", "the file is empty"),
    "header.csv": (b"Date,Close\n", "There is one line, and no rows"),
    "limit.csv": (b"Exceeded the daily hits limit", "There is one line"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "This file is binary"),
    "no_year.csv": (b"Month,Sales\n1-01,266\n1-02,146\n1-03,183\n", "a column of dates with a year.*Month is '1-01'"),
    "no_day.csv": (b"Day,Sales\nfirst,266\nsecond,146\nthird,183\n", "a column of dates"),
    "across.csv": (
        b"Country,2001,2002,2003,2004\nNowhere,1.5,2.5,3.5,4.5\nElsewhere,2,3,4,5\n",
        "Its header holds dates: turn the table",
    ),
    "words.csv": (b"Date,Weather\n2020-01-02,sun\n2020-01-03,rain\n2020-01-04,sun\n", "a column of numbers"),
    "wider.csv": (
        b"Date,Close,Volume\n2020-01-02,1,180.25,5\n2020-01-03,1,190.5,6\n2020-01-06,1,2.5,7\n",
        "as many cells",
    ),
    "quote.csv": (b'Date,Close\n2020-01-02,1\n2020-01-03,"2\n2020-01-06,3\n2020-01-07,4\n', "cannot be read"),
    "undated.csv": (
        b"Date,Close\n"
        + b"".join(b"2020-01-%02d,%d\n" % (day, day) for day in range(1, 9))
        + b"soon,3\n2020-01-10,4\n",
        "line 10: each row must have a date as the others have.*Close is 3",
    ),
    "mixed.csv": (
        b"Date,Close\n" + b"".join(b"2020-01-%02d,%d\n" % (day, day * k) for k in (1, 40) for day in range(1, 9)),
        "as if several securities were mixed",
    ),
    "years_and_months.csv": (
        b"".join(b"%d,1.5\n" % year for year in range(1990, 1995))
        + b"".join(b"1990 %s,2.5\n" % month for month in (b"Jan", b"Feb", b"Mar", b"Apr", b"May")),
        "all rows must have dates of one kind",
    ),
    "fiscal.csv": (
        b"Year,Budget\n" + b"".join(b"%d/%02d,2.5\n" % (year, (year + 1) % 100) for year in range(1980, 2020)),
        "all rows must have dates of one kind",
    ),
    "stacked.csv": (
        b"AAA\nDate,Close\n"
        + b"".join(b"2020-01-%02d,%d\n" % (day, day) for day in range(1, 20))
        + b"\nBBB\nDate,Close\n"
        + b"".join(b"2020-02-%02d,%d\n" % (day, day) for day in range(1, 20)),
        "Another begins here",
    ),
    "reordered.csv": (
        b"Date,Open,Close\n"
        + b"".join(b"2020-01-%02d,1,2\n" % day for day in range(1, 20))
        + b"Date,Close,Open\n"
        + b"".join(b"2020-02-%02d,2,1\n" % day for day in range(1, 20)),
        "Another begins here",
    ),
    "beside.csv": (
        b"Date,PX_LAST,,Date,PX_LAST\n"
        + b"".join(b"2020-01-%02d,1,,2020-02-%02d,2\n" % (day, day) for day in range(1, 20)),
        "two side by side",
    ),
    "swapped.csv": (
        b"Date,Close\n"
        + b"".join(
            b"2020-%02d-%02d,%d\n" % ((day, month, day) if day < 13 else (month, day, day))
            for month in (1, 2, 3)
            for day in range(1, 29)
        ),
        "days and months are swapped",
    ),
    "thirty_seconds.csv": (
        b"Date,Price\n" + b"".join(b"2020-01-%02d,121'25\n" % day for day in range(1, 9)),
        "column of numbers",
    ),
    "damaged.csv.gz": (b"\x1f\x8b\x08\x00broken", "the gzip file cannot be unpacked"),
    "damaged.zip": (b"PK\x03\x04broken", "the zip file cannot be unpacked"),
    "damaged.parquet": (b"PAR1broken", "this Parquet file cannot be read"),
    "damaged.xls": (b"\xd0\xcf\x11\xe0broken", "the workbook cannot be read"),
    "money.csv": (
        b"2020-01-02,q 1.49,100\n2020-01-03,q 1.50,200\n2020-01-06,q 1.51,300\n",
        "cells must be plain numbers",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_series_is_refused_with_the_reason(name, tmp_path):
    data, reason = REFUSED[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Exception, match=f"(?is){reason}") as caught:
        load(tmp_path / name)
    assert type(caught.value).__module__ == "forecast.errors"
    assert "\n" not in str(caught.value)
