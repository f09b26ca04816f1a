"""Does the verdict keep its promises, on series whose truth is known? Simulated, no files needed.

    .venv/bin/python benchmarks/honesty.py walks       random walks: how often is a model called better than naive?
    .venv/bin/python benchmarks/honesty.py skill       returns with memory: how often is the lstm called better?
    .venv/bin/python benchmarks/honesty.py volatility  changing volatility: what 90 % intervals hold, how wide they are
    .venv/bin/python benchmarks/honesty.py spread      how often intervals are called better, with and without reason

Each prints a table; benchmarks/honesty.md keeps what they printed. Default settings throughout.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from machine import describe

from forecast import ExperimentConfig, TimeSeries, load, run, train
from forecast.config import override
from forecast.evaluation.scores import complete
from forecast.metrics.metrics import share_interval
from forecast.runtime import devices

MODELS = ("drift", "seasonal_naive", "linear", "lstm", "gru", "rnn", "dense")
ROWS = {"walks": 1500, "skill": 2000, "volatility": 3000, "spread": 2000}
MEMORY = 0.3
# GARCH(1, 1) of daily returns: weight of the last shock, of the last variance.
GARCH = ((0.10, 0.88), (0.05, 0.93), (0.15, 0.80))
# Windows of a plain historical volatility, in rows; 0 is all rows so far.
WINDOWS = (20, 60, 250, 0)


def prices(returns: np.ndarray, name: str) -> TimeSeries:
    """Prices on business days from returns in percent."""
    index = pd.bdate_range("2000-01-03", periods=len(returns))
    return load(pd.Series(100 * np.exp(np.cumsum(returns) / 100), index=index, name=name))


def random_walk(random: np.random.Generator, rows: int) -> np.ndarray:
    """Returns that nothing is known of."""
    return random.standard_normal(rows)


def memory(random: np.random.Generator, rows: int) -> np.ndarray:
    """Returns that follow the one before, AR(1)."""
    shocks, returns = random.standard_normal(rows + 100), np.zeros(rows + 100)
    for row in range(1, len(returns)):
        returns[row] = MEMORY * returns[row - 1] + shocks[row]
    return returns[100:]


def garch(random: np.random.Generator, rows: int, number: int) -> np.ndarray:
    """Returns of changing volatility."""
    shock, last = GARCH[number % len(GARCH)]
    variance, returns = 1.0, np.zeros(rows)
    for row in range(rows):
        returns[row] = np.sqrt(variance) * random.standard_normal()
        variance = 1 - shock - last + shock * returns[row] ** 2 + last * variance
    return returns


def simulated(make: Callable[..., np.ndarray], count: int, rows: int) -> Iterator[TimeSeries]:
    """Series from seeds 0, 1, ..."""
    for number in range(count):
        random = np.random.default_rng(number)
        returns = make(random, rows, number) if make is garch else make(random, rows)
        yield prices(returns, f"simulated {number}")


def walks(count: int, config: ExperimentConfig, models: tuple[str, ...]) -> None:
    """How often each model is called better or worse, alone and among the others."""
    found: dict[str, Counter[str]] = {model: Counter() for model in models}
    for number, series in enumerate(simulated(random_walk, count, ROWS["walks"]), start=1):
        result = run(series, models=models, config=config)
        for verdict in result.verdicts:
            if verdict.model in found:
                found[verdict.model][verdict.outcome] += 1
        if number % 20 == 0 or number == count:
            print(f"\n{number} random walks of {ROWS['walks']} rows, horizon {config.horizon}")
            print("| model | called better | 95 % interval of that rate [%] | called worse |\n|---|---|---|---|")
            for model, counts in found.items():
                low, high = share_interval(counts["better"] / number, number)
                print(f"| {model} | {counts['better']} | {100 * low:.1f} to {100 * high:.1f} | {counts['worse']} |")


def skill(count: int, config: ExperimentConfig) -> None:
    """How often the lstm is called better on returns with memory."""
    called, ratios = 0, []
    for series in simulated(memory, count, ROWS["skill"]):
        result = run(series, models=["lstm"], config=config)
        called += result.verdicts[0].outcome == "better"
        ratios.append(result.scores[0].mae_vs_naive)
    print(
        f"AR(1) in returns, {MEMORY}, {ROWS['skill']} rows, horizon {config.horizon}: lstm called better in {called} "
        f"of {count} runs, MAE / naive {np.mean(ratios):.3f} on average"
    )


def volatility(count: int, config: ExperimentConfig) -> None:
    """What the 90 % intervals of the lstm hold, and their width beside those of historical volatility."""
    held, widths = [], []
    moves: dict[int, list[np.ndarray]] = {window: [] for window in WINDOWS}
    sizes: dict[int, list[float]] = {window: [] for window in WINDOWS}
    for series in simulated(garch, count, ROWS["volatility"]):
        backtest = complete(train(series, "lstm", config).backtest(series))
        low, high, last = backtest.quantiles[..., 0], backtest.quantiles[..., -1], backtest.last_value[:, None]
        held.append(((low <= backtest.actual) & (backtest.actual <= high)).mean())
        widths.append(((high - low) / last).mean())
        for window in WINDOWS:
            size = historical(series, backtest.origin, window) * np.sqrt(np.arange(1, config.horizon + 1))
            moves[window].append(np.abs(backtest.actual / last - 1) / size)
            sizes[window].append(size.mean())
    print(
        f"{count} series with changing volatility, {ROWS['volatility']} rows, horizon {config.horizon}: 90 % intervals "
        f"hold {100 * np.mean(held):.1f} % on average, {100 * min(held):.1f} to {100 * max(held):.1f} %"
    )
    print("| historical volatility over | width of ours over its width at the same coverage |\n|---|---|")
    for window in WINDOWS:
        factor = np.quantile(np.concatenate([part.ravel() for part in moves[window]]), np.mean(held))
        ratio = np.mean(widths) / (2 * factor * np.mean(sizes[window]))
        print(f"| {f'{window} rows' if window else 'all rows so far'} | {ratio:.3f} |")


def spread(count: int, config: ExperimentConfig, models: tuple[str, ...]) -> None:
    """How often the intervals of each model are called better than naive's, where volatility changes and where not."""
    found: dict[str, Counter[str]] = {model: Counter() for model in models}
    for make in (random_walk, garch):
        for series in simulated(make, count, ROWS["spread"]):
            for verdict in run(series, models=models, config=config).verdicts:
                if verdict.model in found:
                    found[verdict.model][make.__name__] += verdict.has_better_intervals
    print(f"\n{count} paths of each kind, {ROWS['spread']} rows, horizon {config.horizon}")
    ends = "95 % interval"
    print(f"| model | better on random walks [%] | {ends} | better on GARCH [%] | {ends} |\n|---|---|---|---|---|")
    for model, counts in found.items():
        shares = [counts[make.__name__] / count for make in (random_walk, garch)]
        cells = [
            f"{100 * s:.1f} | {' to '.join(f'{100 * end:.1f}' for end in share_interval(s, count))}" for s in shares
        ]
        print(f"| {model} | {' | '.join(cells)} |")


def historical(series: TimeSeries, origin: np.ndarray, window: int) -> np.ndarray:
    """The standard deviation of the returns before each origin, shape (N, 1)."""
    returns = np.diff(np.log(series.y))
    return np.array([returns[max(0, row - window) if window else 0 : row].std() for row in origin])[:, None]


def main() -> None:
    """Runs one of the four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["walks", "skill", "volatility", "spread"])
    parser.add_argument("--count", type=int, help="series [200 walks and spread, 40 others]")
    parser.add_argument("--horizon", type=int, default=ExperimentConfig().horizon)
    parser.add_argument("--models", default=",".join(MODELS))
    options = parser.parse_args()
    devices.load_keras()
    config = override(ExperimentConfig(), {"horizon": options.horizon})
    print(describe())
    if options.what == "walks":
        walks(options.count or 200, config, tuple(options.models.split(",")))
    elif options.what == "spread":
        spread(options.count or 200, config, tuple(options.models.split(",")))
    else:
        {"skill": skill, "volatility": volatility}[options.what](options.count or 40, config)


if __name__ == "__main__":
    main()
