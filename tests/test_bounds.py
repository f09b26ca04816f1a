"""Small files that would fill the memory, or end the process, are refused in one line that says what to raise."""

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet

from forecast.config import read_config
from forecast.data.sources import load
from forecast.data.sources.formats import delimited, workbook_process
from forecast.data.sources.parquet import list_series
from forecast.errors import ConfigError, SourceError
from forecast.runtime.unpacking import most_bytes, unpack

TABLE = "Date,Close\n" + "".join(f"{day:%Y-%m-%d},{day.day}\n" for day in pd.bdate_range("2020-01-01", periods=50))
BOMB = TABLE.encode() + b"0" * (25 << 20)
RAISE = "set the variable FORECAST_UNPACKED_MB"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setenv("FORECAST_UNPACKED_MB", "1")


def zipped(content, name="a.csv"):
    from io import BytesIO

    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def lying(content):
    """A zip file that declares a hundredth of what it holds."""
    packed = bytearray(zipped(content))
    for mark, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        start = packed.index(mark) + place
        packed[start : start + 4] = (len(content) // 100).to_bytes(4, "little")
    return bytes(packed)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zipped])
def test_a_packed_file_unpacks_to_a_bound(tmp_path, pack, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(pack(TABLE.encode()))
    assert len(load(path)) == 50
    path.write_bytes(pack(BOMB))
    with pytest.raises(SourceError, match=f"a.csv.* may unpack to 1 MB. .*{RAISE}"):
        load(path)
    monkeypatch.setenv("FORECAST_UNPACKED_MB", "many")
    with pytest.raises(ConfigError, match="FORECAST_UNPACKED_MB must be a whole number of megabytes. Received: many"):
        load(path)


def test_a_large_file_may_unpack_to_a_multiple_of_its_size(monkeypatch):
    assert most_bytes(10 << 20) == 200 << 20
    monkeypatch.setenv("FORECAST_UNPACKED_MB", "500")
    assert most_bytes(10 << 20) == 500 << 20


def test_several_streams_are_one_file():
    parts = [TABLE.encode(), b"2021-01-01,5\n"]
    for pack, kind in ((gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")):
        assert unpack(b"".join(map(pack, parts)), kind, "a") == b"".join(parts)
        with pytest.raises(SourceError, match=f"a: the {kind} file cannot be unpacked"):
            unpack(pack(parts[0])[:-9], kind, "a")


def test_a_zip_file_that_lies_about_its_size_is_damaged(tmp_path):
    (tmp_path / "a.zip").write_bytes(lying(BOMB))
    with pytest.raises(SourceError, match="the zip file cannot be unpacked"):
        load(tmp_path / "a.zip")


def test_a_header_of_xz_does_not_decide_on_the_memory(tmp_path):
    large = {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30, "preset": 0}
    (tmp_path / "a.xz").write_bytes(lzma.compress(TABLE.encode(), filters=[large]))
    with pytest.raises(SourceError, match="Memory usage limit exceeded. Pack it with a smaller dictionary"):
        load(tmp_path / "a.xz")


def test_files_packed_in_one_another_are_refused(tmp_path):
    content = TABLE.encode()
    for _ in range(3000):
        content = gzip.compress(content, 0)
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(SourceError, match="may be packed 2 times"):
        load(tmp_path / "a.gz")


def test_a_parquet_file_of_very_many_rows_is_refused_before_they_are_read(tmp_path):
    rows = pa.table({"Date": np.zeros(10**6, "M8[ms]"), "Close": np.zeros(10**6)})
    parquet.write_table(rows, tmp_path / "a.parquet", compression="zstd")
    for read in (load, lambda path: list_series(Path(path))):
        with pytest.raises(SourceError, match=RAISE):
            read(str(tmp_path / "a.parquet"))
    (tmp_path / "ticker=A").mkdir()
    (tmp_path / "a.parquet").rename(tmp_path / "ticker=A" / "a.parquet")
    with pytest.raises(SourceError, match=RAISE):
        load(tmp_path / "ticker=A")


def workbook(path, **cells):
    book = openpyxl.Workbook()
    for line in TABLE.splitlines():
        book.active.append(line.split(","))
    for place, value in cells.items():
        book.active[place] = value
    book.save(path)
    return path


@pytest.mark.parametrize(("place", "message"), [("XFD1048576", "reading this workbook needs more than"), ("ZZ200", "")])
def test_a_cell_far_from_the_table_is_one_line(tmp_path, place, message):
    assert len(load(workbook(tmp_path / "a.xlsx", D3="x"))) == 50
    with pytest.raises(SourceError, match=f"{message or '200 rows and 702 columns'}.*Delete cells far from the table"):
        load(workbook(tmp_path / "a.xlsx", **{place: 1}))


def test_a_workbook_of_much_text_is_refused_before_it_is_read(tmp_path):
    path = workbook(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/more.xml", b" " * (30 << 20))
    with pytest.raises(SourceError, match=RAISE):
        load(path)
    path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(range(256)) * 20)
    with pytest.raises(SourceError, match="the workbook cannot be read"):
        load(path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere its limit of seconds ends it")
def test_the_process_that_reads_a_workbook_ends_with_the_one_that_asked(tmp_path):
    """Its standard input stays open here, so that nothing but the death of its parent can end it."""
    limits = "['1000', str(1 << 30), '60', str(os.getpid())]"
    code = (
        "import os, subprocess, sys, time\n"
        f"command = [sys.executable, '-P', {workbook_process.__file__!r}, *{limits}]\n"
        "print(subprocess.Popen(command, stdout=subprocess.DEVNULL).pid, flush=True)\ntime.sleep(1000)\n"
    )
    reading, writing = os.pipe()
    asked = subprocess.Popen([sys.executable, "-c", code], stdin=reading, stdout=subprocess.PIPE, text=True)
    reader = psutil.Process(int(asked.stdout.readline()))
    assert reader.is_running()
    asked.kill()
    asked.communicate()
    assert not psutil.wait_procs([reader], timeout=300)[1]
    os.close(reading)
    os.close(writing)


def test_a_long_field_says_where(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE + "2021-01-01," + "1" * 200_000 + "\n")
    with pytest.raises(SourceError, match="^a.csv: a row of the table cannot be read: field larger than field limit"):
        load(tmp_path / "a.csv")


@pytest.mark.parametrize("date", ["2801-12-28", "1500-01-01"])
def test_a_date_that_pandas_cannot_hold_is_one_line(tmp_path, date):
    (tmp_path / "a.csv").write_text(TABLE + f"{date},7\n")
    with pytest.raises(SourceError, match=f"a.csv: dates must lie from 1678-01-01 to 2250-01-01. Received: {date}"):
        load(tmp_path / "a.csv")


def test_brackets_in_a_configuration_are_one_line(tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match="a configuration file is JSON"):
        read_config(tmp_path / "a.json")


def test_rows_of_different_lengths_are_lists_in_parts(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text(TABLE.replace("\n", ",\n", 7) + 'Source: "nobody\n')
    whole = load(tmp_path / "a.csv")
    monkeypatch.setattr(delimited, "TOGETHER", 8)
    np.testing.assert_array_equal(load(tmp_path / "a.csv").y, whole.y)
    (tmp_path / "a.csv").write_text(TABLE + '2021-01-01,"1\n",2\n2021-01-02,1,2,3,4\n')
    with pytest.raises(SourceError, match="row 51 of the table: a row must not have more cells"):
        load(tmp_path / "a.csv")
