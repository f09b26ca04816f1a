"""The file of many forecasts, read by those who work with such files."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from forecast.config import QUANTILES
from forecast.inference.batch.shards import ShardInfo, join_shards, read_shard_info, write_shard
from forecast.inference.forecasts import Forecast

DAYS = ("2024-03-05", "2024-03-06")
HOURS = ("2024-03-04 23:30", "2024-03-05 00:30")


def made(name, origin, dates, seed):
    quantiles = np.sort(np.random.default_rng(seed).normal(size=(len(dates), len(QUANTILES))))
    return Forecast("lstm", name, "USD", origin, dates, QUANTILES, quantiles)


def in_pandas(file):
    for row in pd.read_parquet(file).itertuples(index=False):
        yield (*row[:2], row.origin.to_pydatetime(), row.step, row.date.to_pydatetime(), *row[5:])


def in_polars(file):
    import polars

    return polars.read_parquet(file).rows()


def in_duckdb(file):
    import duckdb

    return duckdb.read_parquet(str(file)).fetchall()


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    """A file of two parts with a name in both, and the rows that must stand in it."""
    folder = tmp_path_factory.mktemp("parts")
    zurich, hourly = made("Zürich", "2024-03-04", DAYS, seed=1), made("Load", "2024-03-04 22:30", HOURS, seed=2)
    again = made("Zürich", "2024-03-04", DAYS, seed=3)
    write_shard(
        [zurich, hourly], ShardInfo({"a/ticker=Zürich": "Zürich", "b.csv": "Load"}, {}, 2, 0), folder / "1.parquet"
    )
    write_shard([again], ShardInfo({"c/ticker=Zürich": "Zürich"}, {"d.csv": "no table"}, 1, 0), folder / "2.parquet")
    files = [folder / "1.parquet", folder / "2.parquet"]
    join_shards(files, [read_shard_info(file) for file in files], folder / "forecasts.parquet")
    rows = [
        (name, "lstm", datetime.fromisoformat(one.origin), step, datetime.fromisoformat(date), *quantiles)
        for name, one in [("a/ticker=Zürich", zurich), ("Load", hourly), ("c/ticker=Zürich", again)]
        for step, (date, quantiles) in enumerate(zip(one.dates, one.quantiles.tolist(), strict=True), start=1)
    ]
    return folder / "forecasts.parquet", rows


@pytest.mark.parametrize("read", [in_pandas, in_polars, in_duckdb])
def test_the_file_holds_the_same_values_of_the_same_types_for_every_reader(joined, read):
    file, rows = joined
    found = list(read(file))
    assert found == rows
    assert {tuple(map(type, row)) for row in found} == {(str, str, datetime, int, datetime, *[float] * 7)}


def test_a_file_of_no_forecasts_has_the_columns(tmp_path):
    write_shard([], ShardInfo({}, {"d.csv": "no table"}, 0, 0), tmp_path / "1.parquet")
    join_shards([tmp_path / "1.parquet"], [read_shard_info(tmp_path / "1.parquet")], tmp_path / "forecasts.parquet")
    for read in (in_pandas, in_polars, in_duckdb):
        assert list(read(tmp_path / "forecasts.parquet")) == []
    assert list(pd.read_parquet(tmp_path / "forecasts.parquet").dtypes.astype(str))[2:6] == [
        "datetime64[us]",
        "int32",
        "datetime64[us]",
        "float64",
    ]
