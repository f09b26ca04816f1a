"""How long a large CSV takes to read: `forecast.load` beside `pandas.read_csv` with the right options.

    python benchmarks/reading.py [MEGABYTES]

Both read the same file in turn in one process, several times; medians and their ratio are printed. `load` also looks
for the form of the file, checks every row and looks for what is wrong with it.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import forecast

ROUNDS = 7
FORMS = {
    "minutes, ISO dates": {"date_format": "%Y-%m-%d %H:%M:%S"},
    "days, d.m.Y, decimal comma": {"date_format": "%d.%m.%Y", "sep": ";", "decimal": ","},
}


def write(path: Path, megabytes: float, *, date_format: str, sep: str = ",", decimal: str = ".") -> None:
    """A made-up table of prices of about that size."""
    rows = int(megabytes * 1e6 / 60)
    random = np.random.default_rng(0)
    close = (100 + np.cumsum(random.normal(0, 0.01, rows))).round(4)
    frequency = "min" if "%H" in date_format else "h"
    dates = pd.date_range("1950-01-01", periods=rows, freq=frequency).strftime(date_format)
    columns = {"Date": dates, "Open": close, "High": close + 1, "Low": close - 1, "Close": close + 0.5, "Volume": rows}
    frame = pd.DataFrame(columns)
    if "%H" not in date_format:
        frame["Hour"] = [f"{hour % 24:02d}:00" for hour in range(rows)]
    frame.to_csv(path, index=False, sep=sep, decimal=decimal)


def seconds(read: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    read()
    return time.perf_counter() - started


def compare(name: str, path: Path, form: dict[str, str]) -> None:
    """Prints both medians and their ratio."""
    options = {"sep": form.get("sep", ","), "decimal": form.get("decimal", ".")}
    pairs = [
        (
            seconds(lambda: pd.read_csv(path, parse_dates=["Date"], date_format=form["date_format"], **options)),
            seconds(lambda: forecast.load(path)),
        )
        for _ in range(ROUNDS)
    ]
    plain, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    size = path.stat().st_size / 1e6
    print(f"{name}: {size:.0f} MB, pandas {plain:.2f} s, forecast {ours:.2f} s, ratio {ours / plain:.2f}")


def main() -> None:
    """Writes each form into a folder of its own, and compares."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder:
        for name, form in FORMS.items():
            path = Path(folder) / "prices.csv"
            write(path, megabytes, **form)
            compare(name, path, form)


if __name__ == "__main__":
    main()
