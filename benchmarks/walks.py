"""What the network that comes with the package loses where nothing can be forecast, as it is used by default.

    .venv/bin/python benchmarks/walks.py

Gaussian random walks with moves of 1 that begin at 100 or at 10,000: the former are rather walks of values than of
logarithms, which is what prices are taken for. In the last fifth, 1 to 10 steps ahead: MAE of `pretrained` over that of
naive, of all walks of a length together, and the farthest from 1 of a single one; and the pinball loss of `pretrained`
and of naive over that of the distribution that the moves are drawn from.
"""

import numpy as np
from scipy.stats import norm

import forecast
from forecast.config import QUANTILES
from forecast.metrics.metrics import mae, pinball

BEGINS, LENGTHS, WALKS, HORIZON = (100, 10_000), (300, 700, 1_500), 20, 10
MODELS = ("naive", "pretrained")
# The median a step ahead is the last value; the standard deviation grows with the root of the step.
TRUTH = np.sqrt(np.arange(1, HORIZON + 1))[:, None] * norm.ppf(QUANTILES)


def errors(begin: int, rows: int) -> np.ndarray:
    """Of each walk MAE of naive and of `pretrained`, then their pinball losses and that of the truth, (WALKS, 5)."""
    found = []
    for seed in range(WALKS):
        walk = begin + np.random.default_rng([rows, seed]).standard_normal(rows).cumsum()
        tests = forecast.run(walk, models=["pretrained"], horizon=HORIZON).backtests
        actual, last = tests["naive"].actual, tests["naive"].last_value
        quantiles = [tests[name].quantiles for name in MODELS]
        found.append(
            [mae(actual, one[..., len(QUANTILES) // 2]) for one in quantiles]
            + [pinball(actual, one, levels=QUANTILES) for one in (*quantiles, last[:, None, None] + TRUTH)]
        )
    return np.array(found)


def main() -> None:
    """Measure and print."""
    for begin in BEGINS:
        for rows in LENGTHS:
            naive, ours, *losses = errors(begin, rows).T
            ratios = ours / naive
            farthest = ratios[np.argmax(np.abs(ratios - 1))]
            of_naive, of_ours = (loss.sum() / losses[-1].sum() for loss in losses[:2])
            print(
                f"from {begin:,}, {rows:,} rows: {ours.sum() / naive.sum():.4f}, a single one {farthest:.3f}; "
                f"pinball loss over that of the truth {of_ours:.4f}, naive's {of_naive:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
