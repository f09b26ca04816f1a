"""Long horizons on the data sets of the literature: one model for all columns, with default settings.

    python benchmarks/longterm.py FILE --split 8640,2880,2880 [--horizon 96] [--lookback 336] [--models lstm,linear]

FILE has a column of dates and columns of values, such as ETTh1. Each column is standardised on its training rows, and
the errors are means over all columns, all test origins and all steps, as in Zhou et al. (2021) and Zeng et al. (2023).
`repeat` is the naive forecast. A split as shares (0.7,0.1,0.2) is that of the exchange rates.
"""

import argparse
import time
from dataclasses import replace

import numpy as np

from forecast.config import MEDIAN, ExperimentConfig
from forecast.data.series import TimeSeries
from forecast.data.sources import load_all
from forecast.data.split import split_rows
from forecast.evaluation.scores import complete
from forecast.inference.forecasts import Backtest
from forecast.training.train import train


def shares(text: str, rows: int) -> tuple[int, float, float]:
    """Rows that are used, and the shares of training and validation rows among them."""
    parts = [float(part) for part in text.split(",")]
    used = rows if sum(parts) <= 1.001 else int(sum(parts))
    return used, parts[0] / sum(parts), parts[1] / sum(parts)


def errors(series: TimeSeries, predictions: Backtest, config: ExperimentConfig) -> tuple[float, ...]:
    """Mean squared and absolute error of the median, then those of the last value, in standard deviations."""
    test = complete(predictions)
    deviation = series.y[: split_rows(len(series), config).validation].std()
    for_each = test.quantiles[..., MEDIAN], np.broadcast_to(test.last_value[:, None], test.actual.shape)
    off = [(test.actual - forecast) / deviation for forecast in for_each]
    return tuple(
        float(measure(error)) for error in off for measure in (lambda e: (e**2).mean(), lambda e: abs(e).mean())
    )


def main() -> None:
    """Trains each model on all columns at once and prints a row of the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--split", default="0.7,0.1,0.2", help="rows or shares of training, validation and test")
    parser.add_argument("--horizon", type=int, default=96)
    parser.add_argument("--lookback", type=int, help="by default that of the frequency")
    parser.add_argument("--models", default="lstm,linear")
    options = parser.parse_args()
    columns = load_all(f"{options.file}:*")
    used, train_share, validation_share = shares(options.split, len(columns[0]))
    columns = [replace(one, index=one.index[:used], values=one.values[:used]) for one in columns]
    config = ExperimentConfig(
        lookback=options.lookback, horizon=options.horizon, train_share=train_share, validation_share=validation_share
    )
    print(f"{len(columns)} columns, {used} rows, horizon {options.horizon}")
    for name in options.models.split(","):
        started = time.perf_counter()
        model = train(columns, name, config)
        found = np.mean([errors(one, model.backtest(one), model.config) for one in columns], axis=0)
        seconds = time.perf_counter() - started
        print(
            f"{name:10s} lookback {model.config.lookback}: MSE {found[0]:.4f} MAE {found[1]:.4f}, repeat "
            f"{found[2]:.4f} {found[3]:.4f}, {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
