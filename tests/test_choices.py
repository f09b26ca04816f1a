"""Which series a table holds, and which column is forecast, where several could be meant."""

import numpy as np
import pandas as pd
import pytest

from forecast.data.sources import inspect, load, load_all
from forecast.errors import SourceError

DAYS = pd.bdate_range("2019-01-01", periods=200)
VALUES = 100 + np.cumsum(np.random.default_rng(1).normal(size=200))
NAMES = ["Alfa"] * 80 + ["ST Alfa"] * 40 + ["Beta"] * 80


@pytest.mark.parametrize(
    "fixed", [{"code": "600001"}, {"permno": 10107}, {"证券代码": "600001"}, {"ISIN": "XX0"}, {"stock_code": 7}]
)
def test_a_security_whose_name_changes_beside_its_code_is_one_series(fixed):
    frame = pd.DataFrame({**fixed, "name": NAMES, "date": DAYS, "close": VALUES})
    series = load(frame)
    assert len(series) == 200
    assert series.y.tolist() == VALUES.tolist()
    code = next(iter(fixed))
    assert f"all rows are one series: {code} is the same in all of them, though name changes" in series.notes


@pytest.mark.parametrize("fixed", [{}, {"country": "US"}, {"exchange_code": "XNYS"}, {"country code": "US"}])
def test_joined_securities_without_a_common_code_stay_apart(fixed):
    frame = pd.DataFrame({**fixed, "ticker": ["AAA"] * 100 + ["BBB"] * 100, "date": DAYS, "close": VALUES})
    assert [one.name for one in inspect(frame).series] == ["AAA", "BBB"]


@pytest.mark.slow
def test_between_sales_and_a_price_the_user_is_asked(tmp_path):
    one = pd.DataFrame({"store": 1, "date": DAYS, "sales": VALUES, "price": VALUES / 50})
    both = pd.concat([one, one.assign(store=2)])
    for frame, name in ((one, "one.csv"), (both, "both.csv")):
        frame.to_csv(tmp_path / name, index=False)
        with pytest.raises(SourceError, match=r"say which .*--target.* There are sales, price"):
            load(tmp_path / name)
        found = load_all(f"{tmp_path / name}:*", target="sales")
        assert {series.target for series in found} == {"sales"}
        assert len(found) == one.store.nunique() * (2 if frame is both else 1)


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"volume": VALUES * 9},
        {"Change %": VALUES / 1000},
        {"open": VALUES - 1, "high": VALUES + 2, "low": VALUES - 2, "sentiment": VALUES / 7},
        {"adj close": VALUES},
        {"station": 12},
    ],
)
def test_a_price_is_chosen_alone_or_beside_other_prices(beside):
    series = load(pd.DataFrame({"date": DAYS, "close": VALUES, **beside}))
    assert series.target == ("adj close" if "adj close" in beside else "close")


def test_a_covariate_that_is_asked_for_is_no_target():
    frame = pd.DataFrame({"date": DAYS, "close": VALUES, "sentiment": VALUES / 7})
    with pytest.raises(SourceError, match="There are sentiment, close"):
        load(frame)
    series = load(frame, columns=["Sentiment"])
    assert (series.target, series.columns) == ("close", ("close", "sentiment"))
