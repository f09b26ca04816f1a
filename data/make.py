"""Writes the bundled series again, from open-source packages and from a formula.

    python data/make.py            needs the extra `data` (arch, statsmodels)

sp500.csv, nasdaq.csv and stock_price.csv come from the package arch, sea_temperature.csv from statsmodels, and
shop_sales.csv is generated: it shows a trend, weeks, years and promotions, not a shop.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from arch.data import nasdaq, sp500
from statsmodels.datasets import elnino

FOLDER = Path(__file__).parent
PRICES = ["Open", "High", "Low", "Close", "Adj Close", "Volume"]


def prices() -> dict[str, pd.DataFrame]:
    """Daily bars of two indices, and the adjusted close of both side by side."""
    bars = {"sp500": sp500.load()[PRICES], "nasdaq": nasdaq.load()[PRICES]}
    wide = pd.DataFrame({"S&P 500": bars["sp500"]["Adj Close"], "NASDAQ": bars["nasdaq"]["Adj Close"]})
    return {**bars, "stock_price": wide}


def sea_temperature() -> pd.DataFrame:
    """Monthly sea surface temperature from the table of one row a year."""
    table = elnino.load_pandas().data.set_index("YEAR")
    months = table.stack()  # noqa: PD013  melt would lose the order
    dates = [pd.Timestamp(f"{int(year)}-{month.title()}-01") for year, month in months.index]
    return pd.DataFrame({"Temperature": months.to_numpy()}, index=pd.DatetimeIndex(dates, name="Date"))


def shop_sales() -> pd.DataFrame:
    """Generated sales of 2015 to 2020: a growing level, busy weekends, a yearly wave, promotions of ten days."""
    random = np.random.default_rng(2015)
    dates = pd.date_range("2015-01-01", "2020-12-31", name="Date")
    day = np.arange(len(dates))
    week = np.array([0.9, 0.88, 0.92, 1.0, 1.15, 1.25, 0.9])[dates.day_of_week]
    year = 1 + 0.15 * np.sin(2 * np.pi * (dates.day_of_year - 80) / 365.25)
    promotion = np.zeros(len(dates), dtype=int)
    for start in random.choice(len(dates) - 10, size=40, replace=False):
        promotion[start : start + 10] = 1
    expected = (200 + 0.05 * day) * week * year * (1 + 0.35 * promotion)
    return pd.DataFrame({"Sales": random.poisson(expected), "Promotion": promotion}, index=dates)


def main() -> None:
    """Writes all files into this folder."""
    tables = {**prices(), "sea_temperature": sea_temperature(), "shop_sales": shop_sales()}
    for name, table in tables.items():
        table.to_csv(FOLDER / f"{name}.csv", index_label="Date", date_format="%Y-%m-%d", lineterminator="\n")


if __name__ == "__main__":
    main()
