"""What a page says, read from the files of a run.

In: the folder that `report.py` wrote. Out: a `Content`, with tables as data frames.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import ConfigError
from forecast.models import BASELINES

RUN = "run.json"


@dataclass(frozen=True, eq=False)
class Content:
    """A run as its page shows it.

    Attributes:
        record: What `run.json` holds.
        backtest: One row a model, origin and step, with dates as such.
        coming: The coming steps of each model.
        losses: By network, rows of step, training loss and validation loss.
        pictures: PNG pictures as data addresses, by name, for readers without scripts.
    """

    record: dict[str, Any]
    backtest: pd.DataFrame
    coming: pd.DataFrame
    losses: dict[str, list[tuple[float, float | None, float]]]
    pictures: dict[str, str]

    @property
    def learned(self) -> list[str]:
        """The models that are no baselines, those with the smaller errors first; naive if there are none."""
        rows = sorted(self.record["scores"], key=lambda row: row["mae_vs_naive"] or np.inf)
        return [row["model"] for row in rows if row["model"] not in BASELINES] or ["naive"]

    @property
    def unit(self) -> str:
        return str(self.record["series"]["unit"])

    @property
    def horizon(self) -> int:
        return int(self.record["config"]["horizon"])

    def actual(self) -> pd.DataFrame:
        """What came on the test rows: date and value."""
        rows = self.backtest[["date", "actual"]].drop_duplicates("date")
        return rows.sort_values("date", ignore_index=True)

    def at_step(self, model: str, step: int) -> pd.DataFrame:
        """The forecasts of one model for one step."""
        chosen = (self.backtest["model"] == model) & (self.backtest["step"] == step)
        return self.backtest[chosen]


def read_record(folder: Path) -> dict[str, Any]:
    """What `run.json` holds.

    Raises:
        ConfigError: there is no run in the folder.
    """
    try:
        found: dict[str, Any] = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"a report is made of the folder of a run or a comparison. {folder} holds none.") from error
    return found


def read_run(record: dict[str, Any], folder: Path) -> Content:
    """The content of the folder of a run that forecasts values."""
    from pyarrow import csv

    tables = {name: csv.read_csv(folder / f"{name}.csv").to_pandas() for name in ("backtest", "forecast")}
    for table in tables.values():
        for column in table.columns.intersection(["date", "origin"]):
            table[column] = pd.to_datetime(table[column])
    return Content(record, tables["backtest"], tables["forecast"], _losses(folder), read_pictures(folder))


def _losses(folder: Path) -> dict[str, list[tuple[float, float | None, float]]]:
    found = {}
    for path in sorted((folder / "models").glob("*/bundle.json")):
        history = json.loads(path.read_text(encoding="utf-8")).get("history", [])
        if history:
            found[path.parent.name] = [(step, loss, validation) for step, loss, validation in history]
    return found


def read_pictures(folder: Path) -> dict[str, str]:
    """The PNG pictures of a folder as data addresses."""
    return {
        path.stem: "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
        for path in sorted((folder / "plots").glob("*.png"))
    }
