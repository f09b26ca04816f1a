"""What fine-tuning does to the network that comes with the package, on simulated series of its own kinds.

    .venv/bin/python benchmarks/fine_tuning.py [FILE ...]

Prints, for each kind and season, or for each file, the CRPS and the MAE of `finetuned` over those of
`pretrained`, and over those of the same network that begins with random weights, on the last fifth of a series; and
their geometric means.
"""

import sys
import warnings
from dataclasses import replace

import machine
import numpy as np

import forecast
from forecast.data.synthetic import GENERATORS
from forecast.data.synthetic.events import with_events
from forecast.evaluation.holdout import test

KINDS = ("seasonal", "work_and_rest", "holidays", "smoothing", "gaussian_process", "counts", "mean_reverting")
SAID = "CRPS {:.3f}, MAE {:.3f}; over random weights CRPS {:.3f}, MAE {:.3f}"
# Rows, season and horizon of the series of each kind.
SHAPES = ((1_500, 24, 24), (700, 12, 12), (1_200, 7, 14))


def simulated(kind: str, rows: int, season: int, horizon: int) -> tuple[forecast.TimeSeries, dict[str, int]]:
    """One series of a kind, with its options."""
    random = np.random.default_rng([rows, list(GENERATORS).index(kind)])
    y = with_events(random, GENERATORS[kind][0](random, 1, rows, (season,)))[0]
    return replace(forecast.load(y), name=f"{kind}, season {season}"), {"season": season, "horizon": horizon}


def compare(series: forecast.TimeSeries, **options: int) -> list[float]:
    """CRPS and MAE of one series, fine-tuned over not, then over those from random weights."""
    starts = (("finetuned", None), ("pretrained", None), ("finetuned", "scratch"))
    tests = [test(forecast.train(series, model, start=start, **options), series)[0] for model, start in starts]
    tuned, *others = ((one.crps, one.mae) for one in tests)
    return [mine / its for other in others for mine, its in zip(tuned, other, strict=True)]


def main() -> None:
    """Compare and print."""
    warnings.filterwarnings("ignore")
    print(machine.describe())
    several = [(forecast.load(file), {}) for file in sys.argv[1:]]
    found = []
    for series, options in several or [simulated(kind, *shape) for kind in KINDS for shape in SHAPES]:
        found.append(compare(series, **options))
        print(f"{series.name}: {SAID.format(*found[-1])}", flush=True)
    print(f"{len(found)} series: {SAID.format(*np.exp(np.log(found).mean(axis=0)))}")
    print(f"at most: {SAID.format(*np.max(found, axis=0))}")


if __name__ == "__main__":
    main()
