"""What fine-tuning does to the network that comes with the package, on simulated series of its own kinds.

    .venv/bin/python benchmarks/fine_tuning.py

Prints, for each kind and season, the CRPS and the MAE of `finetuned` over those of `pretrained` on the last fifth of a
series, and their geometric means.
"""

import warnings

import machine
import numpy as np

import forecast
from forecast.data.synthetic import GENERATORS
from forecast.data.synthetic.events import with_events

KINDS = ("seasonal", "work_and_rest", "holidays", "smoothing", "gaussian_process", "counts", "mean_reverting")
# Rows, season and horizon of the series of each kind.
SHAPES = ((1_500, 24, 24), (700, 12, 12), (1_200, 7, 14))


def compare(kind: str, rows: int, season: int, horizon: int) -> tuple[float, float]:
    """CRPS and MAE of one series, fine-tuned over not."""
    random = np.random.default_rng([rows, list(GENERATORS).index(kind)])
    y = with_events(random, GENERATORS[kind][0](random, 1, rows, (season,)))[0]
    scores = forecast.run(y, models=["pretrained", "finetuned"], horizon=horizon, season=season).to_frame()
    crps, mae = (scores.loc["finetuned", score] / scores.loc["pretrained", score] for score in ("crps", "mae"))
    return float(crps), float(mae)


def main() -> None:
    """Compare and print."""
    warnings.filterwarnings("ignore")
    print(machine.describe())
    found = []
    for kind in KINDS:
        for shape in SHAPES:
            found.append(compare(kind, *shape))
            print(f"{kind}, season {shape[1]}: CRPS {found[-1][0]:.3f}, MAE {found[-1][1]:.3f}", flush=True)
    crps, mae = np.exp(np.log(found).mean(axis=0))
    worst = np.max(found, axis=0)
    print(f"{len(found)} series: CRPS {crps:.3f}, at most {worst[0]:.3f}; MAE {mae:.3f}, at most {worst[1]:.3f}")


if __name__ == "__main__":
    main()
