"""What a first answer loses by testing and calibrating from origins that are some rows apart.

    .venv/bin/python benchmarks/spacing.py                       the bundled series
    .venv/bin/python benchmarks/spacing.py FILE...               others beside them

Each series is cut at three rows, and taken whole and by its last 500 rows there. Beside a test and a calibration from
every row stand those from origins an eighth, a quarter and half of the horizon apart, on the same forecasts' origins.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import forecast
from forecast.config import QUANTILES, ExperimentConfig
from forecast.evaluation.scores import at_origins, complete, score
from forecast.evaluation.zero_shot_plan import plan_at_once, stride_of
from forecast.inference.forecasts import Backtest
from forecast.training.train import train_on

ROOT = Path(__file__).resolve().parent.parent
BUNDLED = ("sp500.csv", "nasdaq.csv", "sea_temperature.csv", "shop_sales.csv:Sales")
CUTS, SHORT = (0.6, 0.8, 1.0), 500
APART = (8, 4, 2)


def pieces(sources: list[str]) -> Iterator[forecast.TimeSeries]:
    """Parts of each series: up to each cut, and its last rows there."""
    for source in sources:
        series = forecast.load(source)
        stops = sorted({int(len(series) * cut) for cut in CUTS} if len(series) > SHORT / CUTS[0] else {len(series)})
        for stop in stops:
            yield series[:stop]
            if stop > SHORT:
                yield series[stop - SHORT : stop]


def differences(series: forecast.TimeSeries) -> NDArray[np.float64]:
    """For each spacing, NaN where it is every row: what the test tells less what it tells from every row (MAE / naive).

    And what calibrating so changes at the same origins: the relative pinball loss, and the coverage.
    """
    dataset = plan_at_once(series, ExperimentConfig()).dataset
    y_train = series.y[: dataset.split.validation]

    def tested(calibrated: int, stride: int) -> Backtest:
        return complete(train_on([dataset], "pretrained", stride=calibrated).test(dataset, stride=stride)[0])

    every, found = tested(1, 1), []
    usual = score(every, y_train=y_train)
    for apart in APART:
        stride = stride_of(dataset, apart)
        spaced = tested(stride, stride)
        own, same = (
            score(one, y_train=y_train) for one in (spaced, at_origins(every, np.isin(every.origin, spaced.origin)))
        )
        told = own.mae_vs_naive - usual.mae_vs_naive
        losses = own.pinball / same.pinball - 1, own.coverage90 - same.coverage90
        found.append((told, *losses) if stride > 1 else (np.nan,) * 3)
    return np.array(found)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="What origins that are some rows apart lose.")
    parser.add_argument("files", nargs="*")
    sources = [*(str(ROOT / "data" / name) for name in BUNDLED), *parser.parse_args().files]
    found = np.array([differences(series) for series in pieces(sources)])
    print(f"{len(found)} pieces of {len(sources)} series; {len(QUANTILES)} quantiles")
    print(
        "| apart | pieces | MAE / naive: mean | root mean square | pinball loss | coverage |\n|---|---|---|---|---|---|"
    )
    for number, apart in enumerate(APART):
        told, pinball, coverage = found[np.isfinite(found[:, number, 0]), number].T
        error = f"{told.mean():+.4f} | {np.sqrt((told**2).mean()):.4f}"
        print(f"| H/{apart} | {len(told)} | {error} | {pinball.mean():+.2%} | {coverage.mean():+.2%} |")


if __name__ == "__main__":
    main()
