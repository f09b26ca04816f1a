"""A small series of daily sales with a weekly season, for tests of the server."""

import io

import numpy as np
import pandas as pd

import forecast

RANDOM = np.random.default_rng(7)
TABLE = pd.DataFrame(
    {
        "date": pd.date_range("2021-01-01", periods=400),
        "sales": 100 + 20 * np.sin(np.arange(400) * 2 * np.pi / 7) + np.round(RANDOM.normal(0, 3, 400), 2),
    }
)
SALES_CSV = TABLE.to_csv(index=False).encode()
SALES = forecast.load(pd.read_csv(io.BytesIO(SALES_CSV), parse_dates=["date"]), name="sales")
