"""Many series: what a source stands for, and that each is the same however it is read."""

import numpy as np
import pandas as pd
import pytest

from forecast.data.sources import expand, load, load_all, load_each
from forecast.errors import ForecastError, SourceError

DAYS = pd.bdate_range("2022-01-03", periods=60)
NAMES = [f"S{number}" for number in range(6)]


@pytest.fixture
def walks():
    """Six random walks side by side; the last one begins late."""
    values = 100 + np.cumsum(np.random.default_rng(0).normal(size=(60, 6)), axis=0)
    values[:45, 5] = np.nan
    return pd.DataFrame(values, DAYS.rename("Date"), NAMES)


@pytest.fixture
def long(walks):
    """The same one below the other, with a volume."""
    rows = walks.reset_index().melt("Date", var_name="ticker", value_name="Close").dropna()
    return rows.assign(Volume=100 + np.arange(len(rows)) * 37 % 1000)


@pytest.fixture
def dataset(long, tmp_path):
    folder = tmp_path / "dataset"
    long.to_parquet(folder, partition_cols=["ticker"], index=False)
    (folder / "_SUCCESS").touch()
    return folder


def same(one, other):
    return one.index.equals(other.index) and one.y.tolist() == other.y.tolist() and one.name == other.name


def test_a_folder_stands_for_its_files_and_a_pattern_for_those_that_fit(walks, tmp_path):
    for name in NAMES:
        walks[[name]].dropna().to_csv(tmp_path / f"{name}.csv")
    (tmp_path / "notes.md").touch()
    (tmp_path / ".hidden.csv").touch()
    files = [str(tmp_path / f"{name}.csv") for name in NAMES]
    assert expand(str(tmp_path)) == expand(f"{tmp_path}/*.csv") == expand(f"{tmp_path}:*") == files
    assert expand(f"{tmp_path}/S[12].csv") == files[1:3]
    assert [series.name for _, series in load_each(files)] == NAMES


def test_a_dataset_stands_for_its_tickers(dataset, walks):
    references = expand(str(dataset))
    assert references == [f"{dataset}/ticker={name}" for name in NAMES] == expand(f"{dataset}/ticker=*")
    for name, reference in zip(NAMES, references, strict=True):
        series = load(reference)
        assert series.name == name
        assert series.y.tolist() == walks[name].dropna().tolist()


def test_a_ticker_with_odd_letters_or_several_files_is_read_whole(long, tmp_path):
    rows = long.replace({"ticker": {"S0": "BRK/B"}}).assign(year=long["Date"].dt.year)
    rows.loc[rows["Date"] > "2022-02-15", "year"] = 2023
    rows.to_parquet(tmp_path, partition_cols=["ticker", "year"], index=False)
    found = dict(load_each(expand(str(tmp_path))))
    assert sorted(len(series) for series in found.values()) == [15, 60, 60, 60, 60, 60]
    assert {series.name for series in found.values()} == {"BRK/B", *NAMES[1:]}


def test_a_dataset_whose_series_are_spread_is_refused(long, tmp_path):
    long.assign(year=2022).to_parquet(tmp_path, partition_cols=["year", "ticker"], index=False)
    with pytest.raises(SourceError, match=r"as in ticker=NAME/year=.*Write it partitioned by ticker alone"):
        expand(str(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wide.csv", "wide.parquet", "long.csv", "long.parquet", "plain.parquet", "wide.xlsx"])
def test_all_series_of_a_file_are_the_same_read_together_or_alone(kind, walks, long, tmp_path):
    path, wide = tmp_path / kind, kind.startswith("wide")
    frame = walks.reset_index() if kind == "plain.parquet" else walks if wide else long
    if kind.endswith("csv"):
        frame.to_csv(path, index=wide)
    elif kind.endswith("xlsx"):
        frame.to_excel(path)
    else:
        frame.to_parquet(path)
    references = expand(f"{path}:*")
    assert references == [f"{path}:{name}" for name in NAMES]
    expected = load_all(f"{path}:*")
    together = dict(load_each(references))
    for reference, series in zip(references, expected, strict=True):
        assert same(together[reference], series)
        assert same(load(reference), series)
        assert load(reference).notes == together[reference].notes == series.notes


def test_columns_beside_the_target_are_read_where_they_are_asked_for(long, walks, tmp_path):
    long.to_parquet(tmp_path / "long.parquet")
    walks.iloc[:, :5].to_parquet(tmp_path / "wide.parquet")
    (_, series), *_ = load_each([f"{tmp_path}/long.parquet:S1", f"{tmp_path}/long.parquet:S2"], columns=["Volume"])
    assert series.columns == ("Close", "Volume")
    assert load(f"{tmp_path}/wide.parquet:S1", columns=["S3"]).columns == ("S1", "S3")
    assert load(f"{tmp_path}/long.parquet:S1", target="Volume").target == "Volume"


def test_a_list_holds_sources_of_any_kind(walks, dataset, tmp_path):
    walks.iloc[:, :2].to_csv(tmp_path / "wide.csv")
    (tmp_path / "more.txt").write_text("MSFT\n")
    lines = ["# my shares", "AAPL  # of the fruit", "", f"{tmp_path}/wide.csv:*", f"@{tmp_path}/more.txt", str(dataset)]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    wide = [f"{tmp_path}/wide.csv:{name}" for name in NAMES[:2]]
    assert expand(f"@{tmp_path}/list.txt") == ["AAPL", *wide, "MSFT", *expand(str(dataset))]


@pytest.mark.parametrize("source", ["AAPL", "^GSPC", "EURUSD=X", "prices.csv", "prices.csv:Close", "BTC-USD"])
def test_anything_else_stands_for_itself(source):
    assert expand(source) == [source]


def test_a_file_of_one_series_stands_for_itself(walks, tmp_path):
    walks[["S0"]].to_csv(tmp_path / "one.csv")
    assert expand(f"{tmp_path}/one.csv:*") == [f"{tmp_path}/one.csv"]


def test_a_ticker_stays_one_beside_a_folder_of_its_name(tmp_path, monkeypatch):
    (tmp_path / "AAPL").mkdir()
    (tmp_path / "AAPL" / "scores.csv").touch()
    monkeypatch.chdir(tmp_path)
    assert expand("AAPL") == ["AAPL"]
    assert expand("AAPL/") == ["AAPL/scores.csv"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{0}/nothing*.csv", "a pattern must match a file"),
        ("{0}/empty", "There is none"),
        ("@{0}/none.txt", "a list is a text file"),
        ("@{0}/blank.txt", "Received: none"),
        ("@{0}/circle.txt", "in a circle"),
        ("{0}/broken.parquet:*", "this Parquet file cannot be read"),
    ],
)
def test_what_stands_for_nothing_is_refused(source, says, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank.txt").write_text("# nothing\n\n")
    (tmp_path / "circle.txt").write_text(f"@{tmp_path}/circle.txt\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match=says):
        expand(source.format(tmp_path))


def test_a_series_that_cannot_be_read_does_not_stop_the_others(walks, tmp_path):
    walks.to_csv(tmp_path / "wide.csv")
    (tmp_path / "bad.csv").write_text("no table\n")
    references = [
        f"{tmp_path}/{name}" for name in ("wide.csv:S0", "wide.csv:S9", "bad.csv", "bad.csv:S1", "bad.csv:S2")
    ]
    found = dict(load_each(references))
    assert list(found) == references
    assert found[references[0]].name == "S0"
    assert all(isinstance(found[reference], ForecastError) for reference in references[1:])
    assert "must be one of S0, S1" in str(found[references[1]])


def test_a_name_may_hold_a_colon(walks, tmp_path):
    walks.rename(columns={"S0": "NASDAQ:S0"}).to_csv(tmp_path / "wide.csv")
    reference = expand(f"{tmp_path}/wide.csv:*")[0]
    assert load(reference).name == "NASDAQ:S0"


def test_one_series_is_asked_for_where_a_folder_is_given(dataset):
    with pytest.raises(SourceError, match="is a folder: it holds many series"):
        load(str(dataset))
