"""Read what a page shows.

In: the folder that `writer.py` or `comparison_writer.py` wrote. Out: a `Content`, with tables as data frames.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.display.interactive import date_texts
from forecast.errors import ConfigError
from forecast.models import BASELINES

RUN = "run.json"


@dataclass(frozen=True, eq=False)
class Content:
    """A run as its page shows it.

    Attributes:
        record: Content of `run.json`.
        backtest: One row a model, origin and step, with dates as such, or counts.
        forecast: One row a model and coming step, with dates as such, or counts.
        pictures: PNG pictures as data URIs, by name.
    """

    record: dict[str, Any]
    backtest: pd.DataFrame
    forecast: pd.DataFrame
    pictures: dict[str, str]

    @property
    def learned(self) -> list[str]:
        """All models but the baselines, from the smallest error; naive if there are none."""
        rows = sorted(self.record["scores"], key=lambda row: row["mae_vs_naive"] or np.inf)
        return [row["model"] for row in rows if row["model"] not in BASELINES] or ["naive"]

    @property
    def best(self) -> str:
        """The model with the smallest error."""
        return self.learned[0]

    @property
    def charted(self) -> list[str]:
        """The models in the charts: those learned, and naive."""
        return list(dict.fromkeys([*self.learned, "naive"]))

    @property
    def coming(self) -> list[dict[str, str]]:
        """The table of the forecast: date, median and intervals of the best model, one row a step."""
        rows = self.forecast_of(self.best)
        digits = _digits(rows)
        names = ("q50", "q25", "q75", "q05", "q95")
        shown = {name: [f"{value:,.{digits}f}" for value in rows[name]] for name in names}
        return [
            {"step": str(step), "date": date, **{name: shown[name][place] for name in names}}
            for place, (step, date) in enumerate(zip(rows["step"], _texts(rows["date"]), strict=True))
        ]

    @property
    def coverage(self) -> float:
        """The share of truths inside the best model's 90 % interval in the test."""
        return float(next(row["coverage90"] for row in self.record["scores"] if row["model"] == self.best))

    @property
    def unit(self) -> str:
        return str(self.record["series"]["unit"])

    @property
    def horizon(self) -> int:
        return int(self.record["config"]["horizon"])

    def actual(self) -> pd.DataFrame:
        """Return date and actual value of the test rows."""
        rows = self.backtest[["date", "actual"]].drop_duplicates("date")
        return rows.sort_values("date", ignore_index=True)

    def forecast_of(self, model: str) -> pd.DataFrame:
        """Return the coming steps of one model."""
        return self.forecast[self.forecast["model"] == model]

    def backtest_of(self, model: str) -> pd.DataFrame:
        """Return the forecasts of one model for the last step of the horizon, one row an origin."""
        rows = self.backtest
        return rows[(rows["model"] == model) & (rows["step"] == self.horizon)]


def _texts(dates: pd.Series) -> list[str]:
    is_dated = pd.api.types.is_datetime64_any_dtype(dates)
    return date_texts(pd.DatetimeIndex(dates)) if is_dated else [str(one) for one in dates]


def _digits(rows: pd.DataFrame) -> int:
    """Decimals by which the widest interval of the first step is told in three digits."""
    width = float((rows["q95"] - rows["q05"]).iloc[0]) or 1.0
    return int(np.clip(2 - np.floor(np.log10(width)), 0, 8))


def read_record(folder: Path) -> dict[str, Any]:
    """Read `run.json`.

    Raises:
        ConfigError: The folder holds no run.
    """
    try:
        found: dict[str, Any] = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        targets = ", ".join(sorted(str(one.parent) for one in folder.glob(f"*/{RUN}")))
        cure = f" It is the folder of several targets: give one of {targets}." if targets else ""
        raise ConfigError(f"{RUN} must be what a run wrote. {folder} holds none that can be read.{cure}") from error
    return found


def read_run(record: dict[str, Any], folder: Path) -> Content:
    """Read tables and pictures of a run that forecasts values."""
    from pyarrow import csv

    tables = {name: csv.read_csv(folder / f"{name}.csv").to_pandas() for name in ("backtest", "forecast")}
    for table in tables.values():
        for column in table.columns.intersection(["date", "origin"]):
            if not pd.api.types.is_integer_dtype(table[column]):
                table[column] = pd.to_datetime(table[column])
    return Content(record, tables["backtest"], tables["forecast"], read_pictures(folder))


def read_pictures(folder: Path) -> dict[str, str]:
    """Read the PNG pictures in `plots/` as data URIs, by name."""
    return {
        path.stem: "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
        for path in sorted((folder / "plots").glob("*.png"))
    }
